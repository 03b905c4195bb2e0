"""The pipelines whose graphs must answer as they do: name to model, feature columns and target."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_iterative_imputer as _  # ruff: ignore[F401] - makes IterativeImputer importable
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsClassifier
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
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn_data import MIXED, NUMBERS, TEXTS
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

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
        f"{name} before XGBoost": (Pipeline([("fill", SimpleImputer()), ("step", step), ("model", boost())]), NUMBERS, "win")
        for name, step in steps.items()
    }
    found["standard with missing values before XGBoost"] = (make_pipeline(StandardScaler(), boost()), NUMBERS, "win")
    found["epoch seconds before XGBoost"] = (make_pipeline(StandardScaler(), boost()), ["epoch", "f3"], "win")
    found["standard before a deep tree"] = (make_pipeline(SimpleImputer(), StandardScaler(), DecisionTreeClassifier(max_depth=12, random_state=0)), NUMBERS, "win")
    found["epoch seconds before a forest"] = (make_pipeline(StandardScaler(), forest()), ["epoch", "f3"], "name")
    found["logarithm of scaled columns"] = (make_pipeline(MinMaxScaler(), FunctionTransformer(np.log1p), boost()), NUMBERS, "win")
    found["integers and booleans among numbers"] = (make_pipeline(SimpleImputer(), StandardScaler(), boost()), MIXED, "win")
    found["box-cox"] = (make_pipeline(MinMaxScaler((1, 2)), PowerTransformer("box-cox"), boost()), ["f3", "clean"], "win")
    found["single precision columns"] = (make_pipeline(StandardScaler(), boost()), ["small", "single"], "win")
    found["single and double precision columns"] = (make_pipeline(StandardScaler(), boost()), ["small", "amount"], "win")
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
    found: dict[str, Case] = {f"{name} imputer": (make_pipeline(step, Ridge()), NUMBERS, "value") for name, step in steps.items()}
    frequent = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot())
    constant = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), one_hot(), boost())
    for name in ("neighbours", "neighbours by distance"):  # of unscaled columns the source's own distances are noise
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
        "error": OneHotEncoder(categories=[["lead", "won", "lost", "négocié", np.nan], ["EU", "US", "APAC"], [*(f"c{i}" for i in range(20)), np.nan]]),
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
        found[f"{name}, XGBoost"] = (make_pipeline(columns(encoder, remainder="passthrough"), boost()), MIXED + TEXTS, "win")
    found["sparse one-hot alone"] = (make_pipeline(one_hot(), boost()), TEXTS, "win")
    found["sparse one-hot beside numbers"] = (make_pipeline(columns(one_hot(), sparse_threshold=1.0), boost()), NUMBERS + TEXTS, "win")
    found["dense by threshold"] = (make_pipeline(columns(one_hot(), sparse_threshold=0.0), boost()), NUMBERS + TEXTS, "win")
    found["one-hot, logistic"] = (make_pipeline(columns(one_hot()), LogisticRegression()), NUMBERS + TEXTS, "name")
    found["one-hot of integers"] = (make_pipeline(ColumnTransformer([("shop", one_hot(), ["shop", "flag"])], remainder="passthrough"), boost()), ["shop", "flag", "f3"], "win")
    found["target of three classes"] = (make_pipeline(TargetEncoder(random_state=0, cv=3), boost()), TEXTS, "class")
    found["target of numbers"] = (make_pipeline(TargetEncoder(random_state=0, cv=3), boost_mean()), TEXTS, "value")
    found["columns by dtype"] = (make_pipeline(ColumnTransformer([("texts", ordinal(), make_column_selector(dtype_include=["object", "str", "category"]))], remainder="passthrough"), boost()), MIXED + TEXTS, "win")
    found["raw numbers with missing values"] = (make_pipeline(ColumnTransformer([("texts", one_hot(sparse_output=False), TEXTS)], remainder="passthrough"), boost()), MIXED + TEXTS, "win")
    found["output as a data frame"] = (make_pipeline(columns(one_hot(sparse_output=False)).set_output(transform="pandas"), boost()), NUMBERS + TEXTS, "win")
    found["output as a data frame, short names"] = (make_pipeline(columns(one_hot(sparse_output=False), verbose_feature_names_out=False).set_output(transform="pandas"), boost()), NUMBERS + TEXTS, "win")
    found["weighted, some dropped"] = (make_pipeline(ColumnTransformer([("a", StandardScaler(), ["amount"]), ("b", "drop", ["f1"]), ("c", "passthrough", ["f3"])], transformer_weights={"a": 3.0}), boost()), NUMBERS, "win")
    found["categories through to XGBoost"] = (make_pipeline(ColumnTransformer([("fill", SimpleImputer(), NUMBERS)], remainder="passthrough").set_output(transform="pandas"), boost(enable_categorical=True)), [*NUMBERS, "stage category", "city category"], "win")
    return found


def calibrated() -> dict[str, Case]:
    """Calibration over XGBoost and over pipelines, and moved thresholds."""
    found: dict[str, Case] = {}
    for method in ("sigmoid", "isotonic", "temperature"):
        for ensemble in (True, False):
            name = f"calibrated {method}{', ensemble' if ensemble else ''}"
            found[name] = (CalibratedClassifierCV(boost(), method=method, cv=3, ensemble=ensemble), MIXED, "win")
        found[f"calibrated {method}, three classes"] = (CalibratedClassifierCV(boost(), method=method, cv=3), NUMBERS, "class")
        found[f"calibrated {method}, logistic"] = (CalibratedClassifierCV(logistic(), method=method, cv=3), NUMBERS, "name")
    found["win probability"] = (CalibratedClassifierCV(boost(), method="isotonic", cv=5), MIXED, "win")
    found["calibrated pipeline of mixed columns"] = (CalibratedClassifierCV(make_pipeline(columns(one_hot()), boost()), method="isotonic", cv=3), NUMBERS + TEXTS, "win")
    found["calibrated margin"] = (CalibratedClassifierCV(make_pipeline(SimpleImputer(), StandardScaler(), LinearSVC()), method="isotonic", cv=3), NUMBERS, "win")
    found["calibrated search"] = (CalibratedClassifierCV(GridSearchCV(boost(), {"max_depth": [2, 3]}, cv=2), cv=2), NUMBERS, "win")
    for threshold in (0.3, np.float64(0.3), np.float32(0.3)):
        found[f"threshold of {type(threshold).__name__}"] = (FixedThresholdClassifier(boost(), threshold=threshold), NUMBERS, "win")
    found["threshold for the other label"] = (FixedThresholdClassifier(logistic(), threshold=0.3, pos_label=0), NUMBERS, "win")
    found["threshold of a margin"] = (FixedThresholdClassifier(logistic(), threshold=0.3, response_method="decision_function"), NUMBERS, "win")
    found["tuned threshold"] = (TunedThresholdClassifierCV(boost(), cv=3), NUMBERS, "win")
    found["grid search"] = (GridSearchCV(logistic(), {"logisticregression__C": [0.1, 1]}, cv=2), NUMBERS, "win")
    found["random search"] = (RandomizedSearchCV(make_pipeline(StandardScaler(), boost()), {"xgbclassifier__max_depth": [2, 3]}, n_iter=2, cv=2), NUMBERS, "win")
    return found


def put_together() -> dict[str, Case]:
    """Ensembles and several outputs."""
    pair = [("a", boost()), ("b", forest())]
    means = [("a", boost_mean()), ("b", make_pipeline(SimpleImputer(), Ridge()))]
    found: dict[str, Case] = {
        "soft vote": (VotingClassifier(pair, voting="soft"), NUMBERS, "win"),
        "soft vote of XGBoost, weighted": (VotingClassifier([("a", boost()), ("b", boost(max_depth=2))], voting="soft", weights=[1, 2]), NUMBERS, "class"),
        "hard vote": (VotingClassifier([*pair, ("c", logistic())]), NUMBERS, "class"),
        "hard vote, weighted": (VotingClassifier(pair, weights=[1, 2.5]), NUMBERS, "win"),
        "mean vote": (VotingRegressor(means), NUMBERS, "value"),
        "stack": (StackingClassifier(pair, LogisticRegression(), cv=2), NUMBERS, "win"),
        "stack of three classes": (StackingClassifier([("a", logistic()), ("b", forest())], LogisticRegression(), cv=2), NUMBERS, "name"),
        "stack, passed through": (StackingClassifier(pair, boost(n_estimators=5), cv=2, passthrough=True), NUMBERS, "win"),
        "stack of labels": (StackingClassifier(pair, LogisticRegression(), cv=2, stack_method="predict"), NUMBERS, "class"),
        "stack of means": (StackingRegressor(means, cv=2), NUMBERS, "value"),
        "bag": (BaggingClassifier(boost(n_estimators=5), 4, random_state=0), NUMBERS, "win"),
        "bag of some columns": (BaggingClassifier(boost(n_estimators=5), 4, max_features=0.7, random_state=0), NUMBERS, "win"),
        "bag of margins": (BaggingClassifier(make_pipeline(SimpleImputer(), LinearSVC()), 3, random_state=0), NUMBERS, "name"),
        "bag of means": (BaggingRegressor(boost_mean(n_estimators=5), 4, max_features=0.7, random_state=0), NUMBERS, "value"),
        "boosted stumps": (AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=15, random_state=0), ["f3", "f1", "count"], "name"),
        "boosted XGBoost": (AdaBoostClassifier(boost(n_estimators=3, max_depth=1), n_estimators=4, random_state=0), ["f3", "f1"], "win"),
        "boosted medians": (AdaBoostRegressor(n_estimators=10, random_state=0), ["f3", "f1", "count"], "value"),
        "one against the rest": (OneVsRestClassifier(boost()), NUMBERS, "name"),
        "one against one": (OneVsOneClassifier(boost()), NUMBERS, "name"),
        "chain": (ClassifierChain(LogisticRegression()), ["f3", "f1"], ["win", "other"]),
        "chain of XGBoost": (ClassifierChain(boost()), ["f3", "f1"], ["win", "other"]),
        "chain of means": (RegressorChain(Ridge(), order=[1, 0]), ["f3", "f1"], ["value", "positive"]),
        "a mean a target": (MultiOutputRegressor(boost_mean()), NUMBERS, ["value", "positive"]),
        "a label a target": (MultiOutputClassifier(boost()), NUMBERS, ["win", "other"]),
        "target as logarithm": (TransformedTargetRegressor(boost_mean(), func=np.log1p, inverse_func=np.expm1), NUMBERS, "positive"),
        "target standardised": (TransformedTargetRegressor(boost_mean(), transformer=StandardScaler()), NUMBERS, "value"),
        "target by quantiles of power": (TransformedTargetRegressor(make_pipeline(SimpleImputer(), Ridge()), transformer=PowerTransformer()), NUMBERS, "value"),
    }
    return found


def trees() -> dict[str, Case]:
    """Trees of scikit-learn and XGBoost's other estimators behind steps; missing values, categories, every loss."""
    found: dict[str, Case] = {
        "tree with missing values": (DecisionTreeClassifier(max_depth=8, random_state=0), NUMBERS, "name"),
        "mean tree with missing values": (DecisionTreeRegressor(max_depth=8, random_state=0), NUMBERS, "value"),
        "forest with missing values": (RandomForestClassifier(20, random_state=0), MIXED, "name"),
        "mean forest of two targets": (RandomForestRegressor(10, random_state=0), MIXED, ["value", "positive"]),
        "extra trees": (ExtraTreesClassifier(20, random_state=0), MIXED, "win"),
        "gradient boosting": (make_pipeline(SimpleImputer(), GradientBoostingClassifier(**FEW)), NUMBERS, "win"),
        "gradient boosting of three classes": (make_pipeline(SimpleImputer(), GradientBoostingClassifier(**FEW)), NUMBERS, "name"),
        "gradient boosting, exponential": (make_pipeline(SimpleImputer(), GradientBoostingClassifier(loss="exponential", **FEW)), NUMBERS, "win"),
        "gradient boosting of means, huber": (make_pipeline(SimpleImputer(), GradientBoostingRegressor(loss="huber", **FEW)), NUMBERS, "value"),
        "histograms": (HistGradientBoostingClassifier(max_iter=15, random_state=0), MIXED, "win"),
        "histograms of three classes": (HistGradientBoostingClassifier(max_iter=10, random_state=0), MIXED, "name"),
        "histograms, categories by dtype": (HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, random_state=0), [*MIXED, "stage category", "city category", "region"], "win"),
        "histograms, categories by position": (make_pipeline(ColumnTransformer([("texts", ordinal(unknown_value=np.nan, encoded_missing_value=np.nan), TEXTS)], remainder="passthrough"), HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, categorical_features=[0, 1, 2], random_state=0)), MIXED + TEXTS, "win"),
        "XGBoost random forest": (make_pipeline(SimpleImputer(), XGBRFClassifier(n_estimators=8, random_state=0)), NUMBERS, "win"),
        "XGBoost random forest of means": (make_pipeline(SimpleImputer(), XGBRFRegressor(n_estimators=8, random_state=0)), NUMBERS, "value"),
        "XGBoost, other missing value": (make_pipeline(SimpleImputer(strategy="constant", fill_value=-999), boost(missing=-999)), NUMBERS, "win"),
        "XGBoost of three classes": (make_pipeline(SimpleImputer(), boost()), NUMBERS, "class"),
        "support vectors": (make_pipeline(SimpleImputer(), StandardScaler(), SVC()), NUMBERS, "name"),
        "neighbours": (make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsClassifier(weights="distance")), NUMBERS, "name"),
    }
    for loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
        model = HistGradientBoostingRegressor(max_iter=10, loss=loss, quantile=0.3 if loss == "quantile" else None, random_state=0)
        found[f"histograms of means, {loss}"] = (model, MIXED, "positive")
    for objective in ("reg:tweedie", "count:poisson", "reg:logistic", "reg:pseudohubererror"):
        target = "win" if objective == "reg:logistic" else "positive"
        found[f"XGBoost {objective}"] = (make_pipeline(SimpleImputer(), boost_mean(objective=objective)), NUMBERS, target)
    return found


def cases() -> dict[str, Case]:
    """All of them by name."""
    return {**scaled(), **imputed(), **encoded(), **calibrated(), **put_together(), **trees()}
