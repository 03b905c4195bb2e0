"""What answers rows: the graph in ONNX Runtime, or the source booster in XGBoost, each call on one thread."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import MODEL_FILE, SOURCE_FILE, IntegrityError, UnsupportedModel, UsageError, digest_bytes
from onnxport.validation import LocalGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from onnxport.artifacts import Column, Manifest, Outputs, PostProcessing, Predict, Rows, Signature

    from .job import EngineName

_opening: Final = Lock()
_kept: Final[dict[tuple[str, str, str], Predict]] = {}


def open_engine(name: EngineName, release: Path, manifest: Manifest) -> Predict:
    """The engine, loaded from the release's files in the folder `release`, whose digests are checked again.

    Raises:
        IntegrityError: A file is not what the manifest says, or cannot be loaded.
        UnsupportedModel: XGBoost's own predictor cannot give the release's outputs.
    """
    return _OPENERS[name](release, manifest)


def kept_engine(name: EngineName, release: Path, manifest: Manifest) -> Predict:
    """Like `open_engine`; all threads of this process share the last one.

    Raises:
        IntegrityError: As there.
        UnsupportedModel: As there.
    """
    key = (name, str(release), manifest.digest)
    with _opening:
        if key not in _kept:
            _kept.clear()
            _kept[key] = open_engine(name, release, manifest)
        return _kept[key]


class BoosterEngine:
    """XGBoost's own predictor for the booster that the model came from."""

    def __init__(self, data: bytes, signature: Signature, post: PostProcessing) -> None:
        """The booster is loaded.

        Args:
            data: XGBoost's own file of it.
            signature: The release's inputs and outputs.
            post: What the graph does after the model.

        Raises:
            UsageError: It is no XGBoost model.
            UnsupportedModel: Its inputs are not one matrix of float32.
        """
        # ruff: ignore[PLC0415] - loads only where this engine is asked for
        from onnxport.sources import open_xgboost

        if signature.layout != "matrix" or any(column.dtype != "float32" for column in signature.inputs):
            raise UnsupportedModel(
                "its inputs are not one float32 matrix, which XGBoost's own predictor is asked for",
                hint="Leave --with-source out: the graph answers alone.",
            )
        model = open_xgboost(data, SOURCE_FILE)
        self._booster: Any = model.get_booster() if hasattr(model, "get_booster") else model
        best = getattr(model, "best_iteration", None) if hasattr(model, "get_booster") else None
        self._rounds: Final = (0, 0 if best is None else best + 1)
        self._booster.set_param({"nthread": 1, "device": "cpu"})
        self._signature: Final = signature
        self._clip: Final = post.clip

    def __call__(self, rows: Rows, /) -> Outputs:
        """The outputs of the release's signature for `rows`.

        Raises:
            UsageError: A column is missing, a value does not fit it, or XGBoost refuses the rows.
        """
        (matrix,) = self._signature.feeds(rows).values()
        try:
            answer: Column = self._booster.inplace_predict(
                matrix, iteration_range=self._rounds, validate_features=False
            )
        except ValueError as error:  # XGBoostError is one
            reason = str(error).partition("\n")[0][:200]
            raise UsageError(f"XGBoost's own predictor refuses the rows: {reason}") from error
        if any(output.name == "probabilities" for output in self._signature.outputs) and answer.ndim == 1:
            answer = np.stack([1 - answer, answer], axis=1)
        return {output.name: self._output(output.name, answer) for output in self._signature.outputs}

    def _output(self, name: str, answer: Column) -> Column:
        if name == "label":
            classes = next(output.classes for output in self._signature.outputs if output.name == name)
            chosen = answer[:, 1] > 0.5 if answer.shape[1] == 2 else answer.argmax(axis=1)  # ruff: ignore[PLR2004] - as XGBClassifier.predict decides
            return np.asarray(classes)[chosen.astype(np.int64)]
        return answer if self._clip is None else np.clip(answer, *self._clip)


def _graph(release: Path, manifest: Manifest) -> Predict:
    return LocalGraph(_read(release, manifest, MODEL_FILE), manifest.signature)


def _booster(release: Path, manifest: Manifest) -> Predict:
    return BoosterEngine(_read(release, manifest, SOURCE_FILE), manifest.signature, manifest.plan.post)


_OPENERS: Final[Mapping[EngineName, Callable[[Path, Manifest], Predict]]] = {"onnx": _graph, "xgboost": _booster}


def _read(release: Path, manifest: Manifest, name: str) -> bytes:
    try:
        data = (release / name).read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"{release / name} cannot be read: {error.strerror or error}",
            hint="Every worker must see the folder of --out under the same path.",
        ) from error
    if (found := digest_bytes(data)) != manifest.file(name).sha256:
        raise IntegrityError(
            f"{release / name} has the digest {found}, its manifest says {manifest.file(name).sha256}",
            hint="It was changed after it was pulled: delete it and run again.",
        )
    return data
