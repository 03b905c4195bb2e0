"""Opens LightGBM's own model files: text, whose reader trusts every number in it."""

from __future__ import annotations

from typing import Any

from onnxport.artifacts import UsageError

_FIRST = b"tree\n"


def open_lightgbm(data: bytes, name: str) -> Any:  # ruff: ignore[ANN401] - a Booster
    """The Booster in `data`.

    A damaged file may take the process down: `onnxport.pipelines` opens such files in one of their own.

    Raises:
        UsageError: It is no LightGBM model.
    """
    import lightgbm  # ruff: ignore[PLC0415] - loads only when such a file is opened

    if not data.startswith(_FIRST):
        raise _no_model(name, "it does not begin as such a file does")
    try:
        return lightgbm.Booster(model_str=data.decode(), params={"verbosity": -1})
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError, ValueError) as error:
        raise _no_model(name, " ".join(str(error).split())[:200]) from error


def _no_model(name: str, reason: str) -> UsageError:
    return UsageError(
        f"{name} is not a LightGBM model: {reason}", hint="Write it again with Booster.save_model('model.lgb')."
    )
