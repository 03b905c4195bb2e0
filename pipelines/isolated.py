"""The process in which a source model lives: it opens, converts and answers until its parent goes."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from onnxport.artifacts import OnnxportError, PostProcessing, Refusal, Rows, Signature, SourceReference, UsageError
from onnxport.exporters import ExportOptions
from onnxport.sources import Brought, SourceAccess, frame_of, on_frames, open_brought, open_sample, sample_of
from onnxport.validation import latencies, reply_on_pipes, resident

from .isolation import Sampled
from .opened import OpenedHere, open_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.artifacts import Column, Outputs, Predict

    Answer = tuple[dict[str, Any], Outputs]


Found = TypeVar("Found")


class ModelRaised(Exception):
    """The model raised for rows that it does not accept."""


class Isolated:
    """What the process holds: a model, and the ways to ask it."""

    def __init__(self) -> None:
        self._opened: OpenedHere | None = None
        self._brought: tuple[Brought, SourceAccess] | None = None
        self._scorers: list[Predict] = []
        self._steps: dict[str, Callable[[Rows], Column]] = {}

    def open(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """The model is open beside its sample; the answer names its columns."""
        brought, access = self._brought = _described(header)
        path = None if header["sample"] is None else Path(header["sample"])
        limit = header["limit"]
        if path is None:
            sample = sample_of(frame_of(_rows(header["sample_names"], arrays)))
        else:
            sample = open_sample(path, limit)
        sampled = Sampled(sample=sample, path=path, limit=limit, features=header["features"])
        self._opened = open_here(brought, sampled, access)
        return {"columns": list(self._opened.names)}, {}

    def try_out(self, header: dict[str, Any], _: Outputs) -> Answer:
        """The model can be opened."""
        open_brought(*_described(header))
        return {}, {}

    def convert(self, header: dict[str, Any], _: Outputs) -> Answer:
        """The graph, or why there is none."""
        clip = None if header["clip"] is None else tuple(header["clip"])
        result = self._model.convert(ExportOptions(clip=clip, runtime=header["runtime"]))
        if isinstance(result, Refusal):
            return {"refusal": asdict(result)}, {}
        conversion = result.conversion.to_bytes().decode()
        return {"conversion": conversion}, {"model": np.frombuffer(result.model, dtype=np.uint8)}

    def scorer(self, header: dict[str, Any], _: Outputs) -> Answer:
        """The number of a new way to ask."""
        signature = Signature.parse(header["signature"].encode(), name="signature")
        post = PostProcessing.parse(header["post"].encode(), name="post-processing")
        self._scorers.append(self._model.scorer(signature, post))
        return {"scorer": len(self._scorers) - 1}, {}

    def predict(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """The model's outputs."""
        return {}, _asked(lambda: self._scorers[header["scorer"]](_rows(header["names"], arrays)))

    def steps(self, _: dict[str, Any], __: Outputs) -> Answer:
        """The names of the steps."""
        self._steps = self._model.steps()
        return {"steps": list(self._steps)}, {}

    def step(self, header: dict[str, Any], arrays: Outputs) -> Answer:
        """What a step gives."""
        return {}, {"values": _asked(lambda: self._steps[header["step"]](_rows(header["names"], arrays)))}

    def booster(self, _: dict[str, Any], __: Outputs) -> Answer:
        """XGBoost's own file of the model."""
        return {}, {"booster": np.frombuffer(self._model.booster(), dtype=np.uint8)}

    def load(self, _: dict[str, Any], __: Outputs) -> Answer:
        """How long it takes to open the model once more, the libraries already imported, milliseconds."""
        if self._brought is None:
            raise UsageError("no model is open")
        start = time.perf_counter()
        open_brought(*self._brought)
        return {"load_ms": (time.perf_counter() - start) * 1e3}, {}

    def time(self, header: dict[str, Any], _: Outputs) -> Answer:
        """Latencies of `repeats` calls with `batch` rows of the sample, microseconds, and the process's memory."""
        signature = Signature.parse(header["signature"].encode(), name="signature")
        model, batch = self._model, header["batch"]
        predict = on_frames(model.source, model.frame, signature)
        rows = np.arange(max(header["rows"], batch)) % len(model.frame)
        frames = [model.frame.iloc[rows[row : row + batch]] for row in range(0, len(rows) - batch + 1, batch)]
        found = _asked(lambda: latencies(predict, frames, warmup=header["warmup"], repeats=header["repeats"]))
        return {"resident_mb": resident() / (1 << 20)}, {"latencies": found}

    @property
    def _model(self) -> OpenedHere:
        if self._opened is None:
            raise UsageError("no model is open")
        return self._opened


def _described(header: dict[str, Any]) -> tuple[Brought, SourceAccess]:
    columns = header["feature_columns"]
    brought = Brought(
        reference=SourceReference.parse(header["reference"].encode(), name="reference"),
        root=Path(header["root"]),
        file=Path(header["file"]),
        kind=header["kind"],
        name=header["name"],
        model_class=header["model_class"],
        columns=None if columns is None else tuple(columns),
    )
    access = SourceAccess(allow_pickle=header["allow_pickle"], allow_modules=tuple(header["allow_modules"]))
    return brought, access


def _rows(names: list[str], arrays: Outputs) -> Rows:
    return Rows(columns={name: arrays[str(index)] for index, name in enumerate(names)})


def _asked(ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    except Exception as error:
        raise ModelRaised(f"{type(error).__name__}: {error}") from error


def told(error: Exception) -> dict[str, Any]:
    """`error` as the parent is told of it; a traceback of what nobody expected goes to standard error."""
    match error:
        case ModelRaised():
            return {"raised": str(error)}
        case OnnxportError():
            return {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        case _:
            traceback.print_exception(error, file=sys.stderr)
            return {"error": {"code": "unexpected", "message": f"{type(error).__name__}: {error}", "hint": ""}}


def main() -> None:
    """Answer on standard input and output."""
    isolated = Isolated()
    reply_on_pipes(
        {
            "open": isolated.open,
            "try": isolated.try_out,
            "convert": isolated.convert,
            "scorer": isolated.scorer,
            "predict": isolated.predict,
            "steps": isolated.steps,
            "step": isolated.step,
            "booster": isolated.booster,
            "load": isolated.load,
            "time": isolated.time,
        },
        told,
    )
