"""How written files begin, and YAML as people write it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml

WRITTEN = "# Written by `make homes` from the options of the command: change those, not this file.\n"
WIDTH = 110
VERSION: str = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"][
    "version"
]


class Literal(str):
    """A text of several lines that YAML reads as they stand."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Block style, keys in the order given."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # ruff: ignore[FBT001, FBT002, ARG002]
        """Items of a list stand two columns further."""
        super().increase_indent(flow, False)  # ruff: ignore[FBT003] - PyYAML's own signature


_Dumper.add_representer(
    Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def dump(document: dict[str, Any]) -> str:
    """`document` as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
