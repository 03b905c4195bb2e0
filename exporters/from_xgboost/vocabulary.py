"""Which category each code of a column stood for in training."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Categories = tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The categories of a column as a model holds them, by code.

    XGBoost 3.1 and 3.2 store strings that are not plain ASCII wrongly: the offsets count characters, the text is
    cut off after as many bytes as there are characters. Such strings cannot be read back, only recognised.

    Attributes:
        integers: The categories, where they are integers.
        text: All strings, one after the other, in UTF-8.
        ends: 0, and where each string ends.
    """

    integers: tuple[int, ...] = ()
    text: bytes = b""
    ends: tuple[int, ...] = (0,)

    @classmethod
    def read(cls, encoding: Mapping[str, Any]) -> Vocabulary | None:
        """The vocabulary in a member of XGBoost's `cats.enc`; `None` for a column without categories."""
        values = np.asarray(encoding["values"])
        if "offsets" not in encoding:
            return cls(integers=tuple(int(value) for value in values)) if len(values) else None
        ends = tuple(int(end) for end in encoding["offsets"])
        return cls(text=values.astype(np.int8).tobytes(), ends=ends) if len(ends) > 1 else None

    @property
    def strings(self) -> bool:
        """Whether the categories are strings."""
        return not self.integers

    def categories(self, candidates: Sequence[Any]) -> Categories | None:
        """The categories by code; where they cannot be read, `candidates`, if they are what the model stored.

        `None` where neither is possible.
        """
        if self.integers:
            return self.integers
        if self.text.isascii():
            text = self.text.decode("ascii")
            return tuple(text[start:end] for start, end in pairwise(self.ends))
        names = tuple(map(str, candidates))
        whole = "".join(names).encode()
        by_bytes = (0, *accumulate(len(name.encode()) for name in names))
        by_characters = (0, *accumulate(map(len, names)))
        stored = self.text, self.ends
        known = stored in {(whole, by_bytes), (whole[: by_characters[-1]], by_characters)}
        return names if known else None
