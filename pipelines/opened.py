"""A source model opened beside the rows that it is proven on, in this process or in one of its own."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import Rows, UsageError
from onnxport.exporters import export
from onnxport.sources import bring, frame_of, open_brought, read_sample, rows_of, scorer, select_features, steps

from .isolation import Sampled, open_apart, try_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import pandas as pd
    from onnxport.artifacts import (
        Column,
        OnnxArtifact,
        PostProcessing,
        Predict,
        Refusal,
        Signature,
        SourceModel,
        SourceReference,
    )
    from onnxport.exporters import ExportOptions
    from onnxport.sources import Brought, SourceAccess


class Opened(Protocol):
    """A source model, wherever it was opened, and its sample."""

    @property
    def reference(self) -> SourceReference:
        """Where the model came from."""
        ...

    @property
    def rows(self) -> Rows:
        """The sample with exactly the model's feature columns, in the model's order."""
        ...

    def convert(self, options: ExportOptions) -> OnnxArtifact | Refusal:
        """Its graph, or why there is none.

        Raises:
            UsageError: An option does not fit the model.
            SourceGone: There is no model any more.
        """
        ...

    def scorer(self, signature: Signature, post: PostProcessing) -> Predict:
        """Its own answers, an output for each of the signature's.

        Raises:
            UnsupportedModel: It has no such outputs.
            SourceGone: There is no model any more.
        """
        ...

    def steps(self) -> dict[str, Callable[[Rows], Column]]:
        """What each transforming step of a pipeline gives, `(n, k)` each, in order of computation.

        Raises:
            SourceGone: There is no model any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedHere:
    """A source model in the memory of this process.

    Attributes:
        source: The model.
        frame: The sample with exactly the model's feature columns, in the model's order.
        rows: The same as plain columns.
    """

    source: SourceModel
    frame: pd.DataFrame
    rows: Rows

    @property
    def reference(self) -> SourceReference:
        """Where the model came from."""
        return self.source.reference

    def convert(self, options: ExportOptions) -> OnnxArtifact | Refusal:
        """Its graph, or why there is none."""
        return export(self.source, self.frame, options)

    def scorer(self, signature: Signature, post: PostProcessing) -> Predict:
        """Its own answers."""
        return scorer(self.source, self.frame, signature, post)

    def steps(self) -> dict[str, Callable[[Rows], Column]]:
        """What each transforming step of a pipeline gives."""
        return steps(self.source, self.frame)


def open_here(brought: Brought, sampled: Sampled, access: SourceAccess) -> OpenedHere:
    """The model in memory, beside its columns of the sample.

    Raises:
        UsageError: It is no model file, or the sample lacks a feature column.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    source = open_brought(brought, access)
    selected = select_features(source, sampled.frame, sampled.features)
    return OpenedHere(source=source, frame=selected, rows=rows_of(selected))


@contextmanager
def open_source(
    uri: str,
    sample: Path | None,
    access: SourceAccess,
    features: Sequence[str] | None = None,
) -> Generator[Opened]:
    """The model at `uri` beside the rows in `sample`, as long as the context lasts.

    Where the caller allows pickles or modules, opening may run code that came with the model, and some readers do
    not survive every file: then the model lives in a process of its own, without credentials in its environment
    (docs/adr/0012-pickles-live-apart.md).

    Raises:
        UsageError: The source or the sample is not what it should be, or a feature column is missing.
        UntrustedModel: Opening the model would run code that nobody allowed.
        UnsupportedModel: It is no model that onnxport knows.
        IntegrityError: Its files changed meanwhile, or the process that opened it ended.
        Unreachable: The registry does not answer.
    """
    frame = None if sample is None else read_sample(sample)
    with ExitStack() as stack:
        with bring(uri, access) as brought:
            sampled = Sampled(frame=_own(brought) if frame is None else frame, path=sample, features=features)
            opened: Opened
            if brought.lives_apart(access):
                opened = stack.enter_context(open_apart(brought, sampled, access))
            else:
                opened = open_here(brought, sampled, access)
        yield opened


def _own(brought: Brought) -> pd.DataFrame:
    if brought.sample is None:
        raise UsageError(
            f"{brought.reference.uri} brings no sample of its own", hint="Give real rows with --sample DATA."
        )
    return frame_of(brought.sample)


def try_out(brought: Brought, access: SourceAccess) -> None:
    """The model can be opened; afterwards it is gone again.

    Raises:
        OnnxportError: It cannot; the class says why.
    """
    if brought.lives_apart(access):
        try_apart(brought, access)
    else:
        open_brought(brought, access)
