"""Calibrated models, ensembles and trees, and all cases by name."""

from __future__ import annotations

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
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
from sklearn.impute import SimpleImputer
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
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    PowerTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn_cases import (
    FEW,
    Case,
    boost,
    boost_mean,
    columns,
    encoded,
    forest,
    imputed,
    logistic,
    one_hot,
    ordinal,
    scaled,
)
from sklearn_data import MIXED, NUMBERS, TEXTS
from xgboost import XGBRFClassifier, XGBRFRegressor


def calibrated() -> dict[str, Case]:
    """Calibration over XGBoost and over pipelines, and moved thresholds."""
    found: dict[str, Case] = {}
    for method in ("sigmoid", "isotonic", "temperature"):
        for ensemble in (True, False):
            name = f"calibrated {method}{', ensemble' if ensemble else ''}"
            found[name] = (CalibratedClassifierCV(boost(), method=method, cv=3, ensemble=ensemble), MIXED, "win")
        found[f"calibrated {method}, three classes"] = (
            CalibratedClassifierCV(boost(), method=method, cv=3),
            NUMBERS,
            "class",
        )
        found[f"calibrated {method}, logistic"] = (
            CalibratedClassifierCV(logistic(), method=method, cv=3),
            NUMBERS,
            "name",
        )
    found["win probability"] = (CalibratedClassifierCV(boost(), method="isotonic", cv=5), MIXED, "win")
    found["calibrated pipeline of mixed columns"] = (
        CalibratedClassifierCV(make_pipeline(columns(one_hot()), boost()), method="isotonic", cv=3),
        NUMBERS + TEXTS,
        "win",
    )
    found["calibrated margin"] = (
        CalibratedClassifierCV(
            make_pipeline(SimpleImputer(), StandardScaler(), LinearSVC()), method="isotonic", cv=3
        ),
        NUMBERS,
        "win",
    )
    found["calibrated search"] = (
        CalibratedClassifierCV(GridSearchCV(boost(), {"max_depth": [2, 3]}, cv=2), cv=2),
        NUMBERS,
        "win",
    )
    for threshold in (0.3, np.float64(0.3), np.float32(0.3)):
        found[f"threshold of {type(threshold).__name__}"] = (
            FixedThresholdClassifier(boost(), threshold=threshold),
            NUMBERS,
            "win",
        )
    found["threshold for the other label"] = (
        FixedThresholdClassifier(logistic(), threshold=0.3, pos_label=0),
        NUMBERS,
        "win",
    )
    found["threshold of a margin"] = (
        FixedThresholdClassifier(logistic(), threshold=0.3, response_method="decision_function"),
        NUMBERS,
        "win",
    )
    found["tuned threshold"] = (TunedThresholdClassifierCV(boost(), cv=3), NUMBERS, "win")
    found["grid search"] = (GridSearchCV(logistic(), {"logisticregression__C": [0.1, 1]}, cv=2), NUMBERS, "win")
    found["random search"] = (
        RandomizedSearchCV(
            make_pipeline(StandardScaler(), boost()), {"xgbclassifier__max_depth": [2, 3]}, n_iter=2, cv=2
        ),
        NUMBERS,
        "win",
    )
    return found


def put_together() -> dict[str, Case]:
    """Ensembles and several outputs."""
    pair = [("a", boost()), ("b", forest())]
    means = [("a", boost_mean()), ("b", make_pipeline(SimpleImputer(), Ridge()))]
    found: dict[str, Case] = {
        "soft vote": (VotingClassifier(pair, voting="soft"), NUMBERS, "win"),
        "soft vote of XGBoost, weighted": (
            VotingClassifier([("a", boost()), ("b", boost(max_depth=2))], voting="soft", weights=[1, 2]),
            NUMBERS,
            "class",
        ),
        "hard vote": (VotingClassifier([*pair, ("c", logistic())]), NUMBERS, "class"),
        "hard vote, weighted": (VotingClassifier(pair, weights=[1, 2.5]), NUMBERS, "win"),
        "mean vote": (VotingRegressor(means), NUMBERS, "value"),
        "stack": (StackingClassifier(pair, LogisticRegression(), cv=2), NUMBERS, "win"),
        "stack of three classes": (
            StackingClassifier([("a", logistic()), ("b", forest())], LogisticRegression(), cv=2),
            NUMBERS,
            "name",
        ),
        "stack, passed through": (
            StackingClassifier(pair, boost(n_estimators=5), cv=2, passthrough=True),
            NUMBERS,
            "win",
        ),
        "stack of labels": (
            StackingClassifier(pair, LogisticRegression(), cv=2, stack_method="predict"),
            NUMBERS,
            "class",
        ),
        "stack of means": (StackingRegressor(means, cv=2), NUMBERS, "value"),
        "bag": (BaggingClassifier(boost(n_estimators=5), 4, random_state=0), NUMBERS, "win"),
        "bag of some columns": (
            BaggingClassifier(boost(n_estimators=5), 4, max_features=0.7, random_state=0),
            NUMBERS,
            "win",
        ),
        "bag of margins": (
            BaggingClassifier(make_pipeline(SimpleImputer(), LinearSVC()), 3, random_state=0),
            NUMBERS,
            "name",
        ),
        "bag of means": (
            BaggingRegressor(boost_mean(n_estimators=5), 4, max_features=0.7, random_state=0),
            NUMBERS,
            "value",
        ),
        "boosted stumps": (
            AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=15, random_state=0),
            ["f3", "f1", "count"],
            "name",
        ),
        "boosted XGBoost": (
            AdaBoostClassifier(boost(n_estimators=3, max_depth=1), n_estimators=4, random_state=0),
            ["f3", "f1"],
            "win",
        ),
        "boosted medians": (AdaBoostRegressor(n_estimators=10, random_state=0), ["f3", "f1", "count"], "value"),
        "one against the rest": (OneVsRestClassifier(boost()), NUMBERS, "name"),
        "one against one": (OneVsOneClassifier(boost()), NUMBERS, "name"),
        "chain": (ClassifierChain(LogisticRegression()), ["f3", "f1"], ["win", "other"]),
        "chain of XGBoost": (ClassifierChain(boost()), ["f3", "f1"], ["win", "other"]),
        "chain of means": (RegressorChain(Ridge(), order=[1, 0]), ["f3", "f1"], ["value", "positive"]),
        "a mean a target": (MultiOutputRegressor(boost_mean()), NUMBERS, ["value", "positive"]),
        "a label a target": (MultiOutputClassifier(boost()), NUMBERS, ["win", "other"]),
        "target as logarithm": (
            TransformedTargetRegressor(boost_mean(), func=np.log1p, inverse_func=np.expm1),
            NUMBERS,
            "positive",
        ),
        "target standardised": (
            TransformedTargetRegressor(boost_mean(), transformer=StandardScaler()),
            NUMBERS,
            "value",
        ),
        "target by quantiles of power": (
            TransformedTargetRegressor(make_pipeline(SimpleImputer(), Ridge()), transformer=PowerTransformer()),
            NUMBERS,
            "value",
        ),
    }
    return found


def trees() -> dict[str, Case]:
    """Trees of scikit-learn, XGBoost's other estimators behind steps; missing values, categories, losses."""
    found: dict[str, Case] = {
        "tree with missing values": (DecisionTreeClassifier(max_depth=8, random_state=0), NUMBERS, "name"),
        "mean tree with missing values": (DecisionTreeRegressor(max_depth=8, random_state=0), NUMBERS, "value"),
        "forest with missing values": (RandomForestClassifier(20, random_state=0), MIXED, "name"),
        "mean forest of two targets": (RandomForestRegressor(10, random_state=0), MIXED, ["value", "positive"]),
        "extra trees": (ExtraTreesClassifier(20, random_state=0), MIXED, "win"),
        "gradient boosting": (make_pipeline(SimpleImputer(), GradientBoostingClassifier(**FEW)), NUMBERS, "win"),
        "gradient boosting of three classes": (
            make_pipeline(SimpleImputer(), GradientBoostingClassifier(**FEW)),
            NUMBERS,
            "name",
        ),
        "gradient boosting, exponential": (
            make_pipeline(SimpleImputer(), GradientBoostingClassifier(loss="exponential", **FEW)),
            NUMBERS,
            "win",
        ),
        "gradient boosting of means, huber": (
            make_pipeline(SimpleImputer(), GradientBoostingRegressor(loss="huber", **FEW)),
            NUMBERS,
            "value",
        ),
        "histograms": (HistGradientBoostingClassifier(max_iter=15, random_state=0), MIXED, "win"),
        "histograms of three classes": (
            HistGradientBoostingClassifier(max_iter=10, random_state=0),
            MIXED,
            "name",
        ),
        "histograms, categories by dtype": (
            HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, random_state=0),
            [*MIXED, "stage category", "city category", "region"],
            "win",
        ),
        "histograms, categories by position": (
            make_pipeline(
                ColumnTransformer(
                    [("texts", ordinal(unknown_value=np.nan, encoded_missing_value=np.nan), TEXTS)],
                    remainder="passthrough",
                ),
                HistGradientBoostingClassifier(
                    max_iter=15, min_samples_leaf=5, categorical_features=[0, 1, 2], random_state=0
                ),
            ),
            MIXED + TEXTS,
            "win",
        ),
        "XGBoost random forest": (
            make_pipeline(SimpleImputer(), XGBRFClassifier(n_estimators=8, random_state=0)),
            NUMBERS,
            "win",
        ),
        "XGBoost random forest of means": (
            make_pipeline(SimpleImputer(), XGBRFRegressor(n_estimators=8, random_state=0)),
            NUMBERS,
            "value",
        ),
        "XGBoost, other missing value": (
            make_pipeline(SimpleImputer(strategy="constant", fill_value=-999), boost(missing=-999)),
            NUMBERS,
            "win",
        ),
        "XGBoost of three classes": (make_pipeline(SimpleImputer(), boost()), NUMBERS, "class"),
        "support vectors": (make_pipeline(SimpleImputer(), StandardScaler(), SVC()), NUMBERS, "name"),
        "neighbours": (
            make_pipeline(SimpleImputer(), StandardScaler(), KNeighborsClassifier(weights="distance")),
            NUMBERS,
            "name",
        ),
    }
    for loss in ("squared_error", "absolute_error", "poisson", "gamma", "quantile"):
        model = HistGradientBoostingRegressor(
            max_iter=10, loss=loss, quantile=0.3 if loss == "quantile" else None, random_state=0
        )
        found[f"histograms of means, {loss}"] = (model, MIXED, "positive")
    for objective in ("reg:tweedie", "count:poisson", "reg:logistic", "reg:pseudohubererror"):
        target = "win" if objective == "reg:logistic" else "positive"
        found[f"XGBoost {objective}"] = (
            make_pipeline(SimpleImputer(), boost_mean(objective=objective)),
            NUMBERS,
            target,
        )
    return found


def cases() -> dict[str, Case]:
    """All of them by name."""
    return {**scaled(), **imputed(), **encoded(), **calibrated(), **put_together(), **trees()}
