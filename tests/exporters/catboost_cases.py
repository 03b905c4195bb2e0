"""What people train with CatBoost on numbers: one named case each, with the rows that it was trained on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import catboost as cb
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

Case: TypeAlias = tuple[Any, pd.DataFrame]

ROWS = 1_000
SMALL: dict[str, Any] = {
    "iterations": 20,
    "depth": 4,
    "learning_rate": 0.3,
    "thread_count": 1,
    "random_seed": 1,
    "verbose": False,
    "allow_writing_files": False,
}


def table() -> pd.DataFrame:
    """Numbers with missing values, ties, a constant column and odd names."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 5)), columns=["a b", "é", "f3", "f0", "$"])
    frame["é"] = frame["é"].round(1).mask(rng.random(ROWS) < 0.2)
    frame["f3"] *= 1e6
    return frame.assign(same=1.0)


def typed() -> pd.DataFrame:
    frame = table().assign(whole=np.arange(ROWS) % 50 + 2**24, flag=np.arange(ROWS) % 3 == 0)
    return frame.astype({"f0": "float32", "$": "float16"})


def signal(frame: pd.DataFrame) -> np.ndarray:
    """A number a row that depends on all columns."""
    noise = np.random.default_rng(5).normal(size=len(frame))
    scaled = frame.astype(float).fillna(0.7) / frame.astype(float).abs().max()
    return np.asarray(np.sin(4.0 * scaled).sum(axis=1) + 0.3 * noise, dtype=float)


def classes(frame: pd.DataFrame, count: int) -> np.ndarray:
    """Classes 0 to `count - 1`, about equally many of each."""
    return pd.qcut(signal(frame), count, labels=False).astype(int)


def classifier(
    count: int = 2, make: Callable[[], pd.DataFrame] = table, names: list[Any] | None = None, **options: Any
) -> Callable[[], Case]:
    def build() -> Case:
        frame = make()
        labels = np.array(names or list(range(count)))[classes(frame, count)]
        return cb.CatBoostClassifier(**SMALL | options).fit(frame, labels), frame

    return build


def regressor(
    target: Callable[[np.ndarray], np.ndarray] = np.array,
    make: Callable[[], pd.DataFrame] = table,
    **options: Any,
) -> Callable[[], Case]:
    def build() -> Case:
        frame = make()
        return cb.CatBoostRegressor(**SMALL | options).fit(frame, target(signal(frame))), frame

    return build


def ranker(loss: str) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        groups = np.repeat(np.arange(ROWS // 20), 20)
        model = cb.CatBoostRanker(**SMALL, loss_function=loss)
        return model.fit(frame, classes(frame, 4), group_id=groups), frame

    return build


def labels(loss: str) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        both = np.column_stack([classes(frame, 2), frame["f0"] > 0]).astype(int)
        return cb.CatBoostClassifier(**SMALL, loss_function=loss).fit(frame, both), frame

    return build


def positive(values: np.ndarray) -> np.ndarray:
    return np.exp(values / 3.0)


def pair(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values, values**2])


def between(values: np.ndarray) -> np.ndarray:
    """Lower and upper bounds of times."""
    return np.column_stack([positive(values), positive(values) + 1.0])


def stopped() -> Case:
    frame, half = table(), ROWS // 2
    goal = classes(frame, 2) ^ (np.random.default_rng(2).random(ROWS) < 0.4)
    model = cb.CatBoostClassifier(**SMALL | {"iterations": 200}, early_stopping_rounds=5)
    model.fit(frame[:half], goal[:half], eval_set=(frame[half:], goal[half:]))
    assert 0 < model.tree_count_ < 200
    return model, frame


def unnamed() -> Case:
    frame = table()
    return cb.CatBoostRegressor(**SMALL).fit(frame.to_numpy(), signal(frame)), frame


def threshold(share: float) -> Callable[[], Case]:
    def build() -> Case:
        model, frame = classifier()()
        model.set_probability_threshold(share)
        return model, frame

    return build


def scaled() -> Case:
    model, frame = regressor()()
    model.set_scale_and_bias(0.37, -2.5)
    return model, frame


def summed() -> Case:
    (one, frame), (other, _) = regressor()(), regressor(depth=2)()
    return cb.sum_models([one, other], weights=[0.3, 0.7]), frame


def base(**options: Any) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        goal = classes(frame, 3) if options else signal(frame)
        return cb.CatBoost(SMALL | options).fit(frame, goal), frame

    return build


def weighted() -> Case:
    frame = table()
    weights = np.random.default_rng(3).random(ROWS)
    return cb.CatBoostRegressor(**SMALL).fit(frame, signal(frame), sample_weight=weights), frame


def continued() -> Case:
    first, frame = regressor()()
    return cb.CatBoostRegressor(**SMALL).fit(frame, signal(frame) + 1.0, init_model=first), frame


def custom() -> Case:
    class Squares:
        """An objective of the user's own."""

        def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> list[tuple[float, float]]:
            assert weights is None
            return [(goal - found, -1.0) for found, goal in zip(approxes, targets, strict=True)]

    frame = table()
    options = SMALL | {"iterations": 5, "loss_function": Squares(), "eval_metric": "RMSE"}
    return cb.CatBoostRegressor(**options).fit(frame, signal(frame)), frame


def loaded(make: Callable[[], Case], form: str) -> Callable[[], Case]:
    def build() -> Case:
        model, frame = make()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model")
            model.save_model(path, format=form)
            return type(model)().load_model(path, format=form), frame

    return build


class Renamed(cb.CatBoostClassifier):
    """A subclass that changes nothing about predictions."""

    def describe(self) -> str:
        return f"{self.tree_count_} trees"


def subclass() -> Case:
    frame = table()
    return Renamed(**SMALL).fit(frame, classes(frame, 2)), frame


CASES: dict[str, Callable[[], Case]] = {
    # classifiers
    "binary": classifier(),
    "binary, strings": classifier(names=["no", "yes"]),
    "binary, booleans": classifier(names=[False, True]),
    "binary, other numbers": classifier(names=[-1, 7]),
    "binary, fractions": classifier(names=[0.5, 2.25]),
    "binary, cross entropy": classifier(loss_function="CrossEntropy"),
    "binary, focal": classifier(loss_function="Focal:focal_alpha=0.4;focal_gamma=2"),
    "binary, balanced": classifier(auto_class_weights="Balanced"),
    "binary, threshold 0.3": threshold(0.3),
    "binary, threshold 1": threshold(1.0),
    "binary, threshold 0": threshold(0.0),
    "binary, by depth": classifier(grow_policy="Depthwise"),
    "binary, by leaves": classifier(grow_policy="Lossguide"),
    "three classes": classifier(3),
    "four classes, strings": classifier(4, names=["ä", "b", "c c", "d"]),
    "three classes, one versus all": classifier(3, loss_function="MultiClassOneVsAll"),
    "three classes, by leaves": classifier(3, grow_policy="Lossguide"),
    "multiclass of two": classifier(loss_function="MultiClass"),
    "labels": labels("MultiLogloss"),
    "labels, cross entropy": labels("MultiCrossEntropy"),
    "early stopping": stopped,
    "subclass": subclass,
    "columns of many types": classifier(make=typed),
    "many rounds": classifier(iterations=300),
    # regressors
    "squares": regressor(),
    "absolute": regressor(loss_function="MAE"),
    "quantile": regressor(loss_function="Quantile:alpha=0.3"),
    "several quantiles": regressor(loss_function="MultiQuantile:alpha=0.2,0.8"),
    "huber": regressor(loss_function="Huber:delta=1"),
    "poisson": regressor(positive, loss_function="Poisson"),
    "tweedie": regressor(positive, loss_function="Tweedie:variance_power=1.5"),
    "logarithmic quantile": regressor(positive, loss_function="LogLinQuantile"),
    "mean and variance": regressor(loss_function="RMSEWithUncertainty"),
    "several targets": regressor(pair, loss_function="MultiRMSE"),
    "accelerated failure time": regressor(between, loss_function="SurvivalAft"),
    "cox": regressor(positive, loss_function="Cox"),
    "missing values last": regressor(nan_mode="Max"),
    "stumps": regressor(depth=1),
    "deep": regressor(depth=9, iterations=8),
    "by depth": regressor(grow_policy="Depthwise"),
    "by leaves": regressor(grow_policy="Lossguide", max_leaves=40, depth=12),
    "ordered boosting": regressor(boosting_type="Ordered"),
    "far from zero": regressor(lambda values: values + 1e6),
    "large": regressor(lambda values: values * 1e12),
    "few borders": regressor(border_count=4),
    "trained on an array": unnamed,
    "scale and bias": scaled,
    "weighted": weighted,
    "continued": continued,
    "custom objective": custom,
    # others
    "ranker, pairwise": ranker("PairLogit"),
    "ranker, yeti": ranker("YetiRank"),
    "base class": base(),
    "base class, three classes": base(loss_function="MultiClass"),
    "sum of models": summed,
    "classifier from a file": loaded(classifier(3, names=["x", "y", "z"]), "cbm"),
    "regressor from JSON": loaded(regressor(), "json"),
    "Poisson regressor from a file": loaded(regressor(positive, loss_function="Poisson"), "cbm"),
}
