"""How code deep inside an exporter says no; `export` turns it into the value `Refusal`."""

from __future__ import annotations

from typing import Any

from onnxport.artifacts import Refusal

_ANSWERS = ("predict", "predict_proba", "decision_function")


class Refused(Exception):
    """A step cannot be converted exactly.

    Attributes:
        refusal: Which step, why, and what the user can do.
    """

    def __init__(self, step: str, reason: str, instead: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.refusal = Refusal(step=step, reason=reason, instead=instead)


def check_methods(model: Any, step: str, module: str, instead: str) -> None:  # ruff: ignore[ANN401] - a foreign estimator
    """Nothing, if `model` answers by methods of `module` or its parts: what others wrote nobody can translate.

    Raises:
        Refused: A predicting method is of somebody else's making; `instead` says what the user can do.
    """
    for name in _ANSWERS:
        method = getattr(type(model), name, None)
        if not f"{getattr(method, '__module__', module)}.".startswith(f"{module}."):
            raise Refused(
                f"{step}.{name}",
                f"{type(model).__module__}.{type(model).__qualname__} answers by a `{name}` of its own, "
                "which nobody can translate",
                instead,
            )
