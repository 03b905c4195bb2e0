from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import UsageError
from onnxport.sources import SourceAccess, load
from onnxport.sources.xgboost_files import open_xgboost

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Models

CHILD = """
import random, sys
from pathlib import Path
import numpy, xgboost
from onnxport.artifacts import UsageError
from onnxport.sources.xgboost_files import open_xgboost

xgboost.set_config(verbosity=0)
whole, how, count = Path(sys.argv[1]).read_bytes(), sys.argv[2], int(sys.argv[3])
draw = random.Random(5)
refused = opened = 0
for number in range(count):
    if how == "truncated":
        data = whole[: number * len(whole) // count]
    else:
        changed = bytearray(whole)
        changed[draw.randrange(len(changed))] = draw.randrange(256)
        data = bytes(changed)
    try:
        model = open_xgboost(data, "model")
    except UsageError:
        refused += 1
        continue
    opened += 1
    booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
    try:
        rows = xgboost.DMatrix(
            numpy.zeros((3, booster.num_features()), dtype=numpy.float32),
            feature_names=booster.feature_names, feature_types=booster.feature_types, enable_categorical=True,
        )
        booster.predict(rows)
    except Exception:
        pass
print(refused, opened)
"""


def _in_a_child(path: str, how: str, count: int) -> tuple[int, int]:
    """How many changed files were refused and opened by a process that must survive all of them."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, path, how, str(count)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refused, opened = done.stdout.split()
    return int(refused), int(opened)


def _categorical() -> Any:
    import pandas as pd
    import xgboost

    random = np.random.default_rng(3)
    frame = pd.DataFrame({"n": random.normal(size=300), "c": pd.Categorical(random.choice(list("abcdefgh"), 300))})
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, enable_categorical=True, n_jobs=1)
    return model.fit(frame, random.normal(size=300))


def _several_outputs() -> Any:
    import xgboost

    random = np.random.default_rng(4)
    model = xgboost.XGBRegressor(n_estimators=2, max_depth=3, multi_strategy="multi_output_tree", n_jobs=1)
    return model.fit(random.normal(size=(300, 3)), random.normal(size=(300, 2)))


@pytest.mark.parametrize("suffix", ["ubj", "json"])
def test_a_truncated_file_is_refused_wherever_it_ends_and_ends_no_process(suffix: str, models: Models) -> None:
    """XGBoost itself takes the process with it: a segmentation fault for UBJSON, an abort for JSON."""
    models.booster.save_model(f"model.{suffix}")
    assert _in_a_child(f"model.{suffix}", "truncated", 400) == (400, 0)


@pytest.mark.parametrize("make", [_categorical, _several_outputs])
def test_a_file_with_a_changed_byte_is_refused_or_opens_and_ends_no_process(make: Callable[[], Any]) -> None:
    make().save_model("model.ubj")
    refused, opened = _in_a_child("model.ubj", "changed", 500)
    assert refused + opened == 500
    assert refused > 250


def _document(models: Models) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(models.booster.save_raw("json"))
    return document


BREAKS: dict[str, Callable[[Any, Any], Any]] = {
    "child outside": lambda _, tree: tree["left_children"].__setitem__(0, 10_000),
    "negative child": lambda _, tree: tree["right_children"].__setitem__(0, -7),
    "circle": lambda _, tree: tree["left_children"].__setitem__(0, 0),
    "feature outside": lambda _, tree: tree["split_indices"].__setitem__(0, 6),
    "parent outside": lambda _, tree: tree["parents"].__setitem__(1, 999),
    "short array": lambda _, tree: tree["split_conditions"].pop(),
    "no array": lambda _, tree: tree.pop("default_left"),
    "text for a number": lambda _, tree: tree["left_children"].__setitem__(0, "one"),
    "no nodes": lambda _, tree: tree["tree_param"].__setitem__("num_nodes", "0"),
    "another number": lambda _, tree: tree.__setitem__("id", 99),
    "fewer trees": lambda model, _: model["trees"].pop(),
    "rounds": lambda model, _: model["iteration_indptr"].__setitem__(-1, 99),
    "tree of no output": lambda model, _: model["tree_info"].__setitem__(0, 1),
}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("child outside", "tree 0: .*child outside"),
        ("negative child", "tree 0: .*child outside"),
        ("circle", "tree 0: .*circle"),
        ("feature outside", "tree 0: .*feature beyond the 6"),
        ("parent outside", "tree 0: .*parent outside"),
        ("short array", "nodes long"),
        ("no array", "default_left"),
        ("fewer trees", "announces 8 trees and holds 7"),
        ("rounds", "rounds"),
        ("tree of no output", "no output"),
        ("another number", "numbered"),
        ("no nodes", "0 nodes"),
        ("text for a number", "one"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused_with_the_reason(how: str, says: str, models: Models) -> None:
    document = _document(models)
    model = document["learner"]["gradient_booster"]["model"]
    BREAKS[how](model, model["trees"][0])
    with pytest.raises(UsageError, match=says):
        open_xgboost(json.dumps(document).encode(), "model.json")


def test_a_booster_of_an_unknown_kind_is_refused(models: Models) -> None:
    document = _document(models)
    document["learner"]["gradient_booster"]["name"] = "gbforest"
    with pytest.raises(UsageError, match="gbforest"):
        open_xgboost(json.dumps(document).encode(), "model.json")


def test_base_scores_that_do_not_fit_the_outputs_are_refused(models: Models) -> None:
    document = _document(models)
    document["learner"]["learner_model_param"]["base_score"] = "[0.5,0.5,0.5]"
    with pytest.raises(UsageError, match="3 base scores for 1 output"):
        open_xgboost(json.dumps(document).encode(), "model.json")


@pytest.mark.parametrize(
    "content", ['{"a": 1}', '{"learner": {}}', '{"learner": []}', "null", '"learner"', "[[[", "{" * 100_000]
)
def test_json_that_is_no_model_is_refused(content: str, plain: SourceAccess) -> None:
    Path("model.json").write_text(content)
    with pytest.raises(UsageError, match=r"model\.json is not an XGBoost model"):
        load("model.json", plain)


def _kinds() -> dict[str, Callable[[], Any]]:
    import xgboost

    random = np.random.default_rng(9)
    rows = random.normal(size=(300, 4))
    number = rows[:, 0] + random.normal(0, 0.3, 300)
    label, several = (number > 0).astype(int), np.digitize(number, [-1, 0, 1])
    few: dict[str, Any] = {"n_estimators": 4, "max_depth": 4, "n_jobs": 1}
    many: dict[str, Any] = {"n_estimators": 20, "max_depth": 6, "gamma": 2, "n_jobs": 1}
    return {
        "multiclass": lambda: xgboost.XGBClassifier(**few).fit(rows, several),
        "pruned, exact": lambda: xgboost.XGBRegressor(tree_method="exact", **many).fit(rows, number),
        "pruned, approx": lambda: xgboost.XGBRegressor(tree_method="approx", **many).fit(rows, number),
        "dart": lambda: xgboost.XGBRegressor(booster="dart", rate_drop=0.3, **few).fit(rows, number),
        "linear": lambda: xgboost.XGBRegressor(booster="gblinear", n_estimators=4).fit(rows, number),
        "linear multiclass": lambda: xgboost.XGBClassifier(booster="gblinear", n_estimators=4).fit(rows, several),
        "targets": lambda: xgboost.XGBRegressor(**few).fit(rows, np.c_[number, -number]),
        "forest": lambda: xgboost.XGBRFClassifier(n_estimators=5, n_jobs=1).fit(rows, label),
        "parallel trees": lambda: xgboost.XGBClassifier(num_parallel_tree=3, **few).fit(rows, several),
        "ranker": lambda: xgboost.XGBRanker(**few).fit(rows, label, qid=np.repeat(np.arange(30), 10)),
        "lossguide": lambda: xgboost.XGBClassifier(grow_policy="lossguide", max_leaves=8, max_depth=0).fit(
            rows, label
        ),
        "early stopping": lambda: xgboost.XGBClassifier(early_stopping_rounds=2, n_estimators=99).fit(
            rows, label, eval_set=[(rows, label)], verbose=False
        ),
        "no trees": lambda: xgboost.XGBRegressor(n_estimators=0).fit(rows, number),
        "continued": lambda: xgboost.XGBClassifier(**few).fit(
            rows, label, xgb_model=xgboost.XGBClassifier(**few).fit(rows, label)
        ),
        "several outputs": lambda: xgboost.XGBRegressor(multi_strategy="multi_output_tree", **few).fit(
            rows, np.c_[number, -number]
        ),
    }


@pytest.mark.parametrize("kind", _kinds())
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_every_kind_of_model_answers_after_opening_as_before(kind: str, suffix: str) -> None:
    model = _kinds()[kind]()
    model.save_model(f"model.{suffix}")
    opened = open_xgboost(Path(f"model.{suffix}").read_bytes(), "model")
    rows = np.random.default_rng(1).normal(size=(50, 4))
    assert np.array_equal(opened.predict(rows), model.predict(rows))


def test_the_ending_does_not_decide_how_a_file_is_read(models: Models) -> None:
    models.booster.save_model("model.ubj")
    Path("model.json").write_bytes(Path("model.ubj").read_bytes())
    assert load("model.json", SourceAccess()).model.num_boosted_rounds() == 8
