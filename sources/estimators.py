"""The estimators that a recipe may train, and how a recipe becomes one."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recipe import Preprocessing, Recipe

ESTIMATORS: Mapping[str, str] = {
    "sklearn.ensemble.ExtraTreesClassifier": "classifier",
    "sklearn.ensemble.ExtraTreesRegressor": "regressor",
    "sklearn.ensemble.GradientBoostingClassifier": "classifier",
    "sklearn.ensemble.GradientBoostingRegressor": "regressor",
    "sklearn.ensemble.HistGradientBoostingClassifier": "classifier",
    "sklearn.ensemble.HistGradientBoostingRegressor": "regressor",
    "sklearn.ensemble.RandomForestClassifier": "classifier",
    "sklearn.ensemble.RandomForestRegressor": "regressor",
    "sklearn.linear_model.ElasticNet": "regressor",
    "sklearn.linear_model.Lasso": "regressor",
    "sklearn.linear_model.LinearRegression": "regressor",
    "sklearn.linear_model.LogisticRegression": "classifier",
    "sklearn.linear_model.Ridge": "regressor",
    "sklearn.tree.DecisionTreeClassifier": "classifier",
    "sklearn.tree.DecisionTreeRegressor": "regressor",
    "xgboost.XGBClassifier": "classifier",
    "xgboost.XGBRFClassifier": "classifier",
    "xgboost.XGBRFRegressor": "regressor",
    "xgboost.XGBRegressor": "regressor",
}
"""Import path to kind. Nothing else is imported, whatever a recipe says."""

_OF_CLASSIFIERS = {"auc", "brier", "log_loss", "calibration_error", "accuracy"}
_OURS = {"random_state", "n_jobs", "nthread", "early_stopping_rounds", "callbacks", "device"}


def is_classifier(recipe: Recipe) -> bool:
    """Whether the recipe trains a classifier."""
    return ESTIMATORS[recipe.model.estimator] == "classifier"


def check_estimator(recipe: Recipe) -> None:
    """The estimator, its parameters and what stands around it fit together.

    Raises:
        UsageError: They do not.
    """
    path = recipe.model.estimator
    if path not in ESTIMATORS:
        raise UsageError(f"{path!r} is not among the estimators that a recipe may train: {', '.join(ESTIMATORS)}")
    named = {*recipe.model.params, *(recipe.search.params if recipe.search else ())}
    if ours := sorted(named & _OURS):
        raise UsageError(f"{', '.join(ours)} cannot be set in params: the recipe's seed and early_stopping say it")
    known = _parameters(path)
    if unknown := sorted(named - known):
        raise UsageError(
            f"{path} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known - _OURS))}"
        )
    if recipe.calibration and not is_classifier(recipe):
        raise UsageError(f"{path} is a regressor: calibration is for classifiers")
    wrong = sorted(name for name in recipe.gates if (name in _OF_CLASSIFIERS) != is_classifier(recipe))
    if wrong:
        raise UsageError(f"{path} is a {ESTIMATORS[path]}: it has no {', '.join(wrong)} for a gate to look at")
    if recipe.early_stopping and path not in {"xgboost.XGBClassifier", "xgboost.XGBRegressor"}:
        raise UsageError(f"{path} has no early stopping here: XGBClassifier and XGBRegressor have")


def _class(path: str) -> Any:  # ruff: ignore[ANN401] - an estimator class
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _parameters(path: str) -> set[str]:
    names = set(_class(path)._get_param_names())  # ruff: ignore[SLF001] - what scikit-learn's own get_params reads
    parents = [parent for parent in _class(path).__mro__ if parent.__module__.startswith("xgboost")]
    for parent in parents:  # the wrappers take their base's parameters through **kwargs
        names |= set(inspect.signature(parent.__init__).parameters)
    return names - {"self", "kwargs", "args"}


def estimator(recipe: Recipe, params: Mapping[str, Any]) -> Any:  # ruff: ignore[ANN401] - an estimator
    """The bare estimator with `params`, seeded, on one thread: more would add up in another order.

    Raises:
        UsageError: A parameter has a value that it cannot have.
    """
    kind = _class(recipe.model.estimator)
    known = _parameters(recipe.model.estimator)
    fixed = {key: value for key, value in {"random_state": recipe.seed, "n_jobs": 1}.items() if key in known}
    if recipe.model.estimator == "sklearn.linear_model.LogisticRegression":
        fixed.pop("n_jobs")
    try:
        return kind(**fixed, **recipe.model.params | dict(params))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{recipe.model.estimator} cannot be made: {error}") from error


def columns_step(preprocessing: Preprocessing, features: tuple[str, ...], seed: int) -> Any:  # ruff: ignore[ANN401]
    """The `ColumnTransformer` of a recipe: numeric columns first, then the encoded ones."""
    from sklearn.compose import ColumnTransformer  # ruff: ignore[PLC0415] - loads only when a recipe is trained

    categorical = preprocessing.categorical
    texts = categorical.columns if categorical else ()
    numbers = [name for name in features if name not in texts]
    steps: list[tuple[str, Any, list[str]]] = []
    if numbers:
        steps.append(("numeric", _numeric(preprocessing), numbers))
    if categorical:
        steps.append(("categorical", _categorical(preprocessing, seed), list(texts)))
    return ColumnTransformer(steps, sparse_threshold=0, verbose_feature_names_out=False)


def _numeric(preprocessing: Preprocessing) -> Any:  # ruff: ignore[ANN401] - a transformer
    from sklearn.impute import SimpleImputer  # ruff: ignore[PLC0415] - loads only when a recipe is trained
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler  # ruff: ignore[PLC0415] - as above

    scalers = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
    numeric = preprocessing.numeric
    steps: list[Any] = []
    if numeric.impute:
        steps.append(SimpleImputer(strategy=numeric.impute))
    if numeric.scale:
        steps.append(scalers[numeric.scale]())
    return _chain(steps)


def _categorical(preprocessing: Preprocessing, seed: int) -> Any:  # ruff: ignore[ANN401] - a transformer
    from sklearn.impute import SimpleImputer  # ruff: ignore[PLC0415] - loads only when a recipe is trained
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder  # ruff: ignore[PLC0415] - as above

    categorical = preprocessing.categorical
    if categorical is None:
        raise AssertionError("called only where there are categorical columns")
    steps: list[Any] = []
    if categorical.impute:
        fill = "missing" if categorical.impute == "constant" else None
        steps.append(SimpleImputer(strategy=categorical.impute, fill_value=fill))
    encoders: dict[str, Any] = {
        "onehot": lambda: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        "ordinal": lambda: OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        ),
        "target": lambda: TargetEncoder().set_params(random_state=seed),
    }
    return _chain([*steps, encoders[categorical.encode]()])


def _chain(steps: list[Any]) -> Any:  # ruff: ignore[ANN401] - a transformer
    from sklearn.pipeline import make_pipeline  # ruff: ignore[PLC0415] - loads only when a recipe is trained

    if not steps:
        return "passthrough"
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def assembled(recipe: Recipe, params: Mapping[str, Any], *, calibrated: bool) -> Any:  # ruff: ignore[ANN401] - an estimator
    """The estimator with its preprocessing before it and, when `calibrated`, its calibration around both."""
    from sklearn.calibration import CalibratedClassifierCV  # ruff: ignore[PLC0415] - loads only when a recipe is trained
    from sklearn.pipeline import Pipeline  # ruff: ignore[PLC0415] - as above

    model = estimator(recipe, params)
    if recipe.preprocessing is not None:
        columns = columns_step(recipe.preprocessing, recipe.features, recipe.seed)
        model = Pipeline([("columns", columns), ("model", model)])
    if calibrated and recipe.calibration is not None:
        model = CalibratedClassifierCV(model, method=recipe.calibration.method, cv=recipe.calibration.cv, n_jobs=1)
    return model
