"""Pipelines whose graphs must answer as they do: name to model, feature columns and target."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    RandomForestClassifier,
)
from sklearn.experimental import enable_iterative_imputer as _  # ruff: ignore[F401] - makes IterativeImputer importable
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier
from sklearn_data import MIXED, NUMBERS, TEXTS
from xgboost import XGBClassifier, XGBRegressor

Case = tuple[Any, list[str], "str | list[str]"]

SEEDED = {"n_estimators": 15, "max_depth": 4, "random_state": 0, "n_jobs": 1}
FEW = {"n_estimators": 8, "max_depth": 5, "random_state": 0}


def boost(**more: Any) -> XGBClassifier:
    return XGBClassifier(**{**SEEDED, **more})


def boost_mean(**more: Any) -> XGBRegressor:
    return XGBRegressor(**{**SEEDED, **more})


def logistic() -> Pipeline:
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(**FEW)


def columns(texts: Any, **more: Any) -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)], **more)


def one_hot(**more: Any) -> OneHotEncoder:
    return OneHotEncoder(**{"handle_unknown": "ignore", **more})


def ordinal(**more: Any) -> OrdinalEncoder:
    return OrdinalEncoder(**{"handle_unknown": "use_encoded_value", "unknown_value": -1, **more})


def scaled() -> dict[str, Case]:
    """Every numeric step before XGBoost, which flips splits where the step is computed in another precision."""
    steps = {
        "standard": StandardScaler(),
        "standard, no mean": StandardScaler(with_mean=False),
        "min max, clipped": MinMaxScaler(clip=True),
        "max abs": MaxAbsScaler(),
        "robust": RobustScaler(),
        "normalizer l2": Normalizer(),
        "normalizer l1": Normalizer("l1"),
        "normalizer max": Normalizer("max"),
        "binarizer": Binarizer(threshold=2),
        "power": PowerTransformer(),
        "quantiles, normal": QuantileTransformer(n_quantiles=200, output_distribution="normal"),
        "quantiles, uniform": QuantileTransformer(n_quantiles=50),
        "splines, constant": SplineTransformer(),
        "splines, linear": SplineTransformer(extrapolation="linear", include_bias=False),
        "splines, periodic": SplineTransformer(extrapolation="periodic", degree=2),
        "splines, continue": SplineTransformer(extrapolation="continue", degree=1),
        "polynomials": PolynomialFeatures(2),
        "interactions": PolynomialFeatures((2, 3), interaction_only=True, include_bias=False),
        "bins, one-hot": KBinsDiscretizer(6, quantile_method="averaged_inverted_cdf"),
        "bins, ordinal": KBinsDiscretizer(40, encode="ordinal", strategy="uniform"),
        "bins, dense": KBinsDiscretizer(5, encode="onehot-dense", strategy="kmeans"),
        "components": PCA(3),
        "components, whitened": PCA(2, whiten=True),
        "best columns": SelectKBest(k=2),
        "variance": VarianceThreshold(),
        "square root": FunctionTransformer(np.abs),
        "union": FeatureUnion([("a", StandardScaler()), ("b", PCA(2))], transformer_weights={"a": 2.0}),
        "nothing": "passthrough",
    }
    found: dict[str, Case] = {
        f"{name} before XGBoost": (
            Pipeline([("fill", SimpleImputer()), ("step", step), ("model", boost())]),
            NUMBERS,
            "win",
        )
        for name, step in steps.items()
    }
    found["standard with missing values before XGBoost"] = (
        make_pipeline(StandardScaler(), boost()),
        NUMBERS,
        "win",
    )
    found["epoch seconds before XGBoost"] = (make_pipeline(StandardScaler(), boost()), ["epoch", "f3"], "win")
    found["standard before a deep tree"] = (
        make_pipeline(SimpleImputer(), StandardScaler(), DecisionTreeClassifier(max_depth=12, random_state=0)),
        NUMBERS,
        "win",
    )
    found["epoch seconds before a forest"] = (make_pipeline(StandardScaler(), forest()), ["epoch", "f3"], "name")
    found["logarithm of scaled columns"] = (
        make_pipeline(MinMaxScaler(), FunctionTransformer(np.log1p), boost()),
        NUMBERS,
        "win",
    )
    found["integers and booleans among numbers"] = (
        make_pipeline(SimpleImputer(), StandardScaler(), boost()),
        MIXED,
        "win",
    )
    found["box-cox"] = (
        make_pipeline(MinMaxScaler((1, 2)), PowerTransformer("box-cox"), boost()),
        ["f3", "clean"],
        "win",
    )
    found["single precision columns"] = (make_pipeline(StandardScaler(), boost()), ["small", "single"], "win")
    found["single and double precision columns"] = (
        make_pipeline(StandardScaler(), boost()),
        ["small", "amount"],
        "win",
    )
    return found


def imputed() -> dict[str, Case]:
    """Imputers and indicators."""
    steps = {
        "mean": SimpleImputer(),
        "median with indicator": SimpleImputer(strategy="median", add_indicator=True),
        "constant": SimpleImputer(strategy="constant", fill_value=-1),
        "most frequent": SimpleImputer(strategy="most_frequent"),
        "neighbours": KNNImputer(n_neighbors=3),
        "neighbours by distance": KNNImputer(n_neighbors=4, weights="distance", add_indicator=True),
        "iterative": IterativeImputer(max_iter=3, random_state=0, tol=1e9),
        "indicator beside": FeatureUnion([("fill", SimpleImputer()), ("mask", MissingIndicator())]),
    }
    found: dict[str, Case] = {
        f"{name} imputer": (make_pipeline(step, Ridge()), NUMBERS, "value") for name, step in steps.items()
    }
    frequent = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot())
    constant = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), one_hot(), boost())
    for name in (
        "neighbours",
        "neighbours by distance",
    ):  # of unscaled columns the source's own distances are noise
        found[f"{name} imputer"] = (make_pipeline(StandardScaler(), steps[name], Ridge()), NUMBERS, "value")
    found["most frequent string"] = (make_pipeline(frequent, LogisticRegression()), ["stage", "city"], "win")
    found["constant string before XGBoost"] = (constant, ["stage", "city"], "win")
    return found


def encoded() -> dict[str, Case]:
    """Categories, in front of XGBoost and of a linear model; sparse ones where the source keeps them sparse."""
    texts = {
        "ignore": one_hot(),
        "dense": one_hot(sparse_output=False),
        "drop first": OneHotEncoder(drop="first", handle_unknown="ignore"),
        "drop if binary": OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
        "infrequent": OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20),
        "infrequent, drop": OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="first"),
        "infrequent, ignore": one_hot(max_categories=3),
        "error": OneHotEncoder(
            categories=[
                ["lead", "won", "lost", "négocié", np.nan],
                ["EU", "US", "APAC"],
                [*(f"c{i}" for i in range(20)), np.nan],
            ]
        ),
    }
    found: dict[str, Case] = {}
    for name, encoder in texts.items():
        found[f"one-hot {name}, XGBoost"] = (make_pipeline(columns(encoder), boost()), MIXED + TEXTS, "win")
    for name, encoder in {
        "ordinal": ordinal(),
        "ordinal, missing as -2": ordinal(encoded_missing_value=-2),
        "ordinal, infrequent": ordinal(min_frequency=20, encoded_missing_value=-3),
        "ordinal, unknown as NaN": ordinal(unknown_value=np.nan),
        "target": TargetEncoder(random_state=0, cv=3),
    }.items():
        found[f"{name}, XGBoost"] = (
            make_pipeline(columns(encoder, remainder="passthrough"), boost()),
            MIXED + TEXTS,
            "win",
        )
    found["sparse one-hot alone"] = (make_pipeline(one_hot(), boost()), TEXTS, "win")
    found["sparse one-hot beside numbers"] = (
        make_pipeline(columns(one_hot(), sparse_threshold=1.0), boost()),
        NUMBERS + TEXTS,
        "win",
    )
    found["dense by threshold"] = (
        make_pipeline(columns(one_hot(), sparse_threshold=0.0), boost()),
        NUMBERS + TEXTS,
        "win",
    )
    found["one-hot, logistic"] = (make_pipeline(columns(one_hot()), LogisticRegression()), NUMBERS + TEXTS, "name")
    found["one-hot of integers"] = (
        make_pipeline(
            ColumnTransformer([("shop", one_hot(), ["shop", "flag"])], remainder="passthrough"), boost()
        ),
        ["shop", "flag", "f3"],
        "win",
    )
    found["target of three classes"] = (
        make_pipeline(TargetEncoder(random_state=0, cv=3), boost()),
        TEXTS,
        "class",
    )
    found["target of numbers"] = (make_pipeline(TargetEncoder(random_state=0, cv=3), boost_mean()), TEXTS, "value")
    found["columns by dtype"] = (
        make_pipeline(
            ColumnTransformer(
                [("texts", ordinal(), make_column_selector(dtype_include=["object", "str", "category"]))],
                remainder="passthrough",
            ),
            boost(),
        ),
        MIXED + TEXTS,
        "win",
    )
    found["raw numbers with missing values"] = (
        make_pipeline(
            ColumnTransformer([("texts", one_hot(sparse_output=False), TEXTS)], remainder="passthrough"), boost()
        ),
        MIXED + TEXTS,
        "win",
    )
    found["output as a data frame"] = (
        make_pipeline(columns(one_hot(sparse_output=False)).set_output(transform="pandas"), boost()),
        NUMBERS + TEXTS,
        "win",
    )
    found["output as a data frame, short names"] = (
        make_pipeline(
            columns(one_hot(sparse_output=False), verbose_feature_names_out=False).set_output(transform="pandas"),
            boost(),
        ),
        NUMBERS + TEXTS,
        "win",
    )
    found["weighted, some dropped"] = (
        make_pipeline(
            ColumnTransformer(
                [("a", StandardScaler(), ["amount"]), ("b", "drop", ["f1"]), ("c", "passthrough", ["f3"])],
                transformer_weights={"a": 3.0},
            ),
            boost(),
        ),
        NUMBERS,
        "win",
    )
    found["categories through to XGBoost"] = (
        make_pipeline(
            ColumnTransformer([("fill", SimpleImputer(), NUMBERS)], remainder="passthrough").set_output(
                transform="pandas"
            ),
            boost(enable_categorical=True),
        ),
        [*NUMBERS, "stage category", "city category"],
        "win",
    )
    return found
