"""What the service says to rows, whoever answered them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from .fault import Fault, unavailable
from .outputs import LABEL, PREDICTION, PROBABILITIES, Rendered

if TYPE_CHECKING:
    from onnxport.artifacts import Column, Signature

    from .settings import Answer as Wanted

ONNX: Final = "onnx"
CACHED: Final = "cache"
ENDPOINT: Final = "azureml"


@dataclass(slots=True)  # not frozen: made for every request (ADR 0010)
class Answer:
    """The outputs for some rows.

    Attributes:
        rendered: The run, or what was found, that they are a part of.
        start: Their first row in it.
        stop: The row after their last.
        served_by: `onnx`, `cache` or `azureml`.
    """

    rendered: Rendered
    start: int
    stop: int
    served_by: str

    def fragments(self, name: str) -> list[bytes]:
        """The output `name` as JSON, a fragment a row.

        Raises:
            KeyError: Whoever answered does not give this output.
        """
        return self.rendered.fragments(name)[self.start : self.stop]

    def array(self, name: str, dtype: str) -> Column:
        """The output `name` as an array.

        Raises:
            KeyError: Whoever answered does not give this output.
        """
        if name in self.rendered.arrays:
            return self.rendered.arrays[name][self.start : self.stop]
        values = [orjson.loads(fragment) for fragment in self.fragments(name)]
        return np.array(values, dtype=object if dtype == "string" else dtype)

    def chosen(self, wanted: Wanted) -> list[bytes] | Fault:
        """What the dialects of other servers answer a row with."""
        if wanted in self.rendered.names:
            return self.fragments(wanted)
        name = PROBABILITIES if wanted == "positive" else wanted
        try:
            fragments = self.fragments(name)
        except KeyError:
            return unavailable("no-such-output", f"{self.served_by} does not answer with {wanted}")
        if wanted == "positive":
            return [fragment[1:-1].rpartition(b",")[2] for fragment in fragments]
        return fragments


def default_answer(signature: Signature) -> Wanted:
    """What the source model's own `predict` gives: labels of classifiers, predictions of all others."""
    names = {output.name for output in signature.outputs}
    if PREDICTION in names:
        return "prediction"
    return "label" if LABEL in names else "probabilities"
