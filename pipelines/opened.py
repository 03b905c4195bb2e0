"""A source model opened beside the rows that it is proven on, in this process or in one of its own."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import UsageError
from onnxport.exporters import export
from onnxport.sources import (
    bring,
    frame_of,
    open_brought,
    open_sample,
    sample_of,
    save_xgboost,
    scorer,
    select_features,
    steps,
)

from .isolation import Sampled, open_apart, try_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from onnxport.artifacts import (
        Column,
        OnnxArtifact,
        PostProcessing,
        Predict,
        Refusal,
        Rows,
        Signature,
        SourceModel,
        SourceReference,
    )
    from onnxport.exporters import ExportOptions
    from onnxport.sources import Brought, SourceAccess
    from onnxport.sources.sample import Sample


class Opened(Protocol):
    """A source model, wherever it was opened, and its sample."""

    @property
    def reference(self) -> SourceReference:
        """Where the model came from."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The model's feature columns, in the model's order."""
        ...

    @property
    def length(self) -> int:
        """How many rows the sample has."""
        ...

    def rows(self) -> Iterator[Rows]:
        """Those columns of every row of the sample, a block at a time."""
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

    def booster(self) -> bytes:
        """XGBoost's own file of it.

        Raises:
            UnsupportedModel: It is no model of XGBoost alone, or the file would forget what counts as missing.
            SourceGone: There is no model any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedHere:
    """A source model in the memory of this process.

    Attributes:
        source: The model.
        frame: Exactly the model's feature columns, in the model's order: the first rows of the sample, and some
            that show what those do not. Its dtypes are those of all rows.
        sample: All rows.
    """

    source: SourceModel
    frame: pd.DataFrame
    sample: Sample

    @property
    def reference(self) -> SourceReference:
        """Where the model came from."""
        return self.source.reference

    @property
    def names(self) -> tuple[str, ...]:
        """The model's feature columns."""
        return tuple(map(str, self.frame.columns))

    @property
    def length(self) -> int:
        """How many rows the sample has."""
        return self.sample.length

    def rows(self) -> Iterator[Rows]:
        """Those columns of every row."""
        return self.sample.rows(self.names)

    def convert(self, options: ExportOptions) -> OnnxArtifact | Refusal:
        """Its graph, or why there is none."""
        return export(self.source, self.frame, options)

    def scorer(self, signature: Signature, post: PostProcessing) -> Predict:
        """Its own answers."""
        return scorer(self.source, self.frame, signature, post)

    def steps(self) -> dict[str, Callable[[Rows], Column]]:
        """What each transforming step of a pipeline gives."""
        return steps(self.source, self.frame)

    def booster(self) -> bytes:
        """XGBoost's own file of it."""
        return save_xgboost(self.source.model)


def open_here(brought: Brought, sampled: Sampled, access: SourceAccess) -> OpenedHere:
    """The model in memory, beside its columns of the sample.

    Raises:
        UsageError: It is no model file, or the sample lacks a feature column.
        UntrustedModel: Opening it would run code that nobody allowed.
    """
    source = open_brought(brought, access)
    selected = select_features(source, sampled.sample.frame, sampled.features)
    return OpenedHere(source=source, frame=selected, sample=sampled.sample)


@contextmanager
def open_source(
    uri: str,
    sample: Path | None,
    access: SourceAccess,
    features: Sequence[str] | None = None,
    *,
    limit: int | None = None,
) -> Generator[Opened]:
    """The model at `uri` beside the first `limit` rows in `sample`, as long as the context lasts.

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
    rows = None if sample is None else open_sample(sample, limit)
    with ExitStack() as stack:
        with bring(uri, access) as brought:
            sampled = Sampled(sample=rows or _own(brought), path=sample, limit=limit, features=features)
            opened: Opened
            if brought.lives_apart(access):
                opened = stack.enter_context(open_apart(brought, sampled, access))
            else:
                opened = open_here(brought, sampled, access)
        yield opened


def _own(brought: Brought) -> Sample:
    if brought.sample is None:
        raise UsageError(
            f"{brought.reference.uri} brings no sample of its own", hint="Give real rows with --sample DATA."
        )
    return sample_of(frame_of(brought.sample))


def try_out(brought: Brought, access: SourceAccess) -> None:
    """The model can be opened; afterwards it is gone again.

    Raises:
        OnnxportError: It cannot; the class says why.
    """
    if brought.lives_apart(access):
        try_apart(brought, access)
    else:
        open_brought(brought, access)
