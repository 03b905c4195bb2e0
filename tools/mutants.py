"""Mutation run on the code that decides what counts as equal: every mutant that survives must be explained.

mutmut mutates a copy of the sources, and finds the mutants of a module by its path. Our folders lie at the root
and are imported as `onnxport.*` (docs/adr/0001-folders-at-the-root.md), so the copy has a layout in which path and
name agree: `build/mutants/src/onnxport/<folder>`. Survivors are looked up in docs/mutants.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGE = ROOT / "build" / "mutants"
MUTATED = STAGE / "mutants" / "src"
EXPLAINED = ROOT / "docs" / "mutants.md"
TESTS = ("conftest.py", "support", "validation", "artifacts")
_RESULT = re.compile(r"^\s+(?P<mutant>\S+): (?P<status>.+)$", re.MULTILINE)
_NAME = re.compile(r"`(onnxport\.\S+__mutmut_\d+)`")


def stage() -> None:
    """`build/mutants` holds sources and tests in a layout that mutmut can work on."""
    shutil.rmtree(STAGE, ignore_errors=True)
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    for folder in sorted({path.split("/")[0] for path in folders.values()}):
        shutil.copytree(ROOT / folder, STAGE / "src" / "onnxport" / folder, ignore=shutil.ignore_patterns("*.pyc"))
    for name in TESTS:
        source, target = ROOT / "tests" / name, STAGE / "tests" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
    shutil.copy2(ROOT / "pyproject.toml", STAGE)
    MUTATED.mkdir(parents=True)  # Python remembers of a path on PYTHONPATH that it was not there


def mutmut(*arguments: str) -> str:
    """What mutmut prints.

    Raises:
        SystemExit: It failed.
    """
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    environment = {"PATH": os.defpath, "HOME": str(STAGE), "PYTHONPATH": str(MUTATED)}
    done = subprocess.run(  # ruff: ignore[S603] - our own environment's mutmut
        command,
        cwd=STAGE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def main() -> None:
    """Run all mutants; leave with an error when one survives that docs/mutants.md does not explain."""
    stage()
    mutmut("run", "--max-children", "2")
    found = {match["mutant"]: match["status"] for match in _RESULT.finditer(mutmut("results", "--all", "true"))}
    explained = set(_NAME.findall(EXPLAINED.read_text(encoding="utf-8")))
    print(", ".join(f"{count:,} {status}" for status, count in Counter(found.values()).most_common()))
    open_ends = sorted(name for name, status in found.items() if status not in {"killed", "timeout"})
    for name in open_ends:
        if name not in explained:
            print(f"\n{name}: {found[name]}\n{mutmut('show', name)}")
    print(f"{len(explained & set(open_ends)):,} survivors are explained in {EXPLAINED.relative_to(ROOT)}")
    if stale := sorted(explained - set(open_ends)):
        sys.exit(f"explained, but not alive any more: {', '.join(stale)}")
    if set(open_ends) - explained:
        sys.exit("mutants survive: kill them with a test, or explain them")


if __name__ == "__main__":
    main()
