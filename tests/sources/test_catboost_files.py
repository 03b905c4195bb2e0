"""CatBoost's files open as what wrote them, and what is no such file is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import catboost as cb
import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import UsageError
from onnxport.sources import SourceAccess, bring, load, select_features

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {
    "iterations": 5,
    "depth": 3,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}


def rows() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a b", "é", "f3"])


def saved(model: Any, folder: Path) -> Path:
    path = folder / "model.cbm"
    model.save_model(str(path))
    return path


def test_a_file_opens_without_leave_and_answers_as_the_model_that_wrote_it(tmp_path: Path) -> None:
    frame = rows()
    classifier = cb.CatBoostClassifier(**SMALL).fit(frame, np.where(frame["é"] > 0, "yes", "no"))
    regressor = cb.CatBoostRegressor(**SMALL, loss_function="Poisson").fit(frame, np.exp(frame["é"]))
    for model in (classifier, regressor):
        source = load(str(saved(model, tmp_path)), SourceAccess())
        assert source.reference.kind == "catboost"
        assert type(source.model) is type(model)
        assert np.array_equal(source.model.predict(frame), model.predict(frame))


def test_the_models_columns_are_found_in_a_wider_sample(tmp_path: Path) -> None:
    frame = rows()
    source = load(str(saved(cb.CatBoostRegressor(**SMALL).fit(frame, frame["f3"]), tmp_path)), SourceAccess())
    wide = frame[["f3", "é", "a b"]].assign(other=1.0)
    assert list(select_features(source, wide, None).columns) == ["a b", "é", "f3"]


def test_a_model_without_names_takes_the_samples(tmp_path: Path) -> None:
    frame = rows()
    model = cb.CatBoostRegressor(**SMALL).fit(frame.to_numpy(), frame["f3"])
    source = load(str(saved(model, tmp_path)), SourceAccess())
    assert list(select_features(source, frame, None).columns) == list(frame.columns)


@pytest.mark.parametrize("data", [b"", b"CBM1", b"{}"])
def test_what_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.cbm"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"model\.cbm is not a CatBoost model"):
        load(str(path), SourceAccess())


def test_such_files_live_in_a_process_of_their_own_for_damaged_ones_crash_catboost(
    tmp_path: Path,
) -> None:
    frame = rows()
    path = saved(cb.CatBoostRegressor(**SMALL).fit(frame, frame["f3"]), tmp_path)
    with bring(str(path), SourceAccess()) as brought:
        assert brought.lives_apart(SourceAccess())
