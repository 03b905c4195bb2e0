"""What people train with XGBoost: one named case each, small and seeded."""

from __future__ import annotations

import io
import pickle
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xgboost as xgb

if TYPE_CHECKING:
    from collections.abc import Callable

Case = tuple[Any, pd.DataFrame]
"""A model, and 2,000 rows of the data that it was trained on."""
ROWS = 2_000
FIT = 800
"""How many of the rows the models are trained on."""
SMALL = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "random_state": 7}


def table(seed: int = 0, *, gaps: float = 0.0, columns: tuple[str, ...] = tuple("abcdef")) -> pd.DataFrame:
    """Normal columns of several scales, float32; a share of `gaps` missing in every other column."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(ROWS, len(columns))) * (10.0 ** np.arange(-2, len(columns) - 2))
    values[:, 1] = np.round(values[:, 1] * 3)
    if gaps:
        holes = rng.random(values.shape) < gaps
        holes[:, ::2] = False
        values[holes] = np.nan
    return pd.DataFrame(values.astype(np.float32), columns=list(columns))


def signal(frame: pd.DataFrame, seed: int = 1) -> np.ndarray:
    """A noisy score for each row, of unit scale."""
    rng = np.random.default_rng(seed)
    numbers = pd.DataFrame({name: _number(frame[name]) for name in frame.columns})
    scaled = (numbers - numbers.mean()) / (numbers.std() + 1e-9)
    weights = np.random.default_rng(3).normal(size=len(frame.columns))
    total = scaled.fillna(0.3).to_numpy() @ weights
    total += np.sin(3 * scaled.fillna(0).to_numpy()[:, 0])
    return np.asarray(total / (np.std(total) + 1e-9) + rng.normal(size=len(frame)) * 0.3)


def _number(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes
        return pd.Series(np.sin(codes.to_numpy() * 12.9898) * 3, index=column.index)
    return column.astype("float64")


def binary(frame: pd.DataFrame, share: float = 0.5) -> np.ndarray:
    """Classes 0 and 1, a `share` of them 1."""
    score = signal(frame)
    return (score > np.quantile(score, 1 - share)).astype(int)


def several(frame: pd.DataFrame, classes: int = 4) -> np.ndarray:
    """Classes 0, 1, … of about equal size."""
    score = signal(frame)
    return np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def positive(frame: pd.DataFrame) -> np.ndarray:
    """Positive targets."""
    return np.exp(np.clip(signal(frame), -3, 3))


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


def targets(frame: pd.DataFrame) -> np.ndarray:
    """Three targets of different scale."""
    return np.stack([signal(frame), positive(frame) * 10, -signal(frame, 5)], axis=1)


def flags(frame: pd.DataFrame) -> np.ndarray:
    """Three yes-or-no targets."""
    return np.stack([binary(frame), binary(frame, 0.2), signal(frame, 5) > 0], axis=1).astype(int)


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


def categorical(
    seed: int = 0,
    *,
    sizes: tuple[int, ...] = (3, 12),
    integers: int = 9,
    gaps: float = 0.08,
    name: str = "stage",
    suffix: str = "",
) -> pd.DataFrame:
    """Two numbers, string categories of the given sizes in shuffled order, one column of integer categories."""
    rng = np.random.default_rng(seed)
    frame = table(seed, gaps=0.1, columns=("x", "y"))
    for index, size in enumerate(sizes):
        words = [f"{name} {number}{suffix}" for number in range(size)]
        rng.shuffle(words)
        codes = rng.integers(0, size, ROWS)
        codes[rng.random(ROWS) < gaps] = -1
        frame[f"{name}{index}"] = pd.Categorical.from_codes(codes, words)
    if integers:
        codes = rng.integers(0, integers, ROWS)
        codes[rng.random(ROWS) < gaps] = -1
        frame["number"] = pd.Categorical.from_codes(codes, [7 * value - 20 for value in range(integers)])
    return frame


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


def cox(frame: pd.DataFrame) -> np.ndarray:
    """Survival times, negative where censored."""
    return positive(frame) * np.where(np.arange(len(frame)) % 3, 1, -1)


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


def big_integers(scale: int, offset: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Columns of large integers."""

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        whole = (frame.rank() * scale + offset).astype("int64")
        return whole.set_axis(list(frame.columns), axis=1)

    return convert


def mixed_types(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        a=frame["a"] > 0,
        b=frame["b"].astype("int8"),
        c=(frame["c"] * 5).astype("int32"),
        d=frame["d"].astype("float64"),
    )


def nullable(frame: pd.DataFrame) -> pd.DataFrame:
    gaps = np.arange(len(frame)) % 5 == 0
    return frame.assign(
        a=(frame["a"] > 0).astype("boolean").mask(gaps),
        b=frame["b"].astype("Int64").mask(gaps),
        c=frame["c"].astype("Float64").mask(gaps),
        d=(frame["d"].abs() % 50).round().astype("UInt8"),
    )


def arrow(frame: pd.DataFrame) -> pd.DataFrame:
    gaps = np.arange(len(frame)) % 5 == 0
    return frame.assign(
        a=(frame["a"] > 0).astype("bool[pyarrow]"),
        b=frame["b"].astype("int64[pyarrow]").mask(gaps),
        c=frame["c"].astype("float64[pyarrow]"),
    )


def marked(value: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """`value` in the place of a fifth of the values."""

    def convert(frame: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        return frame.mask(rng.random(frame.shape) < 0.2, value)

    return convert


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


def seed_of(name: str) -> int:
    """A number for each case."""
    return zlib.crc32(name.encode())


_DART = {"booster": "dart", "rate_drop": 0.4}
_LINEAR = {"n_estimators": 10, "max_depth": None, "booster": "gblinear"}
_CATEGORY_SIZES = {"sizes": (60, 300), "integers": 40}

CASES: dict[str, Callable[[], Case]] = {
    # binary classifiers
    "binary": classifier(),
    "binary, no missing values": classifier(gaps=0),
    "binary, 5 % positive": classifier(share=0.05),
    "binary, 97 % positive": classifier(share=0.97),
    "binary, rare event": classifier(share=0.003, n_estimators=60),
    "binary, base_score 0.5": classifier(base_score=0.5),
    "binary, base_score 0.2": classifier(base_score=0.2),
    "binary, base_score 0.001": classifier(base_score=0.001),
    "binary, base_score 0.999": classifier(base_score=0.999),
    "binary, all leaves positive": classifier(base_score=0.01, n_estimators=2),
    "binary, all leaves negative": classifier(base_score=0.99, n_estimators=2),
    "binary, scale_pos_weight": classifier(share=0.1, scale_pos_weight=20),
    "binary, weighted rows": weighted,
    "binary, stumps": classifier(max_depth=1),
    "binary, depth 12": classifier(max_depth=12, min_child_weight=0, n_estimators=5),
    "binary, one tree": classifier(n_estimators=1),
    "binary, single leaves": classifier(gamma=1e9),
    "binary, single leaves, imbalanced": classifier(gamma=1e9, share=0.1, base_score=0.3),
    "binary, no tree": classifier(n_estimators=0),
    "binary, no tree, base_score 0.3": classifier(n_estimators=0, base_score=0.3),
    "binary, pruned": classifier(tree_method="exact", gamma=1.5, max_depth=7),
    "binary, exact": classifier(tree_method="exact"),
    "binary, approx": classifier(tree_method="approx"),
    "binary, max_bin 16": classifier(max_bin=16),
    "binary, lossguide": classifier(grow_policy="lossguide", max_leaves=24, max_depth=0),
    "binary, monotone": classifier(monotone_constraints={"a": 1, "c": -1}),
    "binary, interactions": classifier(interaction_constraints=[["a", "b"], ["c", "d", "e", "f"]]),
    "binary, subsampled": classifier(subsample=0.5, colsample_bytree=0.5, colsample_bynode=0.5),
    "binary, regularised": classifier(reg_alpha=1.0, reg_lambda=5.0, max_delta_step=0.3, min_child_weight=5),
    "binary, extreme margins": classifier(learning_rate=3.0, n_estimators=60, reg_lambda=0, max_delta_step=50),
    "binary, many rounds": many_rounds,
    "binary, 3 parallel trees": classifier(num_parallel_tree=3, subsample=0.7),
    "binary, random forest": regressor(cls=xgb.XGBRFClassifier, target=binary),
    "binary, hinge": classifier(objective="binary:hinge"),
    "binary, hinge, imbalanced": classifier(objective="binary:hinge", share=0.1),
    "binary, logitraw": classifier(objective="binary:logitraw"),
    "binary, logitraw, base_score 0.3": classifier(objective="binary:logitraw", base_score=0.3),
    "binary, reg:logistic": classifier(objective="reg:logistic"),
    "binary, softprob of two": classifier(objective="multi:softprob", num_class=2),
    "binary, softmax of two": classifier(objective="multi:softmax", num_class=2),
    "binary, custom objective": classifier(objective=logistic_loss),
    "binary, dart": classifier(**_DART),
    "binary, dart, nothing dropped": classifier(booster="dart", rate_drop=0.0),
    "binary, gblinear": classifier(**_LINEAR),
    "binary, early stopping": stopped(xgb.XGBClassifier, binary),
    "binary, early stopping, 4 parallel trees": stopped(xgb.XGBClassifier, binary, num_parallel_tree=4),
    "binary, early stopping, dart": stopped(xgb.XGBClassifier, binary, **_DART),
    "binary, early stopping at the first round": stopped(
        xgb.XGBClassifier, binary, learning_rate=2.0, max_depth=9
    ),
    "binary, continued": continued(xgb.XGBClassifier),
    "binary, continued, parallel trees": continued(xgb.XGBClassifier, num_parallel_tree=2),
    "binary, constant column": constant_column,
    "binary, one class": one_class,
    "binary, 40 columns": wide_columns,
    "binary, from a matrix without names": unnamed,
    "binary, subclass": lambda: fitted(Subclass(**SMALL), table(), binary(table())),
    # several classes
    "classes": multiclass(),
    "classes, 11 of them": multiclass(classes=11),
    "classes, one tree": multiclass(n_estimators=1),
    "classes, base_score 0.5": multiclass(base_score=0.5),
    "classes, base_score by class": multiclass(base_score=[0.1, 0.2, -0.3, 0.4]),
    "classes, softmax": multiclass(objective="multi:softmax"),
    "classes, softmax, early stopping": stopped(xgb.XGBClassifier, several, objective="multi:softmax"),
    "classes, 3 parallel trees": multiclass(num_parallel_tree=3, subsample=0.7),
    "classes, random forest": multiclass(cls=xgb.XGBRFClassifier),
    "classes, early stopping": stopped(xgb.XGBClassifier, several),
    "classes, early stopping, parallel trees": stopped(xgb.XGBClassifier, several, num_parallel_tree=2),
    "classes, dart": multiclass(**_DART),
    "classes, gblinear": multiclass(**_LINEAR),
    "classes, multi_output_tree": multiclass(multi_strategy="multi_output_tree"),
    "classes, single leaves": multiclass(gamma=1e9),
    "classes, no tree": multiclass(n_estimators=0),
    "labels, one tree a label": regressor(cls=xgb.XGBClassifier, target=flags),
    "labels, multi_output_tree": regressor(
        cls=xgb.XGBClassifier, target=flags, multi_strategy="multi_output_tree"
    ),
    "labels, dart": regressor(cls=xgb.XGBClassifier, target=flags, **_DART),
    # regressors
    "squared error": regressor(),
    "squared error, base_score 0.5": regressor(base_score=0.5),
    "squared error, base_score 1e6": regressor(base_score=1e6),
    "squared error, targets of 1e9": regressor(target=lambda frame: signal(frame) * 1e9),
    "squared error, single leaves": regressor(gamma=1e9),
    "squared error, no tree": regressor(n_estimators=0),
    "squared error, no tree, base_score 3": regressor(n_estimators=0, base_score=3.0),
    "squared error, base_margin in training": with_base_margin,
    "squared error, random forest": regressor(cls=xgb.XGBRFRegressor),
    "squared error, 3 parallel trees": regressor(num_parallel_tree=3, subsample=0.7),
    "squared error, dart": regressor(**_DART),
    "squared error, dart, forest": regressor(**_DART, normalize_type="forest"),
    "squared error, dart, weighted": regressor(**_DART, sample_type="weighted", one_drop=1, skip_drop=0.3),
    "squared error, dart, base_score 1e4": regressor(**_DART, base_score=1e4),
    "squared error, gblinear": regressor(**_LINEAR),
    "squared error, gblinear, no missing values": regressor(**_LINEAR, gaps=0),
    "squared error, gblinear, coordinates": regressor(
        **_LINEAR, updater="coord_descent", feature_selector="greedy"
    ),
    "squared error, gblinear, 300 rounds": many_linear_rounds,
    "squared error, early stopping": stopped(xgb.XGBRegressor, signal),
    "squared error, early stopping, parallel trees": stopped(xgb.XGBRegressor, signal, num_parallel_tree=3),
    "squared error, custom objective": regressor(objective=mean_error),
    "squared log error": regressor(objective="reg:squaredlogerror", target=positive),
    "pseudo-Huber": regressor(objective="reg:pseudohubererror"),
    "absolute error": regressor(objective="reg:absoluteerror"),
    "quantile": regressor(objective="reg:quantileerror", quantile_alpha=0.7),
    "quantiles": regressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]),
    "quantiles, dart": regressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.9], **_DART),
    "logistic regressor": regressor(objective="reg:logistic", target=binary),
    "binary:logistic regressor": regressor(objective="binary:logistic", target=binary),
    "binary:logitraw regressor": regressor(objective="binary:logitraw", target=binary),
    "binary:hinge regressor": regressor(objective="binary:hinge", target=binary),
    "Poisson": regressor(objective="count:poisson", target=positive),
    "Poisson, base_score 3": regressor(objective="count:poisson", target=positive, base_score=3.0),
    "Poisson, dart": regressor(objective="count:poisson", target=positive, **_DART),
    "Poisson, gblinear": regressor(objective="count:poisson", target=positive, **_LINEAR),
    "gamma": regressor(objective="reg:gamma", target=positive),
    "Tweedie": regressor(objective="reg:tweedie", target=positive, tweedie_variance_power=1.3),
    "Cox": regressor(objective="survival:cox", target=cox),
    "several targets": regressor(target=targets),
    "several targets, base_score": regressor(target=targets, base_score=2.0),
    "several targets, parallel trees": regressor(target=targets, num_parallel_tree=2),
    "several targets, early stopping": stopped(xgb.XGBRegressor, targets),
    "several targets, dart": regressor(target=targets, **_DART),
    "several targets, gblinear": regressor(target=targets, **_LINEAR),
    "several targets, no tree": regressor(target=targets, n_estimators=0),
    "several targets, absolute error": regressor(target=targets, objective="reg:absoluteerror"),
    "several targets, multi_output_tree": regressor(target=targets, multi_strategy="multi_output_tree"),
    "several targets, multi_output_tree, early stopping": stopped(
        xgb.XGBRegressor, targets, multi_strategy="multi_output_tree"
    ),
    "several targets, multi_output_tree, parallel trees": regressor(
        target=targets, multi_strategy="multi_output_tree", num_parallel_tree=2
    ),
    # rankers and survival
    "rank:ndcg": ranker("rank:ndcg"),
    "rank:pairwise": ranker("rank:pairwise"),
    "rank:map": ranker("rank:map"),
    "accelerated failure time": aft,
    # Boosters
    "Booster, binary:logistic": booster("binary:logistic", binary),
    "Booster, binary:logitraw": booster("binary:logitraw", binary),
    "Booster, binary:hinge": booster("binary:hinge", binary),
    "Booster, multi:softprob": booster("multi:softprob", several, num_class=4),
    "Booster, multi:softmax": booster("multi:softmax", several, num_class=4),
    "Booster, multi:softprob, parallel trees": booster(
        "multi:softprob", several, num_class=4, num_parallel_tree=2
    ),
    "Booster, reg:squarederror": booster("reg:squarederror"),
    "Booster, reg:logistic": booster("reg:logistic", binary),
    "Booster, reg:tweedie": booster("reg:tweedie", positive),
    "Booster, reg:gamma, in memory": in_memory_json,
    "Booster, count:poisson": booster("count:poisson", positive),
    "Booster, survival:cox": booster("survival:cox", cox),
    "Booster, several targets": booster("reg:squarederror", targets),
    "Booster, multi_output_tree": booster("reg:squarederror", targets, multi_strategy="multi_output_tree"),
    "Booster, dart": booster("reg:squarederror", **_DART),
    "Booster, dart, classes": booster("multi:softprob", several, num_class=4, **_DART),
    "Booster, gblinear": booster("reg:squarederror", booster="gblinear"),
    "Booster, custom objective": custom_booster,
    "Booster, early stopping keeps all trees": stopped_booster,
    "Booster, sliced": sliced(3, 11),
    "Booster, sliced with a step": sliced(1, 19, 3),
    "Booster of a classifier that stopped early": booster_of(stopped(xgb.XGBClassifier, binary)),
    # names
    "names f5 to f0": renamed("f5", "f4", "f3", "f2", "f1", "f0"),
    "names 5 to 0": renamed("5", "4", "3", "2", "1", "0"),
    "names with blanks and accents": renamed("age in years", "größe", "prix €", "日数", "a/b", "x y z"),
    "names of outputs": renamed("label", "probabilities", "prediction", "features", "margin", "Cast_0"),
    "names like f1_x": renamed("f1_x", "f1", "feature", "f", "F1", "f01"),
    # dtypes
    "bool, integers and floats": of_types(mixed_types),
    "nullable columns": of_types(nullable),
    "Arrow columns": of_types(arrow),
    "float64 columns": of_types(lambda frame: frame.astype("float64") * 1.1),
    "float16 columns": of_types(lambda frame: frame[["a", "b", "c"]].astype("float16")),
    "integers beyond 2^24": of_types(big_integers(100_003, 2**24)),
    "milliseconds since 1970": of_types(big_integers(7_777_777, 1_700_000_000_000), tree_method="exact"),
    "integers, midpoint thresholds": of_types(lambda frame: frame.rank().astype("int64"), tree_method="exact"),
    # missing
    "missing -999": of_types(marked(-999.0), missing=-999.0),
    "missing 0": of_types(marked(0.0), missing=0.0),
    "missing 0.1": of_types(marked(0.1), missing=0.1),
    "missing -1 among integers": of_types(lambda frame: marked(-1)(frame.round().astype("int64")), missing=-1),
    "missing -999, gblinear": of_types(marked(-999.0), missing=-999.0, **_LINEAR),
    # categories
    "categories, one-hot": with_categories(max_cat_to_onehot=1000),
    "categories, partitions": with_categories(max_cat_to_onehot=1),
    "categories, no missing values": with_categories(max_cat_to_onehot=1, frame={"gaps": 0.0}),
    "categories, large sets": with_categories(max_cat_to_onehot=1, max_cat_threshold=300, frame=_CATEGORY_SIZES),
    "categories, 1500 of them": with_categories(
        max_cat_to_onehot=1, max_cat_threshold=2000, n_estimators=4, frame={"sizes": (1500,), "integers": 0}
    ),
    "categories, binary": with_categories(xgb.XGBClassifier, binary, max_cat_to_onehot=1),
    "categories, classes": with_categories(xgb.XGBClassifier, several, max_cat_to_onehot=1),
    "categories, dart": with_categories(max_cat_to_onehot=1, **_DART),
    "categories, parallel trees": with_categories(max_cat_to_onehot=1, num_parallel_tree=3, subsample=0.6),
    "categories, several targets": with_categories(target=targets, max_cat_to_onehot=1),
    "categories, approx": with_categories(max_cat_to_onehot=1, tree_method="approx"),
    "categories, lossguide, pruned": with_categories(max_cat_to_onehot=4, grow_policy="lossguide", gamma=0.5),
    "categories, integers alone": with_categories(max_cat_to_onehot=1, frame={"sizes": (), "integers": 30}),
    "categories named like an output": with_categories(max_cat_to_onehot=1, frame={"name": "label"}),
    "categories with accents": with_categories(max_cat_to_onehot=1, frame={"suffix": " é日本"}),
    "categories, missing -999": with_categories(max_cat_to_onehot=1, missing=-999.0),
    "categories, Booster": booster_of(with_categories(max_cat_to_onehot=1)),
    "categories in another order": reordered,
    "categories as codes": coded_booster,
    "categories as many codes": lambda: coded_booster(400),
    # loaded
    "classifier from JSON": through(classifier(), reload(".json", xgb.XGBClassifier)),
    "classifier from UBJ": through(multiclass(), reload(".ubj", xgb.XGBClassifier)),
    "classifier from a pickle": through(classifier(missing=-999.0), pickled),
    "classifier from UBJ, early stopping": through(
        stopped(xgb.XGBClassifier, binary), reload(".ubj", xgb.XGBClassifier)
    ),
    "softmax classifier from JSON": through(
        multiclass(objective="multi:softmax"), reload(".json", xgb.XGBClassifier)
    ),
    "Tweedie regressor from UBJ": through(
        regressor(objective="reg:tweedie", target=positive), reload(".ubj", xgb.XGBRegressor)
    ),
    "dart regressor from JSON": through(regressor(**_DART), reload(".json", xgb.XGBRegressor)),
    "linear regressor from JSON": through(regressor(**_LINEAR), reload(".json", xgb.XGBRegressor)),
    "ranker from UBJ": through(ranker("rank:ndcg"), reload(".ubj", xgb.XGBRanker)),
    "Booster of a classifier's JSON": through(classifier(), reload(".json", xgb.Booster)),
    "Booster from UBJ": through(booster("reg:squarederror", targets), reload(".ubj", xgb.Booster)),
    "Booster from a pickle": through(booster("count:poisson", positive), pickled),
    "categories from JSON": through(with_categories(max_cat_to_onehot=1), reload(".json", xgb.XGBRegressor)),
    "categories from a pickle": through(with_categories(max_cat_to_onehot=1), pickled),
}
