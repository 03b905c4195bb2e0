"""A group of options as one parameter: what a command takes as a value, the command line takes as options."""

from __future__ import annotations

import functools
import inspect
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionGroup:
    """The base of option groups: each field is an option, `Annotated` as a command's own parameter would be."""


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """`command` as Typer sees it: the fields of its option groups stand as options where the groups stand.

    Law: `command` is called with the same values, its groups built from the options.
    """
    groups: dict[str, type[OptionGroup]] = {}
    parameters: list[inspect.Parameter] = []
    hints = get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        if isinstance(hint, type) and issubclass(hint, OptionGroup):
            groups[parameter.name] = hint
            parameters += _options(hint)
        else:
            kept = parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY)
            parameters.append(kept)
    if not groups:
        return command

    @functools.wraps(command)
    def called(**values: Any) -> None:  # ruff: ignore[ANN401] - whatever the options are
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **built)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect reads it
    return called


def _options(group: type[OptionGroup]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]
