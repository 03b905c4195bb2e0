"""What a model file may name: onnxport's own allow-list, never the model's.

A pickle is a program. It is opened only where the caller allows pickles, and then only by the names below: types
that are made without a call to their constructor, functions and types that may be called, and names that a model
only holds. `skops` files are held to the same idea through `SKOPS_TYPES`.

What the list promises is that opening runs no code of the file's choosing. It cannot promise that numpy, pyarrow
or a Cython class survives a forged state; so `onnxport.pipelines` opens pickles in a process of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .access import SourceAccess

Use = Literal["make", "call", "hold"]
"""What opening may do with a name: make an instance, call it, or only hold it as a value."""

_XGBOOST_WRAPPERS = frozenset(
    f"xgboost.sklearn.{name}"
    for name in ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor", "XGBModel")
)
XGBOOST_TYPES = _XGBOOST_WRAPPERS | {"xgboost.core.Booster"}
"""The classes that an MLflow `xgboost` model may be of."""

_LIGHTGBM = frozenset(
    f"lightgbm.{name}"
    for name in ("basic.Booster", "sklearn.LGBMClassifier", "sklearn.LGBMRegressor", "sklearn.LGBMRanker")
)
_CATBOOST = frozenset(
    f"catboost.core.{name}" for name in ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
)

_SKLEARN_PARTS = frozenset(
    {
        "sklearn._loss.link.HalfLogitLink",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogLink",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.AbsoluteError",
        "sklearn._loss.loss.ExponentialLoss",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfGammaLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfPoissonLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn._loss.loss.HuberLoss",
        "sklearn._loss.loss.PinballLoss",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
    }
)

_MADE = (
    XGBOOST_TYPES
    | _LIGHTGBM
    | _CATBOOST
    | _SKLEARN_PARTS
    | {
        "numpy.ma.MaskedArray",
        "pandas.CategoricalDtype",
        "pandas.Int64Dtype",
        "pandas.arrays.ArrowStringArray",
        "pandas.core.dtypes.dtypes.CategoricalDtype",
        "pandas.core.arrays.integer.Int64Dtype",
        "pandas.core.arrays.string_arrow.ArrowStringArray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
    }
)

_CALLED = frozenset(
    {
        "_codecs.encode",  # how protocols 0 to 2 write bytes
        "builtins.bytearray",
        "builtins.bytes",
        "builtins.complex",
        "builtins.dict",
        "builtins.frozenset",
        "builtins.list",
        "builtins.range",
        "builtins.set",
        "builtins.slice",
        "builtins.tuple",
        "collections.OrderedDict",
        "collections.defaultdict",
        "copyreg._reconstructor",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.dtype",
        "numpy.ma.core._mareconstruct",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._pickle.__generator_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
        "pandas.StringDtype",
        "pandas.core.arrays.string_.StringDtype",
        "pandas.core.indexes.base._new_Index",
        "pyarrow.lib._restore_array",
        "pyarrow.lib.py_buffer",
        "pyarrow.lib.type_for_alias",
        "sklearn._loss._loss.CyAbsoluteError",
        "sklearn._loss._loss.CyExponentialLoss",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfGammaLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfPoissonLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss._loss.CyHalfTweedieLoss",
        "sklearn._loss._loss.CyHalfTweedieLossIdentity",
        "sklearn._loss._loss.CyHuberLoss",
        "sklearn._loss._loss.CyPinballLoss",
        "sklearn.linear_model._sgd_fast.EpsilonInsensitive",
        "sklearn.linear_model._sgd_fast.Hinge",
        "sklearn.linear_model._sgd_fast.Log",
        "sklearn.linear_model._sgd_fast.ModifiedHuber",
        "sklearn.linear_model._sgd_fast.SquaredHinge",
        "sklearn.linear_model._sgd_fast.SquaredLoss",
        "sklearn.tree._tree.Tree",
    }
)

_HELD = frozenset(
    {
        "builtins.bool",
        "builtins.float",
        "builtins.int",
        "builtins.object",
        "builtins.str",
        "numpy.bool",
        "numpy.bool_",
        "numpy.float32",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.mean",
        "numpy.ndarray",
        "numpy.object_",
        "numpy.random._mt19937.MT19937",
        "numpy.random._pcg64.PCG64",
        "numpy.random.bit_generator.SeedSequence",
        "numpy.str_",
        "numpy.expm1",
        "numpy.log",
        "numpy.log10",
        "numpy.log1p",
        "numpy.log2",
        "numpy.sqrt",
        "numpy.exp",
        "pandas.Index",
        "pandas.NA",
        "pandas.RangeIndex",
        "pandas._libs.missing.NA",
        "pandas.core.indexes.base.Index",
        "pandas.core.indexes.range.RangeIndex",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
    }
)

SKOPS_TYPES = (
    _MADE
    | {name for name in _CALLED if name.startswith("sklearn.")}
    | {"numpy.dtype", "collections.OrderedDict", "collections.defaultdict"}
)
"""What a `skops` file may hold beyond the estimators and arrays that `skops` itself vouches for."""

_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_NOT_MODELS = frozenset({"tests", "conftest", "externals", "datasets", "_build_utils", "utils", "_testing"})


def canonical(module: str, name: str) -> str:
    """The one spelling of `module.name` that the lists above use, whatever version wrote it."""
    module = _RENAMED.get(module, module)
    if module == "numpy.core" or module.startswith("numpy.core."):
        module = module.replace("numpy.core", "numpy._core", 1)
    return f"{module}.{name}"


def use_of(module: str, name: str, access: SourceAccess) -> Use | Literal["estimator"] | None:
    """What opening may do with `module.name`; `None` where it is not allowed.

    `"estimator"`: a name of scikit-learn that may be made if it turns out to be an estimator class.
    """
    spelled = canonical(module, name)
    if "." in name or not name.isidentifier():  # `a.b` walks attributes: a way around every list
        return None
    if is_users(module, access):
        return "call"
    if spelled in _CALLED:
        return "call"
    if spelled in _MADE:
        return "make"
    if spelled in _HELD:
        return "hold"
    parts = module.split(".")
    if parts[0] == "sklearn" and len(parts) > 1 and not _NOT_MODELS.intersection(parts):
        return "estimator"
    return None


def is_users(module: str, access: SourceAccess) -> bool:
    """Whether the caller allowed `module` by name, itself or a package that holds it."""
    return any(module == allowed or module.startswith(f"{allowed}.") for allowed in access.allow_modules)
