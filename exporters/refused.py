"""How code deep inside an exporter says no; `export` turns it into the value `Refusal`."""

from __future__ import annotations

from onnxport.artifacts import Refusal


class Refused(Exception):
    """A step cannot be converted exactly.

    Attributes:
        refusal: Which step, why, and what the user can do.
    """

    def __init__(self, step: str, reason: str, instead: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.refusal = Refusal(step=step, reason=reason, instead=instead)
