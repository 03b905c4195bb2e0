"""Boosting on the workers of a Dask cluster: each bins its own rows, and they add up their histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import xgboost
from dask import dataframe
from xgboost import dask as xgboost_dask
from xgboost.collective import Config

from . import dask_tasks as tasks
from .estimators import estimator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .dask_rows import DaskRows

_QUANTILES: Final = ("hist", "auto", None)
"""Tree methods that need no more of a value than its bin, as XGBoost's own estimators have it."""
_TOGETHER_SECONDS: Final = 60
"""Until all workers have begun, and until all have ended; else one whose peer has died waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """The recipe's estimator on its rows, as the estimator's own `fit` would have it.

    Attributes:
        rows: The rows, on workers.
        head: The first of them, here.
        classes: Number of labels of a classifier; 1 for a regressor.
    """

    rows: DaskRows
    head: tasks.Pair
    classes: int

    def rehearse(self) -> None:
        """One round on the first rows is done here: what XGBoost refuses, it refuses before workers wait for it.

        Raises:
            Exception: XGBoost's own.
        """
        model = self._estimator({})
        matrix = xgboost.DMatrix(self.head[0], tasks.labels_of(self.head), **_options(model))
        # The first rows may be of one class, which has no base score.
        xgboost.train({"base_score": 0.5, **self._params(model), "nthread": 1}, matrix, 1)

    def trees(self, rounds: int) -> int:
        """How many trees are best on the validation part; after `rounds` without progress the search ends."""
        model = self._estimator({})
        validation = self.rows.validation()
        matrix = self._matrix(model, self.rows.pairs(~self.rows.held_out & ~validation))
        unseen = self._matrix(model, self.rows.pairs(validation), ref=matrix)
        found = self._train(model, matrix, evals=[(unseen, "validation_0")], early_stopping_rounds=rounds)
        return int(found.best_iteration) + 1

    def model(self, params: Mapping[str, Any]) -> Any:  # ruff: ignore[ANN401] - an estimator
        """The estimator with `params`, fitted on all training rows: XGBoost's own, without a trace of Dask."""
        model = self._estimator(params)
        booster = self._train(model, self._matrix(model, self.rows.pairs(~self.rows.held_out)))
        model.load_model(bytearray(booster.save_raw("ubj")))
        return model

    def _estimator(self, params: Mapping[str, Any]) -> Any:  # ruff: ignore[ANN401] - an estimator
        return estimator(self.rows.reading.recipe, params)

    def _matrix(self, model: Any, pairs: Mapping[int, Any], ref: Any = None) -> Any:  # ruff: ignore[ANN401] - XGBoost's
        """The rows of `pairs` as XGBoost's workers take them, each from the memory of its own process."""
        workers = self.rows.workers
        data = [
            dataframe.from_delayed(
                [workers.submit(number, task, pair) for number, pair in pairs.items()],
                meta=meta,
                verify_meta=False,
            )
            for task, meta in (
                (tasks.features_of, self.head[0].iloc[:0]),
                (tasks.labels_of, pd.Series([], dtype="float32", name=self.head[1].name)),
            )
        ]
        if model.tree_method not in _QUANTILES:
            return xgboost_dask.DaskDMatrix(workers.client, *data, **_options(model))
        bins = {"max_bin": model.max_bin, "ref": ref}
        return xgboost_dask.DaskQuantileDMatrix(workers.client, *data, **bins, **_options(model))

    def _train(self, model: Any, matrix: Any, **options: Any) -> Any:  # ruff: ignore[ANN401] - a Booster
        client, rounds = self.rows.workers.client, model.get_num_boosting_rounds()
        options |= {"verbose_eval": False, "coll_cfg": Config(tracker_timeout=_TOGETHER_SECONDS)}
        found = xgboost_dask.train(client, self._params(model), matrix, rounds, **options)
        return found["booster"]

    def _params(self, model: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - an estimator
        """The estimator's parameters as its own `fit` hands them on; the number of threads is the worker's."""
        params = {key: value for key, value in model.get_xgb_params().items() if value is not None}
        params.pop("n_jobs", None)
        if self.classes > 2:  # ruff: ignore[PLR2004] - as XGBClassifier decides it
            softmax = params.get("objective") == "multi:softmax"
            params |= {"num_class": self.classes, "objective": "multi:softmax" if softmax else "multi:softprob"}
        return params


def _options(model: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - an estimator
    return {
        "missing": model.missing,
        "enable_categorical": model.enable_categorical,
        "feature_types": model.feature_types,
    }
