"""What people train with LightGBM: one named case each, with the rows that it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import lightgbm as lgb
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

Case: TypeAlias = tuple[Any, pd.DataFrame]

ROWS = 1_500
SMALL: dict[str, Any] = {
    "n_estimators": 15,
    "num_leaves": 15,
    "learning_rate": 0.2,
    "min_child_samples": 5,
    "n_jobs": 1,
    "verbose": -1,
    "seed": 1,
}
SETTINGS = {name: value for name, value in SMALL.items() if name != "n_estimators"}
CATEGORICAL: dict[str, Any] = {
    "min_data_per_group": 2,
    "cat_smooth": 1.0,
    "cat_l2": 0.1,
    "max_cat_to_onehot": 2,
    "max_cat_threshold": 64,
}


def table(seed: int = 0) -> pd.DataFrame:
    """Numbers with zeros, missing values, ties and tiny values, in columns with odd names."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 5)), columns=["a b", "é", "f3", "f0", "$"])
    frame["é"] = frame["é"].where(rng.random(ROWS) < 0.5, 0.0)
    frame["f3"] = frame["f3"].round(1).mask(rng.random(ROWS) < 0.2)
    frame["$"] = frame["$"].mask(rng.random(ROWS) < 0.1, 0.0) * 1e-20
    return frame


def with_categories(*, size: int = 12, integers: bool = False) -> pd.DataFrame:
    """The table, two of whose columns are categories: some missing, some that no row has."""
    rng = np.random.default_rng(3)
    frame = table()
    codes = rng.integers(0, size, ROWS)
    values = codes * 7 - 3 if integers else np.array([f"k ä{code}" for code in codes])
    frame["kind"] = pd.Categorical(values)
    frame["kind"] = frame["kind"].mask(rng.random(ROWS) < 0.1)
    frame["size"] = pd.Categorical(
        rng.choice(["s", "m", "l"], ROWS), categories=["s", "m", "l", "xl"], ordered=True
    )
    return frame


def with_codes() -> pd.DataFrame:
    """The table with integer codes as plain numbers, in the column `f0`."""
    frame = table()
    frame["f0"] = np.random.default_rng(4).integers(0, 70, ROWS).astype(float)
    return frame.mask(pd.DataFrame({"f0": frame["f0"] == 13}).reindex(columns=frame.columns, fill_value=False))


def signal(frame: pd.DataFrame) -> np.ndarray:
    """A number a row that depends on all columns."""
    parts = [
        frame[name].cat.codes % 4 - 1.0
        if isinstance(frame[name].dtype, pd.CategoricalDtype)
        else np.sin(2.0 * frame[name].astype(float).fillna(0.7))
        for name in frame.columns
    ]
    noise = np.random.default_rng(5).normal(size=len(frame))
    return np.asarray(sum(parts) + (frame["é"] == 0) + 0.3 * noise, dtype=float)


def classes(frame: pd.DataFrame, count: int) -> np.ndarray:
    """Classes 0 to `count - 1`, about equally many of each."""
    return pd.qcut(signal(frame), count, labels=False).astype(int)


def classifier(make: Callable[[], pd.DataFrame] = table, count: int = 2, **options: Any) -> Callable[[], Case]:
    def build() -> Case:
        frame = make()
        return lgb.LGBMClassifier(**SMALL | options).fit(frame, classes(frame, count)), frame

    return build


def regressor(
    make: Callable[[], pd.DataFrame] = table,
    target: Callable[[np.ndarray], np.ndarray] = np.array,
    **options: Any,
) -> Callable[[], Case]:
    def build() -> Case:
        frame = make()
        return lgb.LGBMRegressor(**SMALL | options).fit(frame, target(signal(frame))), frame

    return build


def ranker(**options: Any) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        return lgb.LGBMRanker(**SMALL | options).fit(frame, classes(frame, 4), group=[30] * (ROWS // 30)), frame

    return build


def booster(target: Callable[[np.ndarray], np.ndarray] = np.array, **options: Any) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        return lgb.train(SETTINGS | options, lgb.Dataset(frame, target(signal(frame))), 15), frame

    return build


def stopped() -> Case:
    frame = table()
    labels = classes(frame, 2) ^ (np.random.default_rng(2).random(ROWS) < 0.4)
    model = lgb.LGBMClassifier(**SMALL | {"n_estimators": 200})
    half = ROWS // 2
    model.fit(
        frame[:half],
        labels[:half],
        eval_set=[(frame[half:], labels[half:])],
        callbacks=[lgb.early_stopping(5, verbose=False)],
    )
    assert 0 < model.best_iteration_ < model.n_estimators
    return model, frame


def kept() -> Case:
    """A Booster that holds more rounds than its `predict` takes."""
    frame = table()
    labels = classes(frame, 2) ^ (np.random.default_rng(2).random(ROWS) < 0.4)
    data = lgb.Dataset(frame[::2], labels[::2])
    model = lgb.train(
        SETTINGS | {"objective": "binary"},
        data,
        200,
        valid_sets=[lgb.Dataset(frame[1::2], labels[1::2], reference=data)],
        callbacks=[lgb.early_stopping(5, verbose=False)],
        keep_training_booster=True,
    )
    assert 0 < model.best_iteration < model.num_trees()
    return model, frame


def empty() -> Case:
    frame = table()
    return lgb.Booster(SETTINGS, lgb.Dataset(frame, signal(frame))), frame


def continued() -> Case:
    first, frame = regressor()()
    return lgb.LGBMRegressor(**SMALL).fit(frame, signal(frame) + 1, init_model=first), frame


def labelled(names: list[Any]) -> Callable[[], Case]:
    def build() -> Case:
        frame = table()
        return lgb.LGBMClassifier(**SMALL).fit(frame, np.array(names)[classes(frame, len(names))]), frame

    return build


def unnamed() -> Case:
    frame = table()
    return lgb.LGBMRegressor(**SMALL).fit(frame.to_numpy(), signal(frame)), frame


def coded() -> Case:
    frame = with_codes()
    model = lgb.LGBMRegressor(**SMALL | CATEGORICAL)
    return model.fit(frame, signal(frame), categorical_feature=["f0"]), frame


def custom() -> Case:
    def squares(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores - labels, np.ones_like(scores)

    frame = table()
    return lgb.LGBMRegressor(**SMALL, objective=squares).fit(frame, signal(frame)), frame


def typed() -> pd.DataFrame:
    frame = table().assign(whole=np.arange(ROWS) % 50, flag=np.arange(ROWS) % 3 == 0)
    return frame.astype({"f0": "float32", "whole": "int32"})


class Renamed(lgb.LGBMClassifier):
    """A subclass that changes nothing about predictions."""

    def describe(self) -> str:
        return f"{self.n_estimators} rounds"


def subclass() -> Case:
    frame = table()
    return Renamed(**SMALL).fit(frame, classes(frame, 2)), frame


def positive(values: np.ndarray) -> np.ndarray:
    return np.exp(values / 3.0)


def share(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-values))


_RF = {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1}

CASES: dict[str, Callable[[], Case]] = {
    # classifiers
    "binary": classifier(),
    "binary, sigmoid 0.7": classifier(sigmoid=0.7),
    "binary, unbalanced": classifier(is_unbalance=True),
    "binary, no start from average": classifier(boost_from_average=False),
    "binary, cross entropy": classifier(objective="cross_entropy"),
    "binary, strings": labelled(["no", "yes"]),
    "binary, other numbers": labelled([-1, 7]),
    "three classes": classifier(count=3),
    "four classes, strings": labelled(["ä", "b", "c c", ""]),
    "three classes, one versus all": classifier(count=3, objective="multiclassova"),
    "three classes, one versus all, sigmoid 2": classifier(count=3, objective="multiclassova", sigmoid=2.0),
    "multiclass of two": classifier(objective="multiclass", num_class=2),
    "dart": classifier(boosting_type="dart", drop_rate=0.4),
    "goss": classifier(data_sample_strategy="goss"),
    "random forest": classifier(**_RF),
    "random forest of three classes": classifier(count=3, **_RF),
    "extra trees": classifier(extra_trees=True),
    "early stopping": stopped,
    "subclass": subclass,
    "many rounds": classifier(n_estimators=300),
    "zero as missing": classifier(zero_as_missing=True),
    "no missing values": classifier(use_missing=False),
    "stumps": classifier(num_leaves=2),
    "float32 columns": classifier(lambda: table().astype("float32")),
    "columns of many types": classifier(typed),
    # regressors
    "squares": regressor(),
    "absolute": regressor(objective="regression_l1"),
    "huber": regressor(objective="huber"),
    "fair": regressor(objective="fair"),
    "poisson": regressor(target=positive, objective="poisson"),
    "gamma": regressor(target=positive, objective="gamma"),
    "tweedie": regressor(target=positive, objective="tweedie"),
    "quantile": regressor(objective="quantile", alpha=0.8),
    "mape": regressor(target=positive, objective="mape"),
    "square root": regressor(reg_sqrt=True),
    "square root, absolute": regressor(objective="regression_l1", reg_sqrt=True),
    "cross entropy": regressor(target=share, objective="cross_entropy"),
    "random forest regression": regressor(**_RF),
    "far from zero": regressor(target=lambda values: values + 1e6),
    "large": regressor(target=lambda values: values * 1e25),
    "tiny": regressor(target=lambda values: values * 1e-25),
    "single leaves": regressor(min_child_samples=ROWS),
    "zero as missing, regression": regressor(zero_as_missing=True),
    "deep": regressor(num_leaves=200, min_child_samples=2),
    "dart regression": regressor(boosting_type="dart", drop_rate=0.5),
    "continued": continued,
    "custom objective": custom,
    "trained on an array": unnamed,
    # categories
    "categories": classifier(with_categories, **CATEGORICAL),
    "categories, one against the rest": classifier(lambda: with_categories(size=4), max_cat_to_onehot=10),
    "categories, integers": regressor(lambda: with_categories(integers=True), **CATEGORICAL),
    "categories, many": regressor(lambda: with_categories(size=300), **CATEGORICAL),
    "categories, zero as missing": regressor(with_categories, zero_as_missing=True, **CATEGORICAL),
    "categories, three classes": classifier(with_categories, count=3, **CATEGORICAL),
    "codes": coded,
    # rankers and Boosters
    "ranker": ranker(),
    "ranker, xendcg": ranker(objective="rank_xendcg"),
    "booster": booster(),
    "booster, binary": booster(lambda values: (values > 0).astype(int), objective="binary"),
    "booster, three classes": booster(
        lambda values: pd.qcut(values, 3, labels=False), objective="multiclass", num_class=3
    ),
    "booster, lambda cross entropy": booster(share, objective="cross_entropy_lambda"),
    "booster, stopped early": kept,
    "booster without a round": empty,
}
