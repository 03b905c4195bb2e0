"""Estimators with other parameters than their own: kernels, metrics, losses, functions and their inverses."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import KernelPCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Exponentiation,
    ExpSineSquared,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, TweedieRegressor
from sklearn.multiclass import OutputCodeClassifier
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC, SVR, NuSVR, OneClassSVM
from sklearn_estimators import TRAINED, features, target

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

Model = Any
_TWO, _THREE, _NUMBER = "two classes", "three classes", "a number"


def _process(kernel: Any) -> Model:
    return GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None)


def _apart(x: Any, y: Any, **_: Any) -> float:
    return float(np.nansum(np.abs(x - y)))


def _mapped(function: Any, **more: Any) -> Model:
    """The function of rows between 0.1 and 0.9."""
    return make_pipeline(
        MinMaxScaler((0.1, 0.9), clip=True), FunctionTransformer(function, **more), StandardScaler(), Ridge()
    )


def _back(transformer: Any) -> Model:
    return TransformedTargetRegressor(Ridge(), transformer=transformer)


def _product(kernel: Any = None) -> Any:
    return ConstantKernel(2.0) * (RBF(3.0) if kernel is None else kernel)


VARIANTS: dict[str, tuple[Callable[[], Model], str]] = {
    # support vectors
    "SVC, linear": (lambda: SVC(kernel="linear"), _TWO),
    "SVC, polynomial": (lambda: make_pipeline(StandardScaler(), SVC(kernel="poly", coef0=1.0)), _THREE),
    "SVC, sigmoid": (lambda: make_pipeline(StandardScaler(), SVC(kernel="sigmoid", gamma=0.1)), _TWO),
    "SVC, one against one": (lambda: SVC(decision_function_shape="ovo"), _THREE),
    "SVC, ties broken": (lambda: SVC(break_ties=True), _THREE),
    "SVR, linear": (lambda: make_pipeline(StandardScaler(), SVR(kernel="linear")), _NUMBER),
    "NuSVR, polynomial of degree 2": (
        lambda: make_pipeline(StandardScaler(), NuSVR(kernel="poly", degree=2)),
        _NUMBER,
    ),
    "OneClassSVM, linear": (lambda: OneClassSVM(kernel="linear"), _NUMBER),
    # kernels
    **{
        f"kernel ridge, {kernel}": (
            lambda kernel=kernel: make_pipeline(StandardScaler(), KernelRidge(kernel=kernel, alpha=0.5)),
            _NUMBER,
        )
        for kernel in ("linear", "rbf", "laplacian", "cosine", "polynomial", "sigmoid")
    },
    "kernel ridge, power 1.5": (
        lambda: make_pipeline(
            MinMaxScaler(clip=True), KernelRidge(kernel="poly", degree=1.5, coef0=1.0, alpha=0.5)
        ),
        _NUMBER,
    ),
    **{
        f"kernel components, {kernel}": (
            lambda kernel=kernel: make_pipeline(StandardScaler(), KernelPCA(3, kernel=kernel), Ridge()),
            _NUMBER,
        )
        for kernel in ("linear", "poly", "cosine")
    },
    "Nystroem, polynomial": (
        lambda: make_pipeline(
            StandardScaler(), Nystroem("poly", degree=2, n_components=9, random_state=0), Ridge()
        ),
        _NUMBER,
    ),
    "chi square, two steps": (
        lambda: make_pipeline(MinMaxScaler(clip=True), AdditiveChi2Sampler(sample_steps=2), Ridge()),
        _NUMBER,
    ),
    "chi square, its own interval": (
        lambda: make_pipeline(
            MinMaxScaler(clip=True), AdditiveChi2Sampler(sample_steps=3, sample_interval=0.3), Ridge()
        ),
        _NUMBER,
    ),
    # Gaussian processes
    "process, Matern 0.5": (lambda: _process(_product(Matern(3.0, nu=0.5))), _NUMBER),
    "process, Matern 1.5": (lambda: _process(Matern([1.0, 2, 3, 4, 5, 6], nu=1.5)), _NUMBER),
    "process, Matern 2.5": (lambda: _process(Matern(3.0, nu=2.5)), _NUMBER),
    "process, Matern of infinity": (lambda: _process(Matern(3.0, nu=np.inf)), _NUMBER),
    "process, rational": (lambda: _process(RationalQuadratic(2.0, alpha=0.7)), _NUMBER),
    "process, sum": (lambda: _process(_product() + WhiteKernel(0.2) + DotProduct(0.5)), _NUMBER),
    "process, power": (lambda: _process(Exponentiation(RBF(2.0), 2)), _NUMBER),
    # linear models
    "gradient descent, modified Huber": (
        lambda: make_pipeline(StandardScaler(), SGDClassifier("modified_huber", random_state=0)),
        _TWO,
    ),
    "gradient descent, modified Huber, classes": (
        lambda: make_pipeline(StandardScaler(), SGDClassifier("modified_huber", random_state=0)),
        _THREE,
    ),
    "gradient descent, logistic, classes": (
        lambda: make_pipeline(StandardScaler(), SGDClassifier("log_loss", random_state=0)),
        _THREE,
    ),
    "Tweedie, identity": (lambda: TweedieRegressor(power=0, link="identity"), _NUMBER),
    # neighbours
    **{
        f"neighbours, {metric}": (
            lambda metric=metric: KNeighborsClassifier(metric=metric, weights="distance"),
            _THREE,
        )
        for metric in ("manhattan", "euclidean")
    },
    "neighbours, cubes": (lambda: KNeighborsRegressor(p=3), _NUMBER),
    "neighbours, all compared": (
        lambda: make_pipeline(StandardScaler(), KNeighborsRegressor(algorithm="brute")),
        _NUMBER,
    ),
    "around, by distance": (lambda: RadiusNeighborsRegressor(50.0, weights="distance"), _NUMBER),
    "around, with a class for outliers": (
        lambda: make_pipeline(StandardScaler(), RadiusNeighborsClassifier(1.0, outlier_label=1)),
        _THREE,
    ),
    "imputer of neighbours, with indicator": (
        lambda: make_pipeline(KNNImputer(n_neighbors=3, add_indicator=True), Ridge()),
        _NUMBER,
    ),
    # constants
    **{
        f"dummy, {strategy}": (lambda strategy=strategy: DummyClassifier(strategy=strategy), _THREE)
        for strategy in ("prior", "most_frequent")
    },
    "dummy, constant class": (lambda: DummyClassifier(strategy="constant", constant=1), _THREE),
    "dummy, median": (lambda: DummyRegressor(strategy="median"), _NUMBER),
    "dummy, quantile": (lambda: DummyRegressor(strategy="quantile", quantile=0.3), _NUMBER),
    # functions
    **{
        f"function {getattr(function, '__name__', function)}": (
            lambda function=function: _mapped(function),
            _NUMBER,
        )
        for function in (
            np.abs,
            np.ceil,
            np.exp,
            np.exp2,
            np.expm1,
            np.fabs,
            np.floor,
            np.log,
            np.log10,
            np.log1p,
            np.log2,
            np.negative,
            np.positive,
            np.reciprocal,
            np.rint,
            np.sign,
            np.sin,
            np.sqrt,
            np.square,
            np.tanh,
            expit,
            logit,
        )
    },
    "function isnan": (
        lambda: make_pipeline(FunctionTransformer(np.isnan), Ridge()),
        _NUMBER,
    ),
    "function none, validated": (lambda: _mapped(None, validate=True), _NUMBER),
    "function clip": (lambda: _mapped(np.clip, kw_args={"a_min": 0.2, "a_max": 0.7}), _NUMBER),
    "function clip from below": (lambda: _mapped(np.clip, kw_args={"min": 0.2, "max": None}), _NUMBER),
    # targets and scalers that go back
    "target, standardised": (lambda: _back(StandardScaler()), _NUMBER),
    "target, standardised without mean": (lambda: _back(StandardScaler(with_mean=False)), _NUMBER),
    "target, standardised without spread": (lambda: _back(StandardScaler(with_std=False)), _NUMBER),
    "target, min max": (lambda: _back(MinMaxScaler((-1, 3))), _NUMBER),
    "target, max abs": (lambda: _back(MaxAbsScaler()), _NUMBER),
    "target, robust": (lambda: _back(RobustScaler()), _NUMBER),
    "target, robust without spread": (lambda: _back(RobustScaler(with_scaling=False)), _NUMBER),
    "target, by function": (
        lambda: TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.tanh, check_inverse=False),
        _NUMBER,
    ),
    "scaler without spread": (
        lambda: make_pipeline(
            FeatureUnion([("a", StandardScaler(with_std=False)), ("b", RobustScaler(with_centering=False))]),
            Ridge(),
        ),
        _NUMBER,
    ),
    "scaler without anything": (
        lambda: make_pipeline(RobustScaler(with_centering=False, with_scaling=False), Ridge()),
        _NUMBER,
    ),
    # codes in which all classes agree about a bit
    "output code, constant bits": (
        lambda: make_pipeline(
            StandardScaler(), OutputCodeClassifier(LogisticRegression(), code_size=5, random_state=0)
        ),
        _THREE,
    ),
}

REFUSED: dict[str, tuple[Callable[[], Model], str, str]] = {
    "SVC with a kernel of one's own": (
        lambda: SVC(kernel=lambda x, y: x @ y.T),
        _TWO,
        "code of the project's own",
    ),
    "kernel ridge, chi2": (
        lambda: make_pipeline(MinMaxScaler(), KernelRidge(kernel="chi2", gamma=0.1)),
        _NUMBER,
        "the kernel 'chi2'",
    ),
    "kernel ridge with parameters": (
        lambda: KernelRidge(kernel=lambda x, y: float(x @ y), kernel_params={}),
        _NUMBER,
        "the kernel",
    ),
    "process, Matern of another order": (lambda: _process(Matern(3.0, nu=1.0)), _NUMBER, "Bessel"),
    "process, periodic": (
        lambda: GaussianProcessRegressor(ExpSineSquared(), alpha=1e3, optimizer=None),
        _NUMBER,
        "ExpSineSquared",
    ),
    "neighbours, chebyshev": (lambda: KNeighborsClassifier(metric="chebyshev"), _TWO, "metric 'chebyshev'"),
    "neighbours, weights of one's own": (
        lambda: KNeighborsClassifier(weights=lambda distances: distances + 1.0),
        _TWO,
        "code of the project's own",
    ),
    "around, another class for outliers": (
        lambda: RadiusNeighborsClassifier(30.0, outlier_label=9),
        _TWO,
        "none of its classes",
    ),
    "imputer of neighbours, a metric of one's own": (
        lambda: make_pipeline(KNNImputer(metric=_apart), Ridge()),
        _NUMBER,
        "code of the project's own",
    ),
    "propagation from neighbours": (lambda: LabelPropagation(kernel="knn"), _TWO, "the kernel 'knn'"),
    "dummy, stratified": (lambda: DummyClassifier(strategy="stratified"), _TWO, "random"),
    "dummy, uniform": (lambda: DummyClassifier(strategy="uniform"), _TWO, "random"),
    "function of one's own": (lambda: _mapped(lambda x: x), _NUMBER, "code of the project's own"),
    "function that is not known": (lambda: _mapped(np.arctan), _NUMBER, "code of the project's own"),
    "function clip by columns": (
        lambda: _mapped(np.clip, kw_args={"a_min": np.zeros(6), "a_max": 1.0}),
        _NUMBER,
        "bounds that are no numbers",
    ),
    "targets together": (lambda: _back(StandardScaler()), "two numbers", "several targets"),
}


def rows(name: str) -> pd.DataFrame:
    """Rows for the variant: some have gaps."""
    data = features("")
    gaps = name.startswith("imputer") or name == "function isnan"
    return data.mask(np.random.default_rng(1).random(data.shape) < 0.1) if gaps else data


def fitted(build: Callable[[], Model], goal: str, data: pd.DataFrame) -> Model:
    """The model, trained on the first rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build().fit(data[:TRAINED], _goal(goal)[:TRAINED])


def _goal(kind: str) -> Any:
    if kind == "two numbers":
        return target("RegressorChain", "regressor", several=False)
    return target("", None if kind == _NUMBER else "classifier", several=kind == _THREE)
