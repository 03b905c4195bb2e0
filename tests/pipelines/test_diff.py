"""What changed between releases is said, and what breaks callers is not promoted by accident."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import xgboost

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def publish(onnxport: Callable[..., Any]) -> Callable[..., Any]:
    """Train a Booster on these columns, and export it to the next release of `model`."""

    def call(columns: list[str], *options: object, rounds: int = 8) -> Any:
        random = np.random.default_rng(11)
        frame = pd.DataFrame(random.normal(size=(1200, len(columns))), columns=columns)
        matrix = xgboost.DMatrix(frame, frame[columns[0]] * 2 + np.sin(frame[columns[-1]]))
        booster = xgboost.train({"max_depth": 3, "nthread": 1, "seed": 1}, matrix, rounds)
        booster.save_model("model.ubj")
        frame.to_parquet("rows.parquet")
        arguments = ["export", "model.ubj", "--name", "model", "--sample", "rows.parquet", "--store", "store"]
        done = onnxport(*arguments, "--json", *options)
        assert done.code == 0 or options, done.err
        return done

    return call


def test_two_trainings_differ_in_trees_and_predictions(
    publish: Callable[..., Any], onnxport: Callable[..., Any]
) -> None:
    publish(["a", "b"])
    publish(["a", "b"], rounds=9)
    found = onnxport("diff", "model:1", "model:2", "--store", "store", "--json").document
    assert (found["breaking"], found["changes"]) == ([], [])
    assert found["trees"]["trees"][1] == found["trees"]["trees"][0] + 1
    assert found["trees"]["splits in this one only"][0] == 0
    assert found["trees"]["splits in this one only"][1] > 0
    assert found["predictions"]["prediction"]["largest"] > 0


def test_a_release_does_not_differ_from_itself(publish: Callable[..., Any], onnxport: Callable[..., Any]) -> None:
    publish(["a", "b"])
    found = onnxport("diff", "model:1", "model:1", "--store", "store", "--json").document
    assert found["trees"]["splits in this one only"] == [0, 0]
    assert found["predictions"]["prediction"]["largest"] == 0
    assert found["packages"] == {}


def test_the_difference_is_written_as_table_and_markdown(
    publish: Callable[..., Any], onnxport: Callable[..., Any]
) -> None:
    publish(["a", "b"])
    publish(["a", "c"])
    table = onnxport("diff", "model:1", "model:2", "--store", "store").out
    assert "input 'b'" in table
    assert "BREAKS CALLERS" in table
    markdown = onnxport("diff", "model:1", "model:2", "--store", "store", "--form", "markdown").out
    assert "### model:1 -> model:2" in markdown
    assert "| input 'c' - BREAKS CALLERS |" in markdown


def test_a_release_that_breaks_callers_is_promoted_only_on_purpose(
    publish: Callable[..., Any], onnxport: Callable[..., Any]
) -> None:
    publish(["a", "b"], "--alias", "production")
    publish(["a", "b", "c"])
    refused = onnxport("promote", "model:2", "production", "--store", "store", "--json")
    assert refused.code == 2
    assert "input 'c'" in refused.document["error"]["message"]
    assert onnxport("show", "model@production", "--store", "store", "--json").document["model"]["version"] == 1
    done = onnxport("promote", "model:2", "production", "--store", "store", "--breaking", "--json")
    assert (done.code, done.document["version"]) == (0, 2)


def test_an_export_moves_the_alias_under_the_same_rule(publish: Callable[..., Any]) -> None:
    publish(["a", "b"], "--alias", "production")
    refused = publish(["a", "z"], "--alias", "production")
    assert refused.code == 2
    assert publish(["a", "z"], "--alias", "production", "--breaking").document["alias"] == "production"
    assert Path("store/model/releases/2/manifest.json").is_file()
