"""What a command takes, as its registered options say: the one definition of its other homes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import typer.main
from onnxport.cli.failures import EXIT_CODES
from onnxport.cli.main import app

Kind = Literal["text", "flag", "integer", "number", "file", "words", "source"]

_PLAIN: dict[type, Kind] = {str: "text", bool: "flag", int: "integer", float: "number", Path: "file"}
_SOURCES = {("export", "source"), ("check", "against")}  # a text or, in a pipeline, the folder of an earlier step


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One argument or option.

    Attributes:
        name: As in Python, `allow_pickle`.
        flag: As on the command line, `--allow-pickle`; empty for an argument.
        kind: What it takes; `words` are several separated by spaces.
        choices: The values that it may have, or none: any.
        default: What it is when nobody gives it, or `None`.
        required: Whether it must be given.
        help: What it is for.
        variable: The environment variable that gives it, its own or the one by rule.
        own: Whether that variable is its own, which a job may have set for all of its steps.
    """

    name: str
    flag: str
    kind: Kind
    choices: tuple[str, ...]
    default: str | int | float | None
    required: bool
    help: str
    variable: str
    own: bool


def definition(command: str) -> tuple[Given, ...]:
    """What `command` takes, in the order of its help; without `--json`."""
    group: Any = typer.main.get_command(app)
    return tuple(
        _given(command, parameter)
        for parameter in group.commands[command].params
        if parameter.name not in {"json", "help"}
    )


def description(command: str) -> str:
    """What `command` does, in one line."""
    group: Any = typer.main.get_command(app)
    return str(group.commands[command].help).partition("\n\n")[0].replace("\n", " ")


def exit_codes() -> str:
    """The exit codes in one line."""
    return ", ".join(f"{number} {meaning}" for number, meaning in EXIT_CODES.values())


def _given(command: str, parameter: Any) -> Given:  # ruff: ignore[ANN401] - Typer's own class is private
    described = parameter.type_descriptor
    several = described.is_list or described.is_tuple
    kind: Kind = "words" if several else _PLAIN.get(described.annotation, "text")
    variables = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or [])
    return Given(
        name=parameter.name,
        flag=parameter.opts[0] if parameter.param_type_name == "option" else "",
        kind="source" if (command, parameter.name) in _SOURCES else kind,
        choices=tuple(_text(choice) for choice in described.choices or ()),
        default=_default(parameter.default),
        required=parameter.required,
        help=parameter.help,
        variable=(variables or [f"ONNXPORT_{command}_{parameter.name}".upper()])[0],
        own=bool(variables),
    )


def _default(found: Any) -> str | int | float | None:  # ruff: ignore[ANN401] - whatever an option may be
    if found is False or found == "":
        return None
    return str(found.value) if isinstance(found, Enum) else found


def _text(choice: object) -> str:
    return str(choice.value) if isinstance(choice, Enum) else str(choice)
