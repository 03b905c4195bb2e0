from __future__ import annotations

from pathlib import Path

import pytest
from onnxport.artifacts import UsageError
from onnxport.sources import load_recipe

GOOD = """\
name: win-probability
data:
  path: rows.parquet
features: [amount, probability]
target: won
model:
  estimator: xgboost.XGBClassifier
  params: {n_estimators: 5}
"""


FOREST = GOOD.replace("xgboost.XGBClassifier", "sklearn.ensemble.RandomForestClassifier")


def _filtered(op: str) -> str:
    return GOOD.replace("rows.parquet", f"rows.parquet\n  filters:\n    - {{column: a, op: {op}, value: 1}}")


def _load(text: str) -> None:
    Path("recipe.yaml").write_text(text)
    load_recipe(Path("recipe.yaml"))


def test_a_short_recipe_is_enough() -> None:
    _load(GOOD)


@pytest.mark.parametrize(
    ("changed", "line", "key"),
    [
        (GOOD + "sede: 7\n", 9, "sede"),
        (GOOD.replace("target: won\n", ""), 1, "target"),
        (GOOD.replace("path:", "paht:"), 3, "data.p"),
        (GOOD + "seed: many\n", 9, "seed"),
        (GOOD + "seed: -1\n", 9, "seed"),
        (GOOD + "split: {by: time}\n", 9, "split"),
        (GOOD + "split:\n  by: moon\n", 10, "split.by"),
        (GOOD + "split:\n  by: random\n  test: 1.5\n", 11, "split.test"),
        (GOOD + "data:\n  path: again\n", 9, "data"),
        (GOOD + "gates:\n  auc: {min: high}\n", 10, "gates.auc.min"),
        (GOOD + "gates:\n  beauty: {min: 1}\n", 10, "gates.beauty"),
        (_filtered("~"), 5, "op"),
        (_filtered("in"), 5, "filters"),
        (GOOD.replace("probability]", "amount]"), 1, "features names a column twice"),
        (GOOD.replace("probability]", "won]"), 1, "target 'won' is one of the features"),
        (GOOD.replace("xgboost.XGBClassifier", "os.system"), 6, "os.system"),
        (GOOD.replace("xgboost.XGBClassifier", "sklearn.datasets.load_iris"), 6, "load_iris"),
        (GOOD.replace("n_estimators: 5", "n_trees: 5"), 6, "n_trees"),
        (GOOD.replace("n_estimators: 5", "random_state: 5"), 6, "random_state"),
        (GOOD.replace("n_estimators: 5", "callbacks: [1]"), 6, "callbacks"),
        (GOOD.replace("XGBClassifier", "XGBRegressor") + "calibration: {method: isotonic}\n", 6, "calibration"),
        (FOREST + "early_stopping: {rounds: 3}\n", 6, "early stopping"),
        (GOOD + "clip: [1, 0]\n", 1, "clip"),
        (GOOD + "gates: {rmse: {max: 1}}\n", 6, "rmse"),
        (GOOD + "preprocessing:\n  categorical: {columns: [stage]}\n", 1, "stage"),
        (GOOD.replace("win-probability", "Win Probability!"), 1, "name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_file_line_and_key(changed: str, line: int, key: str) -> None:
    with pytest.raises(UsageError) as refused:
        _load(changed)
    assert f"recipe.yaml, line {line}: " in refused.value.message
    assert key in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    "text", ["", "- a\n", "a: [", "!!python/object/apply:os.system ['touch harm']", "\x00", "7"]
)
def test_what_is_no_recipe_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"recipe\.yaml"):
        _load(text)
    assert not Path("harm").exists()


def test_a_missing_recipe_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_recipe(Path("nowhere.yaml"))


def test_nothing_outside_the_list_is_imported() -> None:
    import sys

    with pytest.raises(UsageError):
        _load(GOOD.replace("xgboost.XGBClassifier", "antigravity.Flight"))
    assert "antigravity" not in sys.modules
