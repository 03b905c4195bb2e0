"""The `onnxport` command: one error boundary around one file a command."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.main
from typer.exceptions import TyperException

from .bench import bench
from .check import check
from .ci import ci_of
from .convert import convert
from .diff import diff
from .doctor import doctor
from .endpoint import apply, plan, warm
from .examples import epilog_of
from .expanding import expanded
from .export import export
from .failures import EXIT_CODES, epilog, error_document, exit_code, extra_of
from .fetch import fetch
from .init import init
from .invocation import Invocation
from .listing import list_releases
from .moving import history, promote, rollback
from .policy import policy
from .predict import predict
from .publish import publish
from .pull import pull
from .schema import schema
from .screen import Screen
from .serve import serve
from .settings import Config, environment, load_config
from .show import show
from .slo import check as slo_check
from .slo import dashboard as slo_dashboard
from .slo import rules as slo_rules
from .summary import REPORTED, report_failure
from .train import train
from .upkeep import copy, prune
from .verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxport.artifacts import OnnxportError

    from .ci import Ci
    from .settings import Options

COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "train": train,
    "fetch": fetch,
    "convert": convert,
    "check": check,
    "publish": publish,
    "export": export,
    "list": list_releases,
    "show": show,
    "history": history,
    "pull": pull,
    "verify": verify,
    "diff": diff,
    "promote": promote,
    "rollback": rollback,
    "prune": prune,
    "copy": copy,
    "policy": policy,
    "predict": predict,
    "bench": bench,
    "serve": serve,
    "schema": schema,
    "doctor": doctor,
}

GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "slo": (
        "Is the latency objective kept, and who is told when it is not?",
        {"check": slo_check, "rules": slo_rules, "dashboard": slo_dashboard},
    ),
    "endpoint": (
        "What Azure ML endpoints and computes cost, and what changes that.",
        {"plan": plan, "apply": apply, "warm": warm},
    ),
}

app = typer.Typer(
    name="onnxport",
    help="Trained XGBoost and scikit-learn models to ONNX, proven and published as verifiable releases.",
    epilog=epilog(),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich's takes twice as long to import as all the rest,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110},
)
for _name, _command in COMMANDS.items():
    app.command(_name, epilog=epilog_of(_name))(expanded(_command))
for _name, (_help, _commands) in GROUPS.items():
    _group = typer.Typer(help=_help, no_args_is_help=True, rich_markup_mode=None)
    for _part, _command in _commands.items():
        _group.command(_part, epilog=epilog_of(f"{_name} {_part}"))(expanded(_command))
    app.add_typer(_group, name=_name)


@app.callback()
def _root(
    config: str | None = typer.Option(
        None,
        envvar="ONNXPORT_CONFIG",
        metavar="FILE",
        help="Configuration; default: the nearest onnxport.yaml. May stand before or after the command.",
    ),
) -> None:
    del config  # read before the commands are parsed, because it gives their defaults


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with the code of `failures.EXIT_CODES`."""
    logging.getLogger("azure").setLevel(logging.ERROR)  # its warnings are retries that we report ourselves
    given = list(sys.argv[1:] if arguments is None else arguments)
    ci = ci_of(environment())
    screen = Screen(as_json="--json" in _before_dashes(given), in_ci=ci.present)
    try:
        code = _guarded(given, screen, ci)
    finally:
        screen.close()
    sys.exit(code)


def _guarded(given: list[str], screen: Screen, ci: Ci) -> int:
    try:
        return _dispatch(given, screen, ci)
    except BrokenPipeError:  # the reader of standard output has gone
        return EXIT_CODES["unexpected"][0]
    except Exception as error:  # ruff: ignore[BLE001] - the one boundary
        known = _known(error)
        if screen.as_json:
            screen.show(error_document(known), lambda: None)
        screen.complain(known.message, known.hint)
        if known.code == "unexpected":
            screen.explain(error)
        _tell(ci, given, known, screen)
        return exit_code(known)


def _tell(ci: Ci, given: list[str], error: OnnxportError, screen: Screen) -> None:
    """The CI system knows of the failure; where it cannot be told, the failure itself stands."""
    command = next((argument for argument in _take_config(given)[0] if not argument.startswith("-")), "")
    if not ci.present or command not in REPORTED:
        return
    from onnxport.artifacts import UsageError

    try:
        report_failure(ci, command, error)
    except UsageError as unwritable:
        screen.complain(unwritable.message, "")


def _known(error: Exception) -> OnnxportError:
    from onnxport.artifacts import OnnxportError, UsageError

    match error:
        case OnnxportError():
            return error
        case TyperException():
            return UsageError(error.format_message(), hint="`onnxport COMMAND --help` tells what a command takes.")
        case typer.Abort():
            return OnnxportError("stopped by the user")
        case ModuleNotFoundError() if (extra := extra_of(error.name or "")) is not None:
            hint = f"Install it: pip install 'onnxport[{extra}]'"
            return UsageError(f"this command needs {error.name}, which is not installed", hint=hint)
        case _:
            hint = "This is a bug in onnxport: please report it with the traceback below."
            return OnnxportError(f"{type(error).__name__}: {error}", hint=hint)


def _dispatch(given: list[str], screen: Screen, ci: Ci) -> int:
    group = typer.main.get_command(app)
    _show_own_variables(group)
    arguments, path = _take_config(given)
    completing = "_ONNXPORT_COMPLETE" in environment()  # a shell asks, and would show an error as a suggestion
    config = Config() if completing else load_config(path)
    defaults = config.default_map({name: _options(command) for name, command in _subcommands(group).items()})
    result = group.main(
        args=arguments,
        prog_name="onnxport",
        standalone_mode=False,
        default_map=defaults,
        auto_envvar_prefix="ONNXPORT",
        obj=Invocation(screen=screen, config=config, ci=ci),
    )
    return result if isinstance(result, int) else 0


def _subcommands(group: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - Typer's own class is private
    return dict(group.commands)


def _options(command: Any) -> Options:  # ruff: ignore[ANN401] - Typer's own class is private
    """The names of the options of `command`, or those of each command of a group."""
    if hasattr(command, "commands"):
        return {name: _options(part) for name, part in _subcommands(command).items()}
    return {parameter.name for parameter in command.params if parameter.name not in {"help", "json"}}


def _show_own_variables(command: Any) -> None:  # ruff: ignore[ANN401] - Typer's own class is private
    """The help names the variables that have a name of their own; the main help has the rule for the others."""
    for parameter in command.params:
        parameter.show_envvar = parameter.envvar is not None
    if hasattr(command, "commands"):
        for part in _subcommands(command).values():
            _show_own_variables(part)


def _before_dashes(given: list[str]) -> list[str]:
    return given[: given.index("--")] if "--" in given else given


def _take_config(given: list[str]) -> tuple[list[str], Path | None]:
    """The arguments without `--config FILE`, and that file: `$ONNXPORT_CONFIG` where they name none."""
    rest: list[str] = []
    named = environment().get("ONNXPORT_CONFIG")
    path = Path(named) if named else None
    pending = list(given)
    while pending:
        argument = pending.pop(0)
        if argument == "--":
            return [*rest, argument, *pending], path
        if argument == "--config" and pending:
            path = Path(pending.pop(0))
        elif argument.startswith("--config="):
            path = Path(argument.removeprefix("--config="))
        else:
            rest.append(argument)
    return rest, path


if __name__ == "__main__":
    run()
