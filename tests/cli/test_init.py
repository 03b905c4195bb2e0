"""`onnxport init` fills a folder that works, and overwrites nothing that somebody wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from onnxport.cli.settings import load_config
from onnxport.sources import load_recipe, read_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer


def test_a_second_init_keeps_what_is_there(onnxport: Callable[..., Answer]) -> None:
    assert set(onnxport("init", "--yes", "--json").document["files"].values()) == {"written"}
    assert set(onnxport("init", "--yes", "--json").document["files"].values()) == {"kept"}


def test_a_changed_file_is_overwritten_with_force_only(onnxport: Callable[..., Answer]) -> None:
    onnxport("init", "--yes")
    Path("recipe.yaml").write_text("mine")
    Path("sample_data.py").unlink()
    refused = onnxport("init", "--yes", "--json")
    assert refused.code == 2
    assert "recipe.yaml" in refused.document["error"]["message"]
    assert Path("recipe.yaml").read_text() == "mine"
    assert not Path("sample_data.py").exists()  # refused as a whole
    assert onnxport("init", "--yes", "--force", "--json").document["files"]["recipe.yaml"] == "replaced"


def test_a_hostile_value_stays_a_value(onnxport: Callable[..., Answer]) -> None:
    store = 'az://a/"}\nexport: {name: evil}'
    assert onnxport("init", "--yes", "--store", store).code == 0
    assert load_config(Path("onnxport.yaml")).shared["store"] == store


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_recipe_fits_the_sample_data(onnxport: Callable[..., Answer], kind: str) -> None:
    onnxport("init", "--yes", "--kind", kind)
    recipe = load_recipe(Path("recipe.yaml"))
    frame = read_sample(Path(recipe.data.path))
    assert {*recipe.features, recipe.target} <= set(frame.columns)
    assert len(frame) >= 1000
    assert frame["sentiment"].isna().any()


def test_the_program_writes_the_same_sample_again(onnxport: Callable[..., Answer]) -> None:
    onnxport("init", "--yes")
    subprocess.run([sys.executable, "sample_data.py", "again.csv"], check=True)
    assert Path("again.csv").read_bytes() == Path("data/sample.csv").read_bytes()


def test_own_rows_give_their_columns_of_numbers(onnxport: Callable[..., Answer]) -> None:
    Path("My Rows.csv").write_text("a,b c,city,y\n1,2.5,x,0\n2,,z,1\n")
    found = onnxport("init", "place", "--yes", "--data", "My Rows.csv", "--target", "y", "--json").document
    assert found["model"] == "my-rows"
    recipe = load_recipe(Path("place/recipe.yaml"))
    assert recipe.features == ("a", "b c")
    assert Path(recipe.data.path).is_absolute()
    assert not Path("place/sample_data.py").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "rows.csv"], "which column of rows.csv"),
        (["--data", "rows.csv", "--target", "z"], "has no column 'z'; it has a, y"),
        (["--data", "gone.csv", "--target", "y"], "gone.csv"),
        (["--target", "y"], "column of your own rows"),
        (["--name", "Not A Name"], "cannot name a model"),
    ],
)
def test_a_mistake_is_named_and_nothing_written(
    onnxport: Callable[..., Answer], arguments: list[str], said: str
) -> None:
    Path("rows.csv").write_text("a,y\n1,2\n")
    done = onnxport("init", "--yes", *arguments)
    assert done.code == 2
    assert said in done.err
    assert [path.name for path in Path().iterdir()] == ["rows.csv"]


def test_without_a_terminal_it_asks_for_yes(
    onnxport: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        done = onnxport("init")
    assert done.code == 2
    assert "--yes" in done.err


def test_at_a_terminal_it_asks_what_flags_do_not_say(tmp_path: Path) -> None:
    """On a pseudo terminal, as a person would: answers, and an empty line for a default."""
    hands, terminal = os.openpty()
    os.write(hands, b"my-risk\nnone\n\n")
    command = [sys.executable, "-m", "onnxport.cli.main", "init", "--kind", "regressor", "--json"]
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False, cwd=tmp_path)
    os.close(hands)
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "my-risk"
    assert "store [./onnxport-store]" in done.stderr
    assert not (tmp_path / ".github").exists()


@pytest.mark.parametrize(
    ("ci", "file", "schema"),
    [
        ("github", ".github/workflows/onnxport.yml", ["vendor.github-workflows"]),
        (
            "azure-pipelines",
            "azure-pipelines.yml",
            ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"],
        ),
    ],
)
def test_the_ci_file_is_valid(onnxport: Callable[..., Answer], ci: str, file: str, schema: list[str]) -> None:
    assert onnxport("init", "--yes", "--ci", ci).code == 0
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "onnxport export models:/win-probability/latest" in str(yaml.safe_load(Path(file).read_text()))
