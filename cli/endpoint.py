"""`onnxport endpoint plan|apply|warm`: what Azure ML endpoints and computes cost, and what changes that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .expanding import OptionGroup
from .failures import EXIT_CODES
from .groups import WorkspaceFlags
from .invocation import current
from .options import Json
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.operations.plan import Plan, Surroundings
    from onnxport.operations.warm import Warmed
    from rich.console import Group

    from .invocation import Invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFlags(OptionGroup):
    """What is wanted, beside the section `endpoints` of the configuration.

    Attributes:
        instances: `ENDPOINT/DEPLOYMENT=N` each.
        remove_while: `ENDPOINT/DEPLOYMENT=NAME@ALIAS` each.
        scale_to_zero: Names of computes.
        prices: A file of prices.
        specs: Where specifications of removed deployments are kept.
        onnx_url: The scoring service that must answer instead of them.
    """

    instances: Annotated[
        list[str] | None,
        typer.Option(
            "--instances", metavar="ENDPOINT/DEPLOYMENT=N", help="So many instances, always; may repeat."
        ),
    ] = None
    remove_while: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-while",
            metavar="ENDPOINT/DEPLOYMENT=NAME@ALIAS",
            help="Remove the deployment while ONNX serves the release and nobody asks it; may repeat.",
        ),
    ] = None
    scale_to_zero: Annotated[
        list[str] | None,
        typer.Option("--scale-to-zero", metavar="COMPUTE", help="No nodes without work; may repeat."),
    ] = None
    prices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What machines cost an hour, YAML; none is built in.")
    ] = None
    specs: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Where specifications of removed deployments are kept."),
    ] = None
    onnx_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The scoring service that must answer instead.")
    ] = None


def plan(context: typer.Context, wanted: WantedFlags, access: WorkspaceFlags, json: Json = False) -> None:
    """Show what must change so that endpoints and computes are as the section `endpoints` says; change nothing.

    Lists what stands there and what it costs a month by your prices, each change with what it saves and the `az`
    command that does the same, and what is true of scaling to zero.
    """
    from onnxport.operations.inventory import document

    del json
    invocation = current(context)
    made, _ = _planned(invocation, wanted, access)
    invocation.screen.show(document(made), lambda: _shown(made))


def apply(
    context: typer.Context,
    wanted: WantedFlags,
    access: WorkspaceFlags,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Do what `endpoint plan` shows, after asking; stop at the first failure and say what was done.

    Where something is wanted that cannot be done, nothing is done. Run it again after a failure: what is done
    already is not done twice.
    """
    from onnxport.artifacts import UsageError
    from onnxport.operations.apply import apply as run
    from onnxport.operations.apply import require_possible
    from onnxport.operations.inventory import document

    del json
    invocation = current(context)
    made, around = _planned(invocation, wanted, access)
    require_possible(made)
    if made.steps and not yes:
        _ask(invocation, made)
        shown, (made, around) = made, _planned(invocation, wanted, access)
        if document(made) != document(shown):
            raise UsageError(
                "what stands there has changed since you were asked: nothing was done", hint="Look again."
            )
    with progress_bars() as progress:
        run(made, around, progress)
    invocation.screen.show(
        {**document(made), "done": len(made.steps)},
        lambda: f"{len(made.steps)} changes are done" if made.steps else "nothing to do",
    )


def warm(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The online endpoint to ask.")],
    access: WorkspaceFlags,
    request: Annotated[Path, typer.Option(metavar="FILE", help="The body of each request, JSON.")],
    requests: Annotated[int, typer.Option(metavar="N", help="At most so many.")] = 10,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="From one request to the next.")] = 60.0,
    quiet: Annotated[
        str, typer.Option(metavar="HH:MM-HH:MM", help="Hours in which none is sent, local time.")
    ] = "",
    deployment: Annotated[
        str, typer.Option(metavar="NAME", help="The deployment to ask; default: by the endpoint's traffic.")
    ] = "",
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long an answer is waited for.")] = 30.0,
    json: Json = False,
) -> None:
    """Ask ENDPOINT a bounded number of times, outside of quiet hours, and say what that was good for.

    Saves no money on a managed endpoint: its instances run whether they are asked or not. Exits 6 when every
    request failed.
    """
    import time
    from datetime import datetime

    from onnxport.operations.azure import Azure
    from onnxport.operations.warm import Budget, Clock, Ping
    from onnxport.operations.warm import warm as run

    del json
    invocation = current(context)
    budget = Budget(requests=requests, every_seconds=every, quiet=quiet, timeout_seconds=timeout)
    ping = Ping(endpoint=endpoint, body=_body(request), deployment=deployment)
    azure = Azure(invocation.azure_access(access))
    clock = Clock(now=lambda: datetime.now().astimezone(), seconds=time.monotonic, sleep=time.sleep)
    with progress_bars() as progress:
        warmed = run(ping, budget, azure=azure, clock=clock, progress=progress)
    invocation.screen.show(warmed.document(), lambda: _told(warmed))
    if warmed.failed and not warmed.answered:
        raise typer.Exit(EXIT_CODES["unreachable"][0])


def _planned(invocation: Invocation, flags: WantedFlags, access: WorkspaceFlags) -> tuple[Plan, Surroundings]:
    from onnxport.operations.azure import Azure
    from onnxport.operations.plan import Surroundings
    from onnxport.operations.plan import plan as run
    from onnxport.operations.prices import read_prices
    from onnxport.operations.specs import Specs
    from onnxport.operations.wanted import wanted
    from onnxport.storage import open_store

    config = invocation.config
    want = wanted(
        config.endpoints,
        instances=flags.instances or (),
        remove=flags.remove_while or (),
        scale_to_zero=flags.scale_to_zero or (),
        where=str(config.path or "the flags"),
    )
    here = config.path.parent if config.path else Path()
    prices = flags.prices or (here / want.prices if want.prices else None)
    around = Surroundings(
        azure=Azure(invocation.azure_access(access)),
        specs=Specs(store=open_store(flags.specs or want.specs, invocation.store_access(access.auth))),
        prices=read_prices(prices),
        onnx_url=flags.onnx_url or config.onnx_url,
    )
    return run(want, around), around


def _ask(invocation: Invocation, made: Plan) -> None:
    import sys

    from onnxport.artifacts import UsageError
    from rich.console import Console

    if invocation.screen.as_json or not sys.stdin.isatty():
        raise UsageError(
            f"{len(made.steps)} changes are to be made, and nobody is there to be asked",
            hint="Say --yes; `onnxport endpoint plan` shows them.",
        )
    Console(stderr=True, soft_wrap=True).print(_shown(made))
    if not typer.confirm(f"Make these {len(made.steps)} changes?", err=True):
        raise UsageError("not confirmed: nothing was done")


def _body(path: Path) -> bytes:
    import json

    from onnxport.artifacts import UsageError

    try:
        body = path.read_bytes()
        json.loads(body)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} holds no JSON request: {error}") from error
    return body


def _shown(made: Plan) -> Group:
    from onnxport.operations.inventory import lines
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    stands = Table(title=f"workspace {made.workspace}")
    for name in ("kind", "name", "machines", "a month"):
        stands.add_column(name)
    for line in made.inventory:
        stands.add_row(*line)
    return Group(stands, *map(Text, lines(made)))


def _told(warmed: Warmed) -> str:
    found = warmed.document()
    times = f"first {found['first_ms']} ms, median of the others {found['median_of_others_ms']} ms"
    failed = ", ".join(f"{number} x {status}" for status, number in found["failed"].items())
    return "\n".join(
        [
            f"{found['answered']} of {found['sent']} requests were answered; {times}",
            *([f"failed: {failed}"] if failed else []),
            *([f"not sent in quiet hours: {warmed.quiet}"] if warmed.quiet else []),
            f"note: {warmed.note}",
        ]
    )
