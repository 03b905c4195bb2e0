"""Random parameters on random data: no model of XGBoost answers otherwise than its graph."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb
from exporting import exported
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnxport.exporters.from_xgboost.estimator import read_estimator
from xgboost_parity import LINK_ULPS, MARGIN_ULPS, compare, probes

ROWS, FIT = 240, 160
MODELS = 550
"""So many in every run, other ones each time: about half a minute."""

_CLASSIFIERS = ("binary:logistic", "binary:hinge", "binary:logitraw", "reg:logistic", "multi:softprob")
_REGRESSORS = (
    "reg:squarederror",
    "reg:absoluteerror",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "count:poisson",
    "reg:gamma",
    "reg:tweedie",
    "reg:squaredlogerror",
)

objectives = st.sampled_from(_CLASSIFIERS + _REGRESSORS)
boosters = st.fixed_dictionaries({"booster": st.sampled_from(["gbtree", "gbtree", "gbtree", "dart", "gblinear"])})
trees = st.fixed_dictionaries(
    {
        "n_estimators": st.integers(0, 8),
        "max_depth": st.integers(1, 7),
        "learning_rate": st.floats(0.05, 2.0),
        "gamma": st.sampled_from([0.0, 0.0, 0.2, 3.0]),
        "min_child_weight": st.sampled_from([0.0, 1.0, 8.0]),
        "reg_lambda": st.sampled_from([0.0, 1.0]),
        "subsample": st.sampled_from([0.5, 1.0]),
        "tree_method": st.sampled_from(["hist", "approx", "exact"]),
        "num_parallel_tree": st.sampled_from([1, 1, 1, 3]),
        "max_bin": st.sampled_from([4, 256]),
        "random_state": st.integers(0, 9),
    },
    optional={
        "base_score": st.floats(0.05, 0.95),
        "rate_drop": st.floats(0.1, 0.9),
        "normalize_type": st.sampled_from(["tree", "forest"]),
        "max_cat_to_onehot": st.sampled_from([1, 4, 100]),
        "grow_policy": st.sampled_from(["depthwise", "lossguide"]),
        "scale_pos_weight": st.floats(0.2, 9.0),
    },
)
shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "numbers": st.integers(1, 5),
        "categories": st.lists(st.integers(1, 40), max_size=2),
        "gaps": st.sampled_from([0.0, 0.0, 0.1, 0.6]),
        "digits": st.sampled_from([0, 1, 6]),
        "scale": st.integers(-6, 9),
        "weights": st.booleans(),
        "targets": st.sampled_from([1, 1, 1, 3]),
        "stop": st.sampled_from([None, None, 2]),
        "missing": st.sampled_from([np.nan, np.nan, -999.0, 0.0]),
    }
)


def data(shape: dict[str, Any]) -> pd.DataFrame:
    """Rows of that shape."""
    rng = np.random.default_rng(shape["seed"])
    frame = pd.DataFrame()
    for index in range(shape["numbers"]):
        values = np.round(rng.normal(size=ROWS), shape["digits"]) * 10.0 ** shape["scale"]
        values[rng.random(ROWS) < shape["gaps"]] = shape["missing"]
        frame[f"number {index}"] = values.astype(np.float32)
    for index, size in enumerate(shape["categories"]):
        codes = rng.integers(0, size, ROWS)
        codes[rng.random(ROWS) < shape["gaps"]] = -1
        words = [f"word {word}" for word in rng.permutation(size)]
        frame[f"category {index}"] = pd.Categorical.from_codes(codes, words)
    return frame


def target(objective: str, shape: dict[str, Any]) -> np.ndarray:
    """What the objective may be trained on."""
    rng = np.random.default_rng(shape["seed"] + 1)
    score = rng.normal(size=(ROWS, shape["targets"])).cumsum(axis=1)
    if objective == "multi:softprob":
        return np.arange(ROWS) % 3
    if objective in _CLASSIFIERS:
        return (score > 0).astype(int).squeeze()
    if objective in {"count:poisson", "reg:gamma", "reg:tweedie", "reg:squaredlogerror"}:
        return np.exp(score).squeeze()
    return score.squeeze()


def trained(objective: str, params: dict[str, Any], shape: dict[str, Any]) -> tuple[Any, pd.DataFrame]:
    """A model; parameters that do not go together are left out."""
    linear = params["booster"] == "gblinear"
    if linear:
        shape |= {"categories": [], "stop": None}
        params = {key: params[key] for key in params.keys() & {"booster", "n_estimators", "base_score"}}
        params["n_estimators"] = max(params["n_estimators"], 1)
    if params["booster"] == "dart" or shape["categories"]:  # refused without a tree
        params |= {"n_estimators": max(params["n_estimators"], 1)}
    if shape["categories"]:
        params |= {"enable_categorical": True}
        params |= {"tree_method": "hist"} if params.get("tree_method") == "exact" else {}
        shape |= {"missing": np.nan if shape["missing"] == 0 else shape["missing"]}
    if params.get("grow_policy") == "lossguide" and params.get("tree_method") == "exact":
        del params["grow_policy"]
    if objective in {"multi:softprob", "binary:hinge"} or params["n_estimators"] == 0:
        shape |= {"targets": 1}
    if objective == "reg:quantileerror":
        params |= {"quantile_alpha": [0.2, 0.8] if shape["targets"] > 1 else 0.3}
        shape |= {"targets": 1}
    frame, labels = data(shape), target(objective, shape)
    cls = xgb.XGBClassifier if objective in _CLASSIFIERS else xgb.XGBRegressor
    model = cls(objective=objective, n_jobs=1, missing=shape["missing"], **params)
    fit: dict[str, Any] = {"verbose": False}
    if shape["stop"] and params["n_estimators"]:
        model.set_params(early_stopping_rounds=shape["stop"])
        fit["eval_set"] = [(frame.iloc[FIT:], labels[FIT:])]
    if shape["weights"]:
        fit["sample_weight"] = np.random.default_rng(5).random(FIT) + 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(frame.iloc[:FIT], labels[:FIT], **fit), frame


@settings(max_examples=MODELS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objective=objectives, booster=boosters, params=trees, shape=shapes, inner=st.booleans())
def test_a_random_model_answers_as_its_graph(
    objective: str, booster: dict[str, Any], params: dict[str, Any], shape: dict[str, Any], *, inner: bool
) -> None:
    wrapper, frame = trained(objective, params | booster, dict(shape))
    usable = np.isnan(wrapper.missing)  # a Booster does not know what its wrapper took for missing
    model = wrapper.get_booster() if inner and usable else wrapper
    artifact = exported(model, frame)
    found = compare(model, artifact, [frame, probes(artifact, frame, shape["seed"])])
    assert found.margin_ulps <= MARGIN_ULPS[read_estimator(model, "model").model.kind]
    assert found.output_ulps <= LINK_ULPS
    assert found.labels == 0
