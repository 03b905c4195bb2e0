"""A group of options is options on the command line and one value in the command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
import typer.main
from onnxport.cli.expanding import OptionGroup, expanded
from onnxport.cli.main import app
from typer.exceptions import TyperException


@dataclass(frozen=True, slots=True, kw_only=True)
class Fruit(OptionGroup):
    kind: Annotated[str, typer.Option(help="Which.")]
    count: Annotated[int, typer.Option("--how-many", help="How many.")] = 1


def run(command: Any, *arguments: str) -> None:
    made = typer.Typer(add_completion=False)
    made.command()(expanded(command))
    typer.main.get_command(made).main(args=list(arguments), standalone_mode=False)


def test_a_command_gets_its_groups_as_values() -> None:
    given: list[object] = []

    def eat(context: typer.Context, *, first: str, fruit: Fruit, plate: bool = False) -> None:
        assert context.command.name
        given.extend((first, fruit, plate))

    eat.__annotations__ = {"context": typer.Context, "first": str, "fruit": Fruit, "plate": bool}
    run(eat, "now", "--kind", "apple", "--how-many", "3", "--plate")
    assert given == ["now", Fruit(kind="apple", count=3), True]


def test_an_option_of_a_group_without_a_default_is_required() -> None:
    def eat(fruit: Fruit) -> None:
        raise AssertionError(fruit)

    eat.__annotations__ = {"fruit": Fruit}
    with pytest.raises(TyperException, match="kind"):
        run(eat)


def test_options_stand_where_their_group_stands() -> None:
    group: Any = typer.main.get_command(app)
    names = [parameter.name for parameter in group.commands["publish"].params]
    start = names.index("alias")
    assert names[start : start + 5] == ["alias", "reason", "breaking", "sign_with", "certificate"]
    assert names.index("store") < start
    assert names[-1] == "json"


@pytest.mark.parametrize("option", ["allow_pickle", "allow_module", "tracking_uri", "subscription", "auth"])
def test_every_command_that_opens_a_source_takes_the_same_options(option: str) -> None:
    group: Any = typer.main.get_command(app)
    found = [
        {parameter.name: parameter for parameter in group.commands[name].params}[option]
        for name in ("export", "convert", "check", "fetch")
    ]
    assert len({(tuple(each.opts), each.help, str(each.default)) for each in found}) == 1
