"""Write the other homes of the commands, for Azure ML, GitHub and Azure Pipelines, and the tested versions.

Run `make homes` after a change to options; `--check` fails when a file is not up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from azure_pipelines import template
from azureml import NAMES, component, environment
from github import action
from matrix import matrix

ROOT = Path(__file__).resolve().parents[2]


def homes() -> dict[str, str]:
    """Path below the repository's root to what the file there says."""
    return {
        **{f"examples/azureml/{name}.yaml": component(command) for command, name in NAMES.items()},
        "examples/azureml/environment.yaml": environment(),
        "examples/azure-pipelines/export.yml": template(),
        "action.yml": action(),
        "cli/tested.json": matrix(ROOT),
    }


def main() -> None:
    """Write the files, or with `--check` leave with an error when one is not up to date."""
    for name, made in homes().items():
        file = ROOT / name
        if "--check" not in sys.argv:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != made:
            sys.exit(f"{name} is not up to date: run make homes")


if __name__ == "__main__":
    main()
