"""The main job in one go: train win-probability, export it, prove it, publish it, promote it to production.

The last line is the same on every run: the release and its digest.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODEL = "win-probability"


def main() -> None:
    """Run the demo; leave with the exit code of the first command that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help="where onnxport and python are")
    folder = Path("demo")
    asked = parser.parse_args()
    tracking = f"sqlite:///{folder}/mlflow.db"
    folder.mkdir(exist_ok=True)
    data = folder / "opportunities.parquet"
    run([asked.bin / "python", "examples/opportunities.py", data, "--rows", 5000, "--seed", 7])
    onnxport = asked.bin / "onnxport"
    recipe = f"examples/{MODEL}/recipe.yaml"
    trained = answer([onnxport, "train", recipe, "--register", MODEL, "--tracking-uri", tracking])
    job = ["export", trained["uri"], "--name", MODEL, "--sample", data, "--tracking-uri", tracking]
    place = ["--store", folder / "store", "--alias", "production", "--out", folder / MODEL]
    release = answer([onnxport, *job, *place])
    reference = f"{MODEL}@production"
    verified = answer([onnxport, "verify", reference, "--store", folder / "store", "--golden"])
    report(folder, release, verified)


def report(folder: Path, release: dict[str, Any], verified: dict[str, Any]) -> None:
    """Print where everything lies."""
    verb = "published" if release["created"] else "was there already"
    name, parity = release["model"], release["parity"]
    print(f"\nrelease   {name}:{release['version']}, {verb}; {name}@{release['alias']} points at it")
    probes = sum(parity["probes"].values())
    print(f"parity    {parity['rows']:,} rows, {probes:,} probes, worst difference {parity['worst']:.3g}")
    print(f"golden    {verified['golden_rows']} rows proven again from the store")
    print(f"manifest  {folder / 'store' / release['manifest']}")
    print(f"report    {folder / MODEL / 'parity.html'}")
    print(f"{name}:{release['version']} sha256 {release['digest']}")


def run(command: list[object]) -> str:
    """What `command` printed on standard output.

    Raises:
        SystemExit: It failed; with its exit code.
    """
    words = [str(word) for word in command]
    print("$", shlex.join([Path(words[0]).name, *words[1:]]), flush=True)
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # ruff: ignore[S603] - ours
    if done.returncode:
        print(done.stdout)
        sys.exit(done.returncode)
    return done.stdout


def answer(command: list[object]) -> dict[str, Any]:
    """The JSON document that an onnxport `command` printed."""
    document: dict[str, Any] = json.loads(run([*command, "--json"]))
    return document


if __name__ == "__main__":
    main()
