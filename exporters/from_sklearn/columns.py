"""What flows between the steps of a pipeline: blocks of columns, numbers and strings side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .tensor import Tensor, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onnxport.artifacts import Dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Neighbouring columns that one tensor carries.

    Attributes:
        tensor: The values, shape `(n, width)`: float64, float32 or string.
        width: How many columns.
        origin: The dtype that the source sees: a numpy dtype's name, or `string`, or `category`.
        missing: The string that stands for a missing value; `None` where the block is numeric or has none.
        marker: What the source itself sees where a string is missing: `nan` or `None`.
        categories: The dtype's categories where `origin` is `category`.
    """

    tensor: Tensor
    width: int
    origin: str
    missing: str | None = None
    marker: float | None = np.nan
    categories: tuple[object, ...] | None = None

    @property
    def is_text(self) -> bool:
        """Whether the columns hold strings."""
        return self.tensor.dtype == "string"

    def select(self, indices: Sequence[int]) -> Block:
        """The columns at `indices`."""
        if list(indices) == list(range(self.width)):
            return self
        return replace(self, tensor=self.tensor.columns(indices), width=len(indices))


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """All columns between two steps.

    Attributes:
        blocks: From left to right.
        sparse: Whether the source holds them in a sparse matrix, in which a zero is an absent entry.
    """

    blocks: tuple[Block, ...]
    sparse: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return sum(block.width for block in self.blocks)

    @property
    def is_text(self) -> bool:
        """Whether any column holds strings."""
        return any(block.is_text for block in self.blocks)

    def select(self, indices: Iterable[int]) -> Columns:
        """The columns at `indices`, in that order."""
        places = [(block, column) for block in self.blocks for column in range(block.width)]
        chosen: list[tuple[Block, list[int]]] = []
        for index in indices:
            block, column = places[index]
            if chosen and chosen[-1][0] is block:
                chosen[-1][1].append(column)
            else:
                chosen.append((block, [column]))
        return replace(self, blocks=tuple(block.select(within) for block, within in chosen))

    def split(self) -> list[Block]:
        """A block of one column for each column."""
        return [block.select([column]) for block in self.blocks for column in range(block.width)]

    def number_dtype(self) -> Dtype:
        """The float dtype that scikit-learn's validation gives the columns together: float32 only if all fit."""
        joined = np.result_type(*[np.dtype(block.origin) for block in self.blocks])
        return "float32" if joined in {np.dtype("float32"), np.dtype("float16")} else "float64"

    def matrix(self, dtype: Dtype) -> Tensor:
        """The columns side by side as one tensor, shape `(n, width)`; there are no strings among them."""
        return join([block.tensor.cast(dtype) for block in self.blocks])


def numbers(tensor: Tensor, width: int, *, sparse: bool = False, origin: str | None = None) -> Columns:
    """The columns of one numeric tensor; the source sees its dtype, or `origin`."""
    block = Block(tensor=tensor, width=width, origin=origin or tensor.dtype)
    return Columns(blocks=(block,), sparse=sparse)


def beside(parts: Iterable[Columns], *, sparse: bool = False) -> Columns:
    """The columns of `parts` side by side."""
    return Columns(blocks=tuple(block for part in parts for block in part.blocks), sparse=sparse)
