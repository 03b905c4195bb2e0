"""Reads a recipe's YAML file; what is wrong in it is said by file, line and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from onnxport.artifacts import UsageError, check_name
from pydantic import ValidationError

from .recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_EXAMPLE = "See examples/win-probability/recipe.yaml for a complete recipe."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A recipe's file, to say where in it something is wrong."""

    path: Path
    tree: yaml.Node

    def wrong(self, where: Sequence[str | int], reason: str, hint: str = "") -> UsageError:
        key = ".".join(str(part) for part in where) or "the recipe"
        return UsageError(f"{self.path}, line {_line(self.tree, where)}: {key}: {reason}", hint=hint or _EXAMPLE)

    def check(self, where: Sequence[str | int], check: Callable[[], object]) -> None:
        try:
            check()
        except UsageError as error:
            raise self.wrong(where, error.message, error.hint) from error


def load_recipe(path: Path) -> Recipe:
    """The recipe in the YAML file `path`.

    Raises:
        UsageError: There is none, or it is not valid: the message names file, line and key.
    """
    from .estimators import check_estimator  # ruff: ignore[PLC0415] - knows the libraries

    written, content = _read(path)
    try:
        recipe = Recipe.model_validate({**content, "folder": path.parent})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise written.wrong(_keys(first["loc"], content), first["msg"].removeprefix("Value error, ")) from error
    written.check(("name",), lambda: check_name("a model", recipe.name))
    written.check(("model",), lambda: check_estimator(recipe))
    return recipe


def _read(path: Path) -> tuple[_Written, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(
            f"the recipe {path} cannot be read: {error.strerror}", hint="Name a YAML file."
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"the recipe {path} is no YAML: {' '.join(str(error).split())}", hint=_EXAMPLE) from error
    if tree is None or not isinstance(content, dict) or "folder" in content:
        raise UsageError(f"the recipe {path} is no mapping of a recipe's keys", hint=_EXAMPLE)
    written = _Written(path=path, tree=tree)
    _check_keys(written, tree)
    return written, content


def _keys(where: Sequence[str | int], content: Any) -> list[str | int]:  # ruff: ignore[ANN401] - what YAML held
    """The part of `where` that stands in the file: pydantic also names the branch of a union that it tried."""
    found: list[str | int] = []
    for part in where:
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and isinstance(part, int) and part < len(content):
            content = content[part]
        else:
            break
        found.append(part)
    return found


def _line(node: yaml.Node, where: Sequence[str | int]) -> int:
    """The line of the innermost part of `where` that stands in the file."""
    line = int(node.start_mark.line) + 1
    if not where:
        return line
    first, rest = where[0], where[1:]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(first):
                return max(int(key.start_mark.line) + 1, _line(value, rest) if rest else 0)
    if isinstance(node, yaml.SequenceNode) and isinstance(first, int) and first < len(node.value):
        return _line(node.value[first], rest)
    return line


def _check_keys(written: _Written, node: yaml.Node) -> None:
    """YAML takes the last of two equal keys without a word; a recipe does not."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(written, item)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            line = int(key.start_mark.line) + 1
            raise UsageError(
                f"{written.path}, line {line}: {key.value}: this key stands here twice", hint=_EXAMPLE
            )
        seen.add(key.value)
        _check_keys(written, value)
