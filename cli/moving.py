"""`onnxport promote`, `rollback`, `history`: where an alias points, and how it came there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .invocation import current
from .options import STORE, AliasReference, Breaking, Json, Reason, Reference, SignIn, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.artifacts import Alias, Move
    from rich.table import Table

    from .invocation import Invocation


def promote(
    context: typer.Context,
    reference: Reference,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias to move, for example production.")],
    store: Store = STORE,
    auth: SignIn = None,
    reason: Reason = "",
    breaking: Breaking = False,
    json: Json = False,
) -> None:
    """Move ALIAS to a release, unless somebody else moves it at the same time (exit 8).

    A release whose inputs or outputs break callers of the release that ALIAS points at is refused.
    """
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.publish import Promotion
    from onnxport.pipelines.publish import promote as run

    del json
    invocation = current(context)
    promotion = Promotion(alias=alias, reason=reason, breaking=breaking)
    with progress_bars() as progress:
        moved = run(ReleaseRef.parse(reference), promotion, invocation.releases(store, progress, auth=auth))
    _show(invocation, moved)


def rollback(
    context: typer.Context,
    reference: AliasReference,
    store: Store = STORE,
    auth: SignIn = None,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Move an alias back to the release that it pointed at before its last move."""
    del json
    invocation = current(context)
    name, alias = _alias(reference)
    with progress_bars() as progress:
        moved = invocation.releases(store, progress, auth=auth).rollback(name, alias, reason=reason)
    _show(invocation, moved)


def history(
    context: typer.Context,
    reference: AliasReference,
    store: Store = STORE,
    auth: SignIn = None,
    json: Json = False,
) -> None:
    """List every move of an alias: who, when, from, to, why."""
    del json
    invocation = current(context)
    name, alias = _alias(reference)
    with progress_bars() as progress:
        moves = invocation.releases(store, progress, auth=auth).history(name, alias)
    document = {"model": name, "alias": alias, "moves": [move.model_dump(mode="json") for move in moves]}
    invocation.screen.show(document, lambda: _table(reference, moves))


def _alias(reference: str) -> tuple[str, str]:
    from onnxport.artifacts import ReleaseRef, UsageError

    parsed = ReleaseRef.parse(reference)
    if parsed.alias is None:
        raise UsageError(f"{reference!r} names no alias", hint="Write NAME@ALIAS, for example NAME@production.")
    return parsed.name, parsed.alias


def _show(invocation: Invocation, alias: Alias) -> None:
    invocation.screen.show(
        alias.model_dump(mode="json"),
        lambda: f"{alias.model}@{alias.alias} -> {alias.version}  (move {alias.sequence}, sha256 {alias.digest})",
    )


def _table(reference: str, moves: list[Move]) -> Table:
    from rich.table import Table

    table = Table(title=reference)
    for heading in ("#", "when", "who", "from", "to", "why"):
        table.add_column(heading)
    for move in moves:
        before = "" if move.from_version is None else str(move.from_version)
        table.add_row(str(move.sequence), move.at, move.by, before, str(move.to_version), move.reason)
    return table
