"""The image: there is no engine here, so the steps of the Dockerfile are performed as a script."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(900)  # packages are downloaded where no cache has them
DOCKERFILE = ROOT / "Dockerfile"
HOMELESS = "/nonexistent-home"
TRAINING = (
    "pandas",
    "xgboost",
    "sklearn",
    "mlflow",
    "onnx",
    "skl2onnx",
    "scipy",
    "matplotlib",
    "pyarrow",
    "azure.ai",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the image would hold: its root folder, and the instructions of its last stage."""

    root: Path
    stage: dict[str, str]

    def run(self, command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """`command` as in the container: with its environment only, and nowhere to write."""
        settings = shlex.split(re.sub(r"\$\{PATH\}", os.defpath, self.stage["ENV"]))
        environment = {"HOME": HOMELESS, **dict(one.split("=", 1) for one in settings), **(env or {})}
        environment["PATH"] = environment["PATH"].replace("/opt/onnxport", str(self.root / "opt/onnxport"))
        program = shutil.which(command[0], path=environment["PATH"])
        assert program is not None, f"the image has no {command[0]}"
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([program, *command[1:]], env=environment, cwd=self.root / "srv", **pipes)

    def files(self) -> dict[str, int]:
        """All files, with the time of their last change."""
        return {str(path): path.lstat().st_mtime_ns for path in self.root.rglob("*")}


def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions and their arguments, a list for each stage."""
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#"))
    found: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        if name:
            found[-1].append((name, rest))
    return found


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The first stage's steps, run in a folder of their own with a Python that has nothing but pip."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        root = Path(name)
        (root / "srv").mkdir()
        wheel = root / "context" / "dist"
        subprocess.run(
            [*_uv(), "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", wheel, "."],
            check=True,
            cwd=ROOT,
        )
        subprocess.run([_base_python(), "-m", "venv", root / "python"], check=True)
        environment = {**os.environ, "PATH": f"{root / 'python' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        install, last = stages()
        work = root
        for instruction, rest in install:
            match instruction:
                case "WORKDIR":
                    work = root / rest.removeprefix("/")
                    work.mkdir()
                case "COPY":
                    for pattern in rest.split()[:-1]:
                        base = wheel.parent if pattern.startswith("dist/") else ROOT
                        (source,) = base.glob(pattern)
                        shutil.copy(source, work)
                case "RUN":
                    command = rest.replace("/opt/onnxport", str(root / "opt/onnxport"))
                    subprocess.run(["/bin/bash", "-euc", command], check=True, cwd=work, env=environment)
        yield Image(root=root, stage={name: rest for name, rest in last if name != "ARG"})


def _uv() -> list[str]:
    return [str(Path(sys.executable).with_name("uv"))]


def _code(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def _base_python() -> str:
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    seen = [rule.removeprefix("!") for rule in rules[1:]]
    copied = [source for name, rest in stages()[0] if name == "COPY" for source in rest.split()[:-1]]
    assert sorted(seen) == sorted(copied)
    assert not fnmatch.filter([".env", ".git/config", "dist/other.whl"], "|".join(seen))


def test_the_image_is_not_root_and_says_what_it_is() -> None:
    last = dict(stages()[-1])
    assert int(last["USER"].partition(":")[0]) > 0
    assert last["STOPSIGNAL"] == "SIGTERM"
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in last["LABEL"]


def test_the_image_holds_the_service_and_no_training_library(image: Image) -> None:
    code = (
        "import importlib.util, json, onnxport.serving, onnxport.cli.main\n"
        "def there(name):\n"
        "    try: return importlib.util.find_spec(name) is not None\n"
        "    except ModuleNotFoundError: return False\n"
        f"print(json.dumps([name for name in {TRAINING!r} + ('pip', 'pytest') if there(name)]))"
    )
    out, err = image.run(["python", "-c", code]).communicate(timeout=60)
    assert (json.loads(out), err) == ([], "")


def test_the_image_serves_answers_its_health_check_drains_and_writes_nothing(image: Image) -> None:
    from tests.serving.conftest import ask
    from tests.serving.support import publish, quote, releases_in

    publish(releases_in(image.root / "store"), quote())
    (image.root / "srv" / "onnxport.yaml").write_text("onnx: {models: {quote: {}}}")
    before = image.files()
    entry: list[str] = json.loads(image.stage["ENTRYPOINT"])
    assert entry[0] == "onnxport-serve"
    assert "0.0.0.0" in entry  # ruff: ignore[S104] - a container's own address
    command = [*entry, "--store", str(image.root / "store"), "--host", "127.0.0.1", "--port", "0"]
    process = image.run(command)
    try:
        assert process.stderr is not None
        lines = [json.loads(process.stderr.readline())]
        while lines[-1]["event"] != "ready":
            lines.append(json.loads(process.stderr.readline()))
        port = int(lines[0]["url"].rpartition(":")[2])
        assert ask(port, "/score/quote", {"data": [["red", 1, True, 1.0]]}).json == [4.0]
        check: list[str] = json.loads(image.stage["HEALTHCHECK"].partition("CMD ")[2])
        assert image.stage["EXPOSE"] in image.stage["ENV"]
        here = {"ONNXPORT_HEALTH_URL": f"http://127.0.0.1:{port}/health/ready"}
        assert _code(image.run(check, here)) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert _code(image.run(check, here)) == 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    assert image.files() == before
    assert not Path(HOMELESS).exists()
