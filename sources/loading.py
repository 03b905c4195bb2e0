"""Opens a source, whatever its scheme."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import UsageError

from .reference import Scheme, SourceText, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnxport.artifacts import SourceModel, SourceReference

    from .access import SourceAccess


class Opener(Protocol):
    """What a scheme must be able to do: one function."""

    def __call__(self, source: SourceText, access: SourceAccess, keep: Path | None, /) -> SourceModel:
        """The model; with `keep`, its files are left in that new folder as well.

        Raises:
            OnnxportError: It cannot be opened; the class says why.
        """
        ...


def load(uri: str, access: SourceAccess) -> SourceModel:
    """The model that `uri` names, in memory.

    Raises:
        UsageError: `uri` names no source, nothing is there, or it is not a model file.
        UnsupportedModel: It is a model of a kind that onnxport cannot open.
        UntrustedModel: Opening it would run code that nobody allowed.
        Unreachable: A registry does not answer.
    """
    source = parse(uri)
    return OPENERS[source.scheme](source, access, None)


def fetch(uri: str, out: Path, access: SourceAccess) -> SourceReference:
    """The model's files lie in the new folder `out`; returns where they came from.

    They were opened once, so that what lies there is known to be a model that may be opened.

    Raises:
        UsageError: `out` holds something already, or as for `load`.
        UnsupportedModel: As for `load`.
        UntrustedModel: As for `load`.
        Unreachable: As for `load`.
    """
    source = parse(uri)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", hint="Name a new folder with --out.")
    try:
        return OPENERS[source.scheme](source, access, out).reference
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def _file(source: SourceText, access: SourceAccess, keep: Path | None) -> SourceModel:
    from .files import open_path  # ruff: ignore[PLC0415] - loads only when a file is opened

    return open_path(source, access, keep)


def _mlflow(source: SourceText, access: SourceAccess, keep: Path | None) -> SourceModel:
    from .mlflow_registry import open_registered  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    return open_registered(source, access, keep)


def _azureml(source: SourceText, access: SourceAccess, keep: Path | None) -> SourceModel:
    from .azureml import open_azureml  # ruff: ignore[PLC0415] - loads only when Azure ML is asked

    return open_azureml(source, access, keep)


OPENERS: Mapping[Scheme, Opener] = {"file": _file, "models": _mlflow, "runs": _mlflow, "azureml": _azureml}
"""Scheme to what opens it."""
