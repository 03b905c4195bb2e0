"""Brings a source here, whatever its scheme, and opens it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import UsageError

from .brought import open_brought
from .reference import Scheme, SourceText, parse
from .scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from onnxport.artifacts import SourceModel, SourceReference

    from .access import SourceAccess
    from .brought import Brought


class Bringer(Protocol):
    """What a scheme must be able to do: one function."""

    def __call__(self, source: SourceText, access: SourceAccess, folder: Path, /) -> Brought:
        """The model's files lie in the new folder `folder`, or stay where they are on this machine.

        Raises:
            OnnxportError: They cannot be brought; the class says why.
        """
        ...


@contextmanager
def bring(uri: str, access: SourceAccess) -> Generator[Brought]:
    """The files of the model that `uri` names, on this machine while the context lasts; nothing of it was run.

    Killed at any moment, it leaves nothing behind.

    Raises:
        UsageError: `uri` names no source, nothing is there, or it is not a model file.
        UnsupportedModel: It is a model of a kind that onnxport cannot open.
        UntrustedModel: Its files would leave their folder, or name a class that is no model's.
        IntegrityError: Its files changed while they were downloaded.
        Unreachable: A registry does not answer.
    """
    source = parse(uri)
    with nullcontext(Path()) if source.scheme == "file" else scratch_folder() as scratch:
        yield BRINGERS[source.scheme](source, access, scratch / "model")


def load(uri: str, access: SourceAccess) -> SourceModel:
    """The model that `uri` names, in the memory of this process.

    A pickle should be opened in a process of its own instead: `onnxport.pipelines.opened` does that.

    Raises:
        UsageError: As for `bring`.
        UnsupportedModel: As for `bring`.
        UntrustedModel: As for `bring`, or opening it would run code that nobody allowed.
        IntegrityError: As for `bring`.
        Unreachable: As for `bring`.
    """
    with bring(uri, access) as brought:
        return open_brought(brought, access)


def fetch(
    uri: str,
    out: Path,
    access: SourceAccess,
    try_out: Callable[[Brought, SourceAccess], object] = open_brought,
) -> SourceReference:
    """The model's files lie in the new folder `out`; returns where they came from.

    `try_out` opens them once before, so that what lies there is known to be a model that may be opened. Killed at
    any moment, it leaves nothing behind.

    Raises:
        UsageError: `out` holds something already, or as for `bring`.
        UnsupportedModel: As for `bring`.
        UntrustedModel: As for `bring`, or `try_out` says so.
        IntegrityError: As for `bring`.
        Unreachable: As for `bring`.
    """
    source = parse(uri)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", hint="Name a new folder with --out.")
    with scratch_folder(beside=out) as scratch:
        folder = scratch / "model"
        brought = BRINGERS[source.scheme](source, access, folder)
        try_out(brought, access)
        if not brought.root.is_relative_to(folder):
            folder = _copied(brought.root, scratch / "copy")
        folder.replace(out)
    return brought.reference


def _copied(root: Path, folder: Path) -> Path:
    if root.is_dir():
        shutil.copytree(root, folder)
    else:
        folder.mkdir()
        shutil.copyfile(root, folder / root.name)
    return folder


def _file(source: SourceText, _access: SourceAccess, _folder: Path) -> Brought:
    from .files import describe_path  # ruff: ignore[PLC0415] - loads only when a file is opened

    return describe_path(source.path or Path(source.text), source.text)


def _mlflow(source: SourceText, access: SourceAccess, folder: Path) -> Brought:
    from .mlflow_registry import bring_registered  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    folder.mkdir()
    return bring_registered(source, access, folder)


def _azureml(source: SourceText, access: SourceAccess, folder: Path) -> Brought:
    from .azureml import bring_azureml  # ruff: ignore[PLC0415] - loads only when Azure ML is asked

    folder.mkdir()
    return bring_azureml(source, access, folder)


BRINGERS: Mapping[Scheme, Bringer] = {"file": _file, "models": _mlflow, "runs": _mlflow, "azureml": _azureml}
"""Scheme to what brings its models here."""
