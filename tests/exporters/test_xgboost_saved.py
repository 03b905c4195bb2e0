"""Reading what XGBoost saves: every release's form, in slices or as a whole, never a damaged one."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xgboost as xgb
from exporting import exported
from onnxport.artifacts import IntegrityError
from onnxport.exporters import ExportOptions
from onnxport.exporters.assemble import new_builder
from onnxport.exporters.from_xgboost import saved
from onnxport.exporters.from_xgboost.booster import Trees, read_booster
from onnxport.exporters.from_xgboost.estimator import Estimator
from onnxport.exporters.from_xgboost.heads import add_estimator
from onnxport.exporters.from_xgboost.ubj import Table, decode
from xgboost_cases import CASES
from xgboost_data import table
from xgboost_parity import LINK_ULPS, compare

FOLDER = Path(__file__).parent / "saved_models"
WRAPPERS = {"classes": xgb.XGBClassifier, "logistic": xgb.XGBClassifier}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*[0-9].json")), ids=lambda path: path.stem)
def test_a_model_of_an_older_release_answers_as_its_graph(path: Path) -> None:
    wrapper = WRAPPERS.get(path.stem.partition("-")[0], xgb.XGBRegressor)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XGBoost asks to save old models again
        wrapper.load_model(path)
    frame = table(gaps=0.1, columns=("a", "b", "c"))
    for model in (wrapper, wrapper.get_booster()):
        found = compare(model, exported(model, frame), [frame])
        assert found.margin_ulps == 0
        assert found.output_ulps <= LINK_ULPS
        assert found.labels == 0


class SavedBooster:
    """Bytes that an XGBoost saved, in the place of a Booster that this release cannot load."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def num_boosted_rounds(self) -> int:
        return 3

    def save_raw(self, _form: str) -> bytes:
        return self._path.read_bytes()


def test_leaves_of_several_values_before_3_1_answer_as_that_release_did() -> None:
    expected = json.loads((FOLDER / "multi_output_tree-2.1.4.expected.json").read_text())
    booster: Any = SavedBooster(FOLDER / "multi_output_tree-2.1.4.ubj")
    model = read_booster(booster, "model")
    assert isinstance(model.core, Trees)
    builder = new_builder(ExportOptions())
    matrix = builder.input("features", "float32", [None, 3])
    estimator = Estimator(model=model, trees=3, rounds=(3, 3), in_place=True, missing=None, task="regressor")
    outputs = add_estimator(builder, matrix, estimator, "model")
    builder.output(outputs.prediction, "prediction", "float32", [None, 2])
    session = onnxruntime.InferenceSession(builder.build(name="old", metadata={}))
    rows = np.array(expected["rows"], dtype=np.float32)
    (found,) = session.run(None, {"features": rows})
    assert found.tolist() == np.array(expected["predictions"], dtype=np.float32).tolist()


@pytest.mark.parametrize("name", ["binary", "squared error, dart", "classes, 3 parallel trees", "several targets"])
def test_slices_make_the_same_graph_as_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, frame = CASES[name]()
    whole = exported(model, frame)
    monkeypatch.setattr(saved, "_WHOLE_ROUNDS", 2)
    monkeypatch.setattr(saved, "_WHOLE_BYTES", 0)
    assert len(list(saved.saved_parts(model.get_booster()))) > 2
    assert exported(model, frame).model == whole.model


def test_decoded_binary_json_is_what_text_json_says() -> None:
    model, _ = CASES["categories, binary"]()
    booster = model.get_booster()
    assert same(decode(booster.save_raw("ubj")), json.loads(bytes(booster.save_raw("json"))))


def same(found: Any, wanted: Any) -> bool:
    """Whether both say the same; floats are float32, and of trees only their arrays are kept."""
    if isinstance(found, Table):
        return all(
            np.array_equal(found.joined(member), np.concatenate([tree[member] for tree in wanted]).astype(dtype))
            for member, dtype in found.dtypes.items()
        )
    if isinstance(found, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in found)
    if isinstance(found, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(found, np.ndarray):
        return np.array_equal(found, np.array(wanted).astype(found.dtype))
    return bool(found == wanted)


def test_trees_are_tabled_whatever_the_width_of_their_numbers() -> None:
    model, _ = CASES["binary, many rounds"]()
    trees = decode(model.get_booster().save_raw("ubj"))["learner"]["gradient_booster"]["model"]["trees"]
    assert isinstance(trees, Table)
    assert len(trees.places) == 450
    text = json.loads(bytes(model.get_booster().save_raw("json")))
    wanted = text["learner"]["gradient_booster"]["model"]["trees"]
    assert trees.counts("left_children").tolist() == [len(tree["left_children"]) for tree in wanted]
    assert trees.joined("split_indices").tolist() == [index for tree in wanted for index in tree["split_indices"]]


def test_a_cut_or_lengthened_file_is_damaged() -> None:
    model, _ = CASES["classes, one tree"]()
    data = bytes(model.get_booster().save_raw("ubj"))
    for end in range(0, len(data), 97):
        with pytest.raises(IntegrityError, match="damaged"):
            decode(data[:end])
    with pytest.raises(IntegrityError, match="ends at byte"):
        decode(data + b"}")


def test_a_child_outside_its_tree_is_damage() -> None:
    model, frame = CASES["binary"]()
    data = model.get_booster().save_raw("ubj")
    trees = decode(data)["learner"]["gradient_booster"]["model"]["trees"]
    start = int(trees.places[3, 2 * list(trees.dtypes).index("left_children")])
    broken = bytearray(data)
    broken[start : start + 4] = (9_999).to_bytes(4, "big")
    path = FOLDER / "unused"

    class Broken(SavedBooster):
        def save_raw(self, _form: str) -> bytes:
            return bytes(broken)

    booster: Any = Broken(path)
    estimator = Estimator(
        model=read_booster(booster, "model"),
        trees=12,
        rounds=(12, 12),
        in_place=True,
        missing=None,
        task="regressor",
    )
    builder = new_builder(ExportOptions())
    with pytest.raises(IntegrityError, match="outside its tree"):
        add_estimator(
            builder, builder.input("features", "float32", [None, len(frame.columns)]), estimator, "model"
        )


def test_a_model_without_trees_knows_its_columns() -> None:
    model = read_booster(
        xgb.XGBRegressor(n_estimators=0).fit(pd.DataFrame({"a": [1.0, 2]}), [1, 2]).get_booster(), ""
    )
    assert model.feature_names == ("a",)
    assert model.intercept_is_margin
