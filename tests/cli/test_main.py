"""The command line's promises: exit codes, one JSON document, help for everything, a fast start."""

from __future__ import annotations

import json
import resource
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
from onnxport.artifacts import OnnxportError, errors
from onnxport.cli.examples import NOTES
from onnxport.cli.failures import EXIT_CODES, exit_code
from onnxport.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

GROUP: Any = typer.main.get_command(app)


def onnxport(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onnxport.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def error_classes() -> list[type[OnnxportError]]:
    return [
        OnnxportError,
        *(kind for kind in OnnxportError.__subclasses__() if kind.__module__ == errors.__name__),
    ]


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code(kind: type[OnnxportError]) -> None:
    assert exit_code(kind("x")) == EXIT_CODES[kind.code][0] > 0


def test_exit_codes_are_distinct() -> None:
    numbers = [number for number, _ in EXIT_CODES.values()]
    assert sorted(numbers) == list(range(11))


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    """Every command by its words; those of groups too."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        parts = commands(command, f"{prefix}{name} ") if hasattr(command, "commands") else {}
        found |= parts or {f"{prefix}{name}": command}
    return found


ALL = commands(GROUP)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_and_option_has_help(name: str) -> None:
    command = ALL[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_s_help_ends_with_an_example(name: str) -> None:
    assert name in NOTES, "add it to cli/examples.py"
    assert f"onnxport {name}" in (ALL[name].epilog or "")


@pytest.mark.parametrize("name", sorted(set(NOTES) & set(ALL)))
def test_the_examples_are_command_lines_that_the_command_takes(name: str) -> None:
    for example in NOTES[name].examples:
        words, parts = shlex.split(example), name.split()
        assert words[: len(parts)] == parts
        ALL[name].make_context(name, words[len(parts) :])


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_prints_json_on_request(name: str) -> None:
    assert "--json" in {option for parameter in ALL[name].params for option in parameter.opts}


def test_help_takes_less_than_half_a_second_of_cpu(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = onnxport("--help", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert "Exit codes:" in done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_an_unknown_command_exits_2_and_suggests(tmp_path: Path) -> None:
    done = onnxport("exprt", "--json", cwd=tmp_path)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "usage"
    assert "export" in error["message"]


def test_a_configuration_mistake_exits_2_whatever_the_command(tmp_path: Path) -> None:
    (tmp_path / "onnxport.yaml").write_text("lst: {}")
    done = onnxport("list", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown key 'lst'" in done.stderr
    assert done.stdout == ""


def test_config_may_stand_after_the_command(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(f"store: {tmp_path / 'here'}")
    for arguments in (["--config", "other.yaml", "list"], ["list", "--config=other.yaml"]):
        done = onnxport(*arguments, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["store"].endswith("/here")


def test_a_flag_beats_the_environment_and_the_environment_the_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "onnxport.yaml").write_text("store: from-file")
    assert json.loads(onnxport("list", "--json", cwd=tmp_path).stdout)["store"].endswith("/from-file")
    monkeypatch.setenv("ONNXPORT_STORE", "from-environment")
    assert json.loads(onnxport("list", "--json", cwd=tmp_path).stdout)["store"].endswith("/from-environment")
    done = onnxport("list", "--json", "--store", "from-flag", cwd=tmp_path)
    assert json.loads(done.stdout)["store"].endswith("/from-flag")


def test_an_unknown_store_scheme_exits_2_and_writes_nothing(tmp_path: Path) -> None:
    done = onnxport("list", "--store", "ftp://somewhere/models", cwd=tmp_path)
    assert done.returncode == 2
    assert "ftp" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "document",
    ["manifest", "alias", "move", "parity", "golden", "conversion", "tolerances", "policy", "statement"],
)
def test_schemas_are_printed(tmp_path: Path, document: str) -> None:
    done = onnxport("schema", document, "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["type"] == "object"


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("xgboost", ["export", "model.ubj", "--name", "x", "--sample", "rows.csv"], "export"),
        ("uvloop", ["serve", "--model", "x@y"], "serve"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command_to_install_it(
    tmp_path: Path, missing: str, arguments: list[str], extra: str
) -> None:
    import xgboost

    (tmp_path / "rows.csv").write_text("a\n1\n2\n")
    matrix = xgboost.DMatrix([[1.0], [2.0]], [0, 1], feature_names=["a"])
    xgboost.train({"nthread": 1}, matrix, 1).save_model(tmp_path / "model.ubj")
    code = f"""
import sys
sys.modules[{missing!r}] = None
from onnxport.cli.main import run
run({arguments!r})
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"pip install 'onnxport[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
