"""A source model in a process of its own: what comes back is data, and is checked as a stranger's would be.

The process opens the model, converts it and answers rows. The comparison runs here, where the model's code is not:
it can answer what it likes, but it cannot change the question, the tolerances or the verdict.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import (
    Conversion,
    IntegrityError,
    OnnxArtifact,
    OnnxportError,
    Refusal,
    SourceGone,
    UnsupportedModel,
    UntrustedModel,
    UsageError,
)
from onnxport.sources import scratch_folder
from onnxport.validation import Child, ChildGone, check_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from onnxport.artifacts import Column, Outputs, PostProcessing, Rows, Signature, SourceReference
    from onnxport.exporters import ExportOptions
    from onnxport.sources import Brought, SourceAccess
    from onnxport.sources.sample import Sample

TIMEOUT: Final = 1800.0
"""Seconds that opening, converting or one batch of rows may take."""
_KINDS: Final[Mapping[str, type[OnnxportError]]] = {
    kind.code: kind for kind in (IntegrityError, UnsupportedModel, UntrustedModel, UsageError)
}
"""What may go wrong with a model by itself, by code; anything else that the process claims is unexpected."""
_LONGEST: Final = 500


class SourceRaised(Exception):
    """The model raised for rows that it does not accept."""


class Apart:
    """The process in which a source model lives."""

    def __init__(self, child: Child, name: str) -> None:
        self._child = child
        self._name = name

    def ask(self, op: str, arrays: Outputs | None = None, **header: object) -> tuple[dict[str, Any], Outputs]:
        """The process's answer.

        Raises:
            SourceGone: There is no process any more.
            SourceRaised: The model raised.
            OnnxportError: What onnxport itself said there.
        """
        try:
            answer, outputs = self._child.exchange({"op": op, **header}, arrays or {})
        except ChildGone as gone:
            raise self.gone(f"has ended: {gone.how}", _HINTS.get(gone.how, "")) from gone
        error = answer.get("error")
        if isinstance(error, dict):
            kind = _KINDS.get(str(error.get("code")), OnnxportError)
            raise kind(printable(error.get("message")), hint=printable(error.get("hint")))
        if "raised" in answer:
            raise SourceRaised(printable(answer["raised"]))
        return answer, outputs

    def gone(self, what: str, hint: str = "") -> SourceGone:
        """The error that ends everything; the process is gone."""
        self._child.close()
        return SourceGone(f"the process that holds {self._name} {printable(what)}", hint=hint)


_HINTS: Final = {
    "signal 9": "The system may have run out of memory: give it more, or a smaller sample.",
    "signal 11": "The file makes a library crash: save the model again with the versions that are installed here.",
}


def printable(text: object) -> str:
    """`text` without what could steer a terminal, and not too long."""
    return "".join(mark if mark.isprintable() else " " for mark in str(text or ""))[:_LONGEST]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedApart:
    """A source model in a process of its own.

    Attributes:
        apart: The process.
        reference: Where the model came from, as found out here.
        names: The model's feature columns, in the model's order; the sample has them.
        sample: All rows, as read here.
    """

    apart: Apart
    reference: SourceReference
    names: tuple[str, ...]
    sample: Sample

    @property
    def length(self) -> int:
        """How many rows the sample has."""
        return self.sample.length

    def rows(self) -> Iterator[Rows]:
        """The model's feature columns of every row, as read here."""
        return self.sample.rows(self.names)

    def convert(self, options: ExportOptions) -> OnnxArtifact | Refusal:
        """Its graph: whole, of standard operators, and about this source; or why there is none."""
        answer, arrays = self.apart.ask("convert", clip=options.clip, runtime=options.runtime)
        refused = answer.get("refusal")
        if isinstance(refused, dict):
            return Refusal(**{name: printable(refused.get(name)) for name in ("step", "reason", "instead")})
        return self._checked(answer, arrays, options)

    def _checked(self, answer: dict[str, Any], arrays: Outputs, options: ExportOptions) -> OnnxArtifact:
        try:
            conversion = Conversion.parse(str(answer["conversion"]).encode(), name="the conversion")
            artifact = OnnxArtifact(model=arrays["model"].tobytes(), conversion=conversion)
            check_graph(artifact.model)
        except (ValueError, LookupError, IntegrityError) as error:
            raise self.apart.gone(f"answers with no graph: {error}") from error
        claims = (
            (conversion.source, self.reference),
            (conversion.signature.columns, self.names),
            (conversion.plan.post.clip, options.clip),
        )
        for found, expected in claims:
            if found != expected:
                raise self.apart.gone(
                    f"answers with the graph of something else: {found} in the place of {expected}"
                )
        return artifact

    def scorer(self, signature: Signature, post: PostProcessing) -> Callable[[Rows], Outputs]:
        """Its own answers, with the names that the signature has."""
        answer, _ = self.apart.ask(
            "scorer", signature=signature.to_bytes().decode(), post=post.to_bytes().decode()
        )
        names = {output.name for output in signature.outputs}

        def predict(rows: Rows, /) -> Outputs:
            _, outputs = self.apart.ask("predict", _columns(rows), scorer=answer["scorer"], names=list(rows.names))
            if set(outputs) != names:
                raise self.apart.gone(f"answers {sorted(outputs)} in the place of {sorted(names)}")
            return outputs

        return predict

    def steps(self) -> dict[str, Callable[[Rows], Column]]:
        """What each transforming step of a pipeline gives."""
        answer, _ = self.apart.ask("steps")
        return {printable(name): self._step(str(name)) for name in list(answer["steps"])}

    def booster(self) -> bytes:
        """XGBoost's own file of it, which is checked before it is opened."""
        return self.apart.ask("booster")[1]["booster"].tobytes()

    def _step(self, name: str) -> Callable[[Rows], Column]:
        def transform(rows: Rows) -> Column:
            return self.apart.ask("step", _columns(rows), step=name, names=list(rows.names))[1]["values"]

        return transform


def _columns(rows: Rows) -> Outputs:
    """The columns under numbers: names travel in the header, where JSON keeps them whole."""
    return {str(index): rows.columns[name] for index, name in enumerate(rows.names)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The rows that a model is proven on, and which of their columns are features.

    Attributes:
        sample: The rows.
        path: The file that they are from; `None`: the model brought them along.
        limit: How many rows of the file at most; `None` for all of them.
        features: Feature columns, where the model does not name them.
    """

    sample: Sample
    path: Path | None
    limit: int | None
    features: Sequence[str] | None


@contextmanager
def open_apart(brought: Brought, sampled: Sampled, access: SourceAccess) -> Generator[OpenedApart]:
    """The model in a process of its own, beside its columns of the sample, as long as the context lasts.

    The process reads the sample once more, to see the dtypes that the model was given; what is compared here is
    what was read here.

    Raises:
        UsageError: It is no model file, or the sample lacks a feature column.
        UntrustedModel: It holds what is on no list.
        SourceGone: Opening it took the process down.
    """
    found, features = sampled.sample.frame.columns, sampled.features
    own = brought.sample if sampled.path is None else None
    with _process(brought) as apart:
        answer, _ = apart.ask(
            "open",
            None if own is None else _columns(own),
            **_described(brought, access),
            sample=None if sampled.path is None else str(sampled.path.absolute()),
            limit=sampled.limit,
            sample_names=None if own is None else list(own.names),
            features=None if features is None else list(features),
        )
        columns = answer.get("columns")
        if not isinstance(columns, list) or not set(map(str, columns)) <= set(found):
            raise apart.gone("names columns that the sample does not have")
        names = tuple(map(str, columns))
        yield OpenedApart(apart=apart, reference=brought.reference, names=names, sample=sampled.sample)


def try_apart(brought: Brought, access: SourceAccess) -> None:
    """The model can be opened in a process of its own, which is gone again.

    Raises:
        UsageError: It is no model file.
        UntrustedModel: It holds what is on no list.
        SourceGone: Opening it took the process down.
    """
    with _process(brought) as apart:
        apart.ask("try", **_described(brought, access))


@contextmanager
def _process(brought: Brought) -> Generator[Apart]:
    """A new process without credentials, in an empty folder that it takes for the user's home."""
    with scratch_folder() as home:
        places = {"HOME": str(home), "TMPDIR": str(home), "AZURE_CONFIG_DIR": str(home / ".azure")}
        child = Child("onnxport.pipelines.isolated", environment=places, folder=home, timeout=TIMEOUT)
        try:
            yield Apart(child, brought.name)
        finally:
            child.close()


def _described(brought: Brought, access: SourceAccess) -> dict[str, Any]:
    return {
        "reference": brought.reference.to_bytes().decode(),
        "root": str(brought.root.absolute()),
        "file": str(brought.file.absolute()),
        "kind": brought.kind,
        "name": brought.name,
        "model_class": brought.model_class,
        "feature_columns": None if brought.columns is None else list(brought.columns),
        "allow_pickle": access.allow_pickle,
        "allow_modules": list(access.allow_modules),
    }
