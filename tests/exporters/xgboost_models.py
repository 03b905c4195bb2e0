"""Models that are trained on small seeded data in every way that XGBoost has."""

from __future__ import annotations

import io
import pickle
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xgboost as xgb
from xgboost_data import ROWS, binary, categorical, positive, several, signal, table

if TYPE_CHECKING:
    from collections.abc import Callable

Case = tuple[Any, pd.DataFrame]
"""A model, and 2,000 rows of the data that it was trained on."""
FIT = 800
"""How many of the rows the models are trained on."""
SMALL = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "random_state": 7}


def fitted(model: Any, frame: pd.DataFrame, target: np.ndarray, **fit: Any) -> Case:
    """`model`, trained on the first rows."""
    return model.fit(frame.iloc[:FIT], target[:FIT], **fit), frame


def classifier(*, gaps: float = 0.1, share: float = 0.5, **params: Any) -> Callable[[], Case]:
    """A binary classifier."""

    def build() -> Case:
        frame = table(gaps=gaps)
        return fitted(xgb.XGBClassifier(**SMALL | params), frame, binary(frame, share))

    return build


def multiclass(*, classes: int = 4, cls: Any = xgb.XGBClassifier, **params: Any) -> Callable[[], Case]:
    """A classifier of several classes."""

    def build() -> Case:
        frame = table(gaps=0.1)
        return fitted(cls(**SMALL | params), frame, several(frame, classes))

    return build


def regressor(
    *,
    gaps: float = 0.1,
    target: Callable[[pd.DataFrame], np.ndarray] = signal,
    cls: Any = xgb.XGBRegressor,
    **params: Any,
) -> Callable[[], Case]:
    """A regressor."""

    def build() -> Case:
        frame = table(gaps=gaps)
        return fitted(cls(**SMALL | params), frame, target(frame))

    return build


def booster(
    objective: str, target: Callable[[pd.DataFrame], np.ndarray] = signal, rounds: int = 12, **params: Any
) -> Callable[[], Case]:
    """A Booster by `xgb.train`."""

    def build() -> Case:
        frame = table(gaps=0.1)
        data = xgb.DMatrix(frame.iloc[:FIT], label=target(frame)[:FIT])
        return xgb.train({"objective": objective, "max_depth": 4, "nthread": 1} | params, data, rounds), frame

    return build


def ranker(objective: str) -> Callable[[], Case]:
    """An `XGBRanker`."""

    def build() -> Case:
        frame = table(gaps=0.1)
        model = xgb.XGBRanker(objective=objective, **SMALL)
        return fitted(model, frame, several(frame, 3 if objective != "rank:map" else 2), qid=np.arange(FIT) // 20)

    return build


def stopped(cls: Any, target: Callable[[pd.DataFrame], np.ndarray], **params: Any) -> Callable[[], Case]:
    """A model that early stopping cut: the trees after the best iteration are still in it."""

    def build() -> Case:
        frame = table(gaps=0.1)
        labels = target(frame)
        noise = np.random.default_rng(0).permutation(labels)[FIT : FIT + 200]
        model = cls(**SMALL | {"n_estimators": 40, "early_stopping_rounds": 4, "learning_rate": 0.5} | params)
        held = [(frame.iloc[FIT : FIT + 200], noise)]
        model.fit(frame.iloc[:FIT], labels[:FIT], eval_set=held, verbose=False)
        assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
        return model, frame

    return build


def with_categories(
    cls: Any = xgb.XGBRegressor,
    target: Callable[[pd.DataFrame], np.ndarray] = signal,
    frame: dict[str, Any] | None = None,
    **params: Any,
) -> Callable[[], Case]:
    """A model with categorical splits."""

    def build() -> Case:
        data = categorical(**frame or {})
        return fitted(cls(enable_categorical=True, **SMALL | params), data, target(data))

    return build


def renamed(*names: str, cls: Any = xgb.XGBClassifier) -> Callable[[], Case]:
    """A model with these column names."""

    def build() -> Case:
        frame = table(gaps=0.1, columns=names)
        return fitted(cls(**SMALL), frame, binary(frame))

    return build


def of_types(convert: Callable[[pd.DataFrame], pd.DataFrame], **params: Any) -> Callable[[], Case]:
    """A model whose columns have other dtypes."""

    def build() -> Case:
        frame = convert(table(gaps=0.0))
        return fitted(xgb.XGBClassifier(**SMALL | params), frame, binary(frame))

    return build


def through(model: Callable[[], Case], again: Callable[[Any, Path], Any]) -> Callable[[], Case]:
    """The model after it was saved and loaded."""

    def build() -> Case:
        trained, frame = model()
        with tempfile.TemporaryDirectory() as folder:
            return again(trained, Path(folder)), frame

    return build


def booster_of(model: Callable[[], Case]) -> Callable[[], Case]:
    """The Booster inside a wrapper."""

    def build() -> Case:
        trained, frame = model()
        return trained.get_booster(), frame

    return build


def reload(suffix: str, make: Callable[[], Any]) -> Callable[[Any, Path], Any]:
    """Save as a file, load into a new model."""

    def again(model: Any, folder: Path) -> Any:
        path = folder / f"model{suffix}"
        model.save_model(path)
        new = make()
        new.load_model(path)
        return new

    return again


def pickled(model: Any, _folder: Path) -> Any:
    """Pickle there and back."""
    return pickle.loads(pickle.dumps(model))


class Subclass(xgb.XGBClassifier):
    """A wrapper of the user's own that answers as its base does."""

    def explain(self) -> str:
        return "mine"


class Overriding(xgb.XGBClassifier):
    """A wrapper that answers in its own way."""

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        return super().predict(*args, **kwargs) * 10


def mean_error(label: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A custom objective."""
    return prediction - label, np.ones_like(label)


def logistic_loss(label: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A custom objective for classes."""
    chance = 1 / (1 + np.exp(-prediction))
    return chance - label, chance * (1 - chance)


def custom_booster() -> Case:
    frame = table(gaps=0.1)
    data = xgb.DMatrix(frame.iloc[:FIT], label=signal(frame)[:FIT])

    def objective(prediction: np.ndarray, matrix: xgb.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        return mean_error(matrix.get_label(), prediction)

    return xgb.train({"max_depth": 4, "nthread": 1}, data, 12, obj=objective), frame


def aft() -> Case:
    frame = table(gaps=0.1)
    data = xgb.DMatrix(frame.iloc[:FIT])
    lower = positive(frame)[:FIT]
    data.set_float_info("label_lower_bound", lower)
    data.set_float_info("label_upper_bound", np.where(np.arange(FIT) % 3, lower, np.inf))
    return xgb.train({"objective": "survival:aft", "max_depth": 4, "nthread": 1}, data, 12), frame


def sliced(begin: int, end: int, step: int = 1) -> Callable[[], Case]:
    """Some rounds of a Booster."""

    def build() -> Case:
        model, frame = booster("multi:softprob", several, rounds=20, num_class=4)()
        return model[begin:end:step], frame

    return build


def continued(cls: Any, **params: Any) -> Callable[[], Case]:
    """A model that another one was trained on top of."""

    def build() -> Case:
        frame = table(gaps=0.1)
        labels = binary(frame)
        first = cls(**SMALL | params).fit(frame.iloc[:400], labels[:400])
        model = cls(**SMALL | params | {"n_estimators": 5})
        return fitted(model, frame, labels, xgb_model=first.get_booster()), frame

    return lambda: build()[0]


def stopped_booster() -> Case:
    frame = table(gaps=0.1)
    labels = binary(frame)
    data = xgb.DMatrix(frame.iloc[:FIT], label=labels[:FIT])
    held = xgb.DMatrix(frame.iloc[FIT:], label=np.random.default_rng(0).permutation(labels[FIT:]))
    params = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1}
    return xgb.train(params, data, 60, evals=[(held, "held")], early_stopping_rounds=4, verbose_eval=False), frame


def coded_booster(size: int = 40) -> Case:
    """Categories as codes in a float column, fractions and codes out of range among them."""
    rng = np.random.default_rng(0)
    frame = table(0, columns=("x", "y"))
    frame["code"] = rng.integers(0, size, ROWS).astype(np.float32)
    target = np.sin(frame["code"].to_numpy() * 5) + frame["x"].to_numpy()
    data = xgb.DMatrix(frame.iloc[:FIT], label=target[:FIT], feature_types=["q", "q", "c"])
    model = xgb.train({"max_depth": 5, "max_cat_to_onehot": 1, "nthread": 1}, data, 15)
    odd = np.array([-5, -1, -0.5, 0.5, 1.5, size - 0.5, size, size + 70, 2**24 - 1, 2**24, 1e9, np.nan])
    frame.loc[frame.index[-500:], "code"] = rng.choice(odd, 500).astype(np.float32)
    return model, frame


def reordered() -> Case:
    """The frame at hand has the categories in another order, and some more that it does not use."""
    model, frame = with_categories(max_cat_to_onehot=1)()
    frame = frame.copy()
    words = sorted(frame["stage1"].cat.categories, reverse=True)
    frame["stage1"] = frame["stage1"].cat.set_categories(words)
    return model, frame


def constant_column() -> Case:
    frame = table().assign(a=np.float32(1))
    return fitted(xgb.XGBClassifier(**SMALL), frame, binary(frame.drop(columns="a")))


def one_class() -> Case:
    frame = table()
    return fitted(xgb.XGBClassifier(**SMALL), frame, np.zeros(ROWS, dtype=int))


def wide_columns() -> Case:
    frame = table(columns=tuple(f"column {index}" for index in range(120))[:40]).astype("float64")
    return fitted(xgb.XGBClassifier(**SMALL | {"colsample_bytree": 0.3}), frame, binary(frame))


def weighted() -> Case:
    frame = table(gaps=0.1)
    weights = np.random.default_rng(0).random(FIT) * 3
    return fitted(xgb.XGBClassifier(**SMALL), frame, binary(frame), sample_weight=weights)


def with_base_margin() -> Case:
    frame = table(gaps=0.1)
    margin = np.random.default_rng(0).normal(size=FIT)
    return fitted(xgb.XGBRegressor(**SMALL), frame, signal(frame), base_margin=margin)


def many_rounds() -> Case:
    frame = table(gaps=0.1)
    return fitted(xgb.XGBClassifier(**SMALL | {"n_estimators": 450, "max_depth": 3}), frame, binary(frame))


def many_linear_rounds() -> Case:
    frame = table(gaps=0.1)
    return fitted(xgb.XGBRegressor(booster="gblinear", n_estimators=300, n_jobs=1), frame, signal(frame))


def unnamed() -> Case:
    values = table(gaps=0.1).to_numpy()
    model = xgb.XGBClassifier(**SMALL).fit(values[:FIT], binary(table(gaps=0.1))[:FIT])
    return model, pd.DataFrame(values, columns=list("uvwxyz"))


def in_memory_json() -> Case:
    model, frame = booster("reg:gamma", positive)()
    new = xgb.Booster()
    new.load_model(bytearray(io.BytesIO(bytes(model.save_raw("json"))).getvalue()))
    return new, frame
