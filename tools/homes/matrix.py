"""The tested versions: the lowest that pyproject.toml allows, and those that requirements/dev.txt locks."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?>=([0-9.]+)")
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def matrix(root: Path) -> str:
    """`cli/tested.json`: by extra (`""` is the base) and package, the lowest version and the tested ones."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    locked: dict[str, list[str]] = {}
    for name, version in _LOCKED.findall((root / "requirements" / "dev.txt").read_text()):
        locked.setdefault(name, []).append(version)
    extras = {"": project["dependencies"], **project["optional-dependencies"]}
    del extras["all"]
    found = {
        extra: {
            name: {"lowest": lowest, "tested": locked[name]}
            for name, lowest in (_REQUIREMENT.match(text).groups() for text in requirements)  # type: ignore[union-attr]
        }
        for extra, requirements in extras.items()
    }
    document = {"python": {"lowest": "3.11", "below": "3.14"}, "packages": found}
    return json.dumps(document, indent=2) + "\n"
