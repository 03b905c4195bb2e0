"""Every estimator of `sklearn.utils.all_estimators()`, fitted on rows that it takes, as a model that predicts."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv as _halving  # ruff: ignore[F401] - makes them importable
from sklearn.experimental import enable_iterative_imputer as _iterative  # ruff: ignore[F401] - makes it importable
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators, get_tags

TRAINED, ROWS = 300, 1_500

_CLASSIFIER, _REGRESSOR = LogisticRegression(), Ridge()
_TWO_CLASSIFIERS = [("a", _CLASSIFIER), ("b", DecisionTreeClassifier(max_depth=3))]
_TWO_REGRESSORS = [("a", _REGRESSOR), ("b", DecisionTreeRegressor(max_depth=3))]
_SEARCH = {"estimator": _CLASSIFIER, "cv": 3}
_OVER_REGRESSORS = (
    "MultiOutputRegressor",
    "RFE",
    "RFECV",
    "RegressorChain",
    "SelectFromModel",
    "SequentialFeatureSelector",
)
ARGUMENTS: dict[str, dict[str, Any]] = {
    **{
        name: {"estimator": _CLASSIFIER}
        for name in (
            "ClassifierChain",
            "MultiOutputClassifier",
            "OneVsOneClassifier",
            "OneVsRestClassifier",
            "SelfTrainingClassifier",
        )
    },
    **{
        name: {"estimator": _REGRESSOR}
        for name in (
            "MultiOutputRegressor",
            "RFE",
            "RFECV",
            "RegressorChain",
            "SelectFromModel",
            "SequentialFeatureSelector",
        )
    },
    **{name: {"n_components": 1} for name in ("CCA", "PLSCanonical", "PLSRegression", "PLSSVD")},
    **{name: {"n_components": 3} for name in ("GaussianRandomProjection", "SparseRandomProjection")},
    **{name: {"radius": 30.0} for name in ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor")},
    **{name: {"max_iter": 8} for name in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")},
    "CalibratedClassifierCV": _SEARCH,
    "CategoricalNB": {"min_categories": 8},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1])], "remainder": "passthrough"},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", MinMaxScaler())]},
    "FixedThresholdClassifier": {"estimator": _CLASSIFIER, "threshold": 0.3},
    "GridSearchCV": {**_SEARCH, "param_grid": {"C": [0.1, 1]}},
    "HalvingGridSearchCV": {**_SEARCH, "param_grid": {"C": [0.1, 1]}},
    "HalvingRandomSearchCV": {**_SEARCH, "param_distributions": {"C": [0.1, 1]}},
    "LocalOutlierFactor": {"novelty": True},
    "OutputCodeClassifier": {"estimator": _CLASSIFIER, "code_size": 3},
    "Pipeline": {"steps": [("scale", StandardScaler()), ("model", _REGRESSOR)]},
    "RandomizedSearchCV": {**_SEARCH, "param_distributions": {"C": [0.1, 1]}, "n_iter": 2},
    "StackingClassifier": {"estimators": _TWO_CLASSIFIERS, "cv": 3},
    "StackingRegressor": {"estimators": _TWO_REGRESSORS, "cv": 3},
    "TransformedTargetRegressor": {"regressor": _REGRESSOR, "transformer": StandardScaler()},
    "TunedThresholdClassifierCV": _SEARCH,
    "VotingClassifier": {"estimators": _TWO_CLASSIFIERS, "voting": "soft"},
    "VotingRegressor": {"estimators": _TWO_REGRESSORS},
}
_POSITIVE = frozenset(
    {
        "AdditiveChi2Sampler",
        "ComplementNB",
        "LatentDirichletAllocation",
        "MultinomialNB",
        "NMF",
        "SkewedChi2Sampler",
        "TfidfTransformer",
    }
)
_WHOLE = frozenset({"CategoricalNB", "OneHotEncoder", "OrdinalEncoder"})
_TWO_TARGETS = frozenset({"MultiOutputRegressor", "RegressorChain"})
_RATES = frozenset({"GammaRegressor", "PoissonRegressor", "TweedieRegressor"})
_BY_CLASS = frozenset({"LinearDiscriminantAnalysis", "NeighborhoodComponentsAnalysis", "TargetEncoder"})
_SELECTORS = frozenset(
    {"GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest", "SelectPercentile"}
)


def estimators() -> dict[str, type]:
    """Class by name."""
    return dict(all_estimators())


def features(name: str) -> pd.DataFrame:
    """Rows that the estimator takes: of any numbers, positive ones, or small whole ones."""
    rng = np.random.default_rng(3)
    size = TRAINED + ROWS
    if name == "KernelCenterer":
        return pd.DataFrame(rng.normal(size=(size, TRAINED)), columns=[f"k{index}" for index in range(TRAINED)])
    data = pd.DataFrame({f"a{index}": rng.normal(index, 1 + index, size) for index in range(5)})
    data["a5"] = rng.exponential(2, size)
    if name in _WHOLE:
        return data.abs().round().clip(0, 3).astype(int)
    if name == "MissingIndicator":
        return data.mask(rng.random(data.shape) < 0.1)
    if name == "IsotonicRegression":
        return data[["a0"]]
    return data.abs() if name in _POSITIVE else data


def target(name: str, kind: str | None, *, several: bool) -> Any:
    """What the estimator learns from the rows of `features`: two classes or several, one number or two."""
    data = features("")
    score = data["a0"] + 0.5 * data["a1"] - 0.3 * data["a2"] + 0.2 * data["a5"]
    value = score + np.random.default_rng(4).normal(0, 0.1, len(score))
    classes = np.digitize(score, [-0.5, 1]) if several else (score > 0.5).astype(int).to_numpy()
    if name in {"ClassifierChain", "MultiOutputClassifier"}:
        return np.column_stack([classes, data["a1"] > 1]).astype(int)
    if name in _TWO_TARGETS or name.startswith("MultiTask"):
        return np.column_stack([value, np.exp(0.3 * value)])
    if kind == "classifier" or name in _BY_CLASS or name in _SELECTORS or "Search" in name:
        return classes
    return np.exp(0.3 * value).to_numpy() if name in _RATES else value.to_numpy()


def build(name: str) -> Any:
    """The estimator, small and seeded."""
    arguments = dict(ARGUMENTS.get(name, {}))
    cls = estimators()[name]
    if name == "FrozenEstimator":
        return FrozenEstimator(
            LogisticRegression().fit(features(name)[:TRAINED], target(name, "classifier", several=True)[:TRAINED])
        )
    known = inspect.signature(cls.__init__).parameters
    if "random_state" in known:
        arguments["random_state"] = 0
    if known.get("n_estimators") is not None and known["n_estimators"].default is not None:
        arguments["n_estimators"] = 8
    return cls(**arguments)


def models(name: str) -> list[Any]:
    """The estimator, fitted, if it predicts; if it transforms, in front of a ridge regression."""
    estimator = build(name)
    kind = get_tags(estimator).estimator_type
    several = (
        [False, True]
        if kind == "classifier" and name not in {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
        else [False]
    )
    several = [False] if name in {"ClassifierChain", "MultiOutputClassifier"} else several
    rows = features(name)[:TRAINED]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for many in several:
            goal = target(name, kind, several=many)[:TRAINED]
            if hasattr(estimator, "predict") or "Search" in name or "Stacking" in name or "Voting" in name:
                found.append(estimator if name == "FrozenEstimator" else clone(estimator).fit(rows, goal))
            elif name == "PLSSVD":  # in a pipeline it would answer the target's scores too
                found.append(
                    make_pipeline(FrozenEstimator(clone(estimator).fit(rows, goal)), Ridge()).fit(rows, goal)
                )
        if not found or name in {"Birch", "KMeans", "LinearDiscriminantAnalysis"}:
            found.append(
                make_pipeline(clone(estimator), Ridge()).fit(rows, target(name, kind, several=False)[:TRAINED])
            )
    return found
