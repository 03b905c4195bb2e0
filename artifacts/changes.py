"""What changed between the inputs and outputs of two releases, and whether callers notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .signature import InputColumn, OutputTensor, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference of two signatures.

    Attributes:
        what: The input or output: `input 'amount'`.
        before: What it was; `None` where it is new.
        after: What it is; `None` where it is gone.
        breaking: Whether a caller of the older release fails or reads something else with the newer one.
    """

    what: str
    before: str | None
    after: str | None
    breaking: bool

    def __str__(self) -> str:
        said = f"{self.what}: {self.before or 'new'} -> {self.after or 'gone'}"
        return f"{said} (breaks callers)" if self.breaking else said


def signature_changes(before: Signature, after: Signature) -> tuple[Change, ...]:
    """Every difference between two signatures; empty for equal ones.

    The serving layer refuses unknown and missing columns, so an added or removed input breaks callers, as does a
    narrower one: another dtype (but an integer where any number goes), a missing value that is no longer allowed,
    a category that is gone.
    """
    return (*_input_changes(before, after), *_output_changes(before, after))


def _input_changes(before: Signature, after: Signature) -> Iterator[Change]:
    old = {column.name: column for column in before.inputs}
    new = {column.name: column for column in after.inputs}
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        if was is None or now is None or _facts(was) != _facts(now):
            yield Change(
                what=f"input {name!r}",
                before=None if was is None else _facts(was),
                after=None if now is None else _facts(now),
                breaking=was is None or now is None or _narrower(was, now),
            )
    if before.layout != after.layout:
        yield Change(what="layout", before=before.layout, after=after.layout, breaking=False)
    if old.keys() == new.keys() and list(old) != list(new):
        yield Change(what="column order", before=", ".join(old), after=", ".join(new), breaking=False)


def _facts(column: InputColumn) -> str:
    facts = [column.dtype, "missing allowed" if column.missing.allowed else "never missing"]
    if column.categories is not None:
        facts.append(f"categories {', '.join(map(str, column.categories))}")
    return "; ".join(facts)


def _narrower(was: InputColumn, now: InputColumn) -> bool:
    number = {"float32", "float64"}
    widened = was.dtype in number | {"int64", "bool"} and now.dtype in number
    retyped = was.dtype != now.dtype and not widened
    gone = now.categories is not None and not set(was.categories or ()) <= set(now.categories)
    return retyped or gone or (was.missing.allowed and not now.missing.allowed)


def _output_changes(before: Signature, after: Signature) -> Iterator[Change]:
    old = {output.name: output for output in before.outputs}
    new = {output.name: output for output in after.outputs}
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        if was is None or now is None or _form(was) != _form(now):
            yield Change(
                what=f"output {name!r}",
                before=None if was is None else _form(was),
                after=None if now is None else _form(now),
                breaking=was is not None,
            )


def _form(output: OutputTensor) -> str:
    classes = "" if output.classes is None else f"; classes {', '.join(map(str, output.classes))}"
    return f"{output.dtype} {['N' if size is None else size for size in output.shape]}{classes}"
