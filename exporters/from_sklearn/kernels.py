"""Models of kernels: support vectors, kernel ridge, Gaussian processes, kernel maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter
from .distances import kernel, powers_sum, squared
from .linear import by_probability
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor

_BINARY = 2
_HALF_PI = float(np.pi / 2)
_CALIBRATE = "Leave probability at False and wrap it: CalibratedClassifierCV(SVC(), ensemble=False)."


def _support(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Kernel values against the support vectors, `(n, vectors)`."""
    if callable(estimator.kernel) or estimator.kernel == "precomputed":
        raise scope.refuse("its kernel is code of the project's own, or precomputed", "Use a kernel by name.")
    vectors = estimator.support_vectors_
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else vectors
    parameters = {
        "gamma": estimator._gamma,  # ruff: ignore[SLF001] - 'scale' and 'auto' as a number
        "coef0": estimator.coef0,
        "degree": estimator.degree,
    }
    return kernel(scope, estimator.kernel, scope.doubles(columns, tolerant=True), vectors, **parameters)


def _dual(estimator: Estimator) -> Column:
    dual = estimator._dual_coef_
    return np.asarray(dual.toarray() if hasattr(dual, "toarray") else dual, dtype=np.float64)


def _pairwise(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Libsvm's value for each pair of classes, `(n, pairs)`: positive for the first of the pair."""
    dual, classes = _dual(estimator), len(estimator.classes_)
    ends = np.cumsum(estimator.n_support_)
    spans = [slice(end - size, end) for end, size in zip(ends, estimator.n_support_, strict=True)]
    pairs = [(low, high) for low in range(classes) for high in range(low + 1, classes)]
    weights = np.zeros((dual.shape[1], len(pairs)))
    for index, (low, high) in enumerate(pairs):
        weights[spans[low], index] = dual[high - 1, spans[low]]
        weights[spans[high], index] = dual[low, spans[high]]
    answer: Tensor = _support(scope, estimator, columns) @ weights + estimator._intercept_[None, :]
    return answer


def _scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    pairs, classes = _pairwise(scope, estimator, columns), len(estimator.classes_)
    if classes == _BINARY:
        return -pairs.flat()
    if estimator.decision_function_shape != "ovr":
        return pairs
    votes = (pairs < 0.0).cast("float64")
    first, second = _sides(classes)
    total = (1.0 - votes) @ first + votes @ second
    trust = -pairs @ (second - first)
    return total + trust / ((trust.absolute() + 1.0) * 3.0)


def _sides(classes: int) -> tuple[Column, Column]:
    """Which class each pair is for where its value is positive, and where it is not, `(pairs, classes)` each."""
    pairs = [(low, high) for low in range(classes) for high in range(low + 1, classes)]
    first, second = np.zeros((2, len(pairs), classes))
    for index, (low, high) in enumerate(pairs):
        first[index, low] = second[index, high] = 1.0
    return first, second


def _class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if getattr(estimator, "break_ties", False) and len(estimator.classes_) > _BINARY:
        return scope.score(estimator, "decision_function", columns).argmax()
    votes = (_pairwise(scope, estimator, columns) > 0.0).cast("float64")
    first, second = _sides(len(estimator.classes_))
    return (votes @ first + (1.0 - votes) @ second).argmax()


def _no_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    del columns
    raise scope.refuse(
        f"the probabilities of {type(estimator).__name__} come from an iteration that stops early", _CALIBRATE
    )


def _regression(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    values = _support(scope, estimator, columns) @ _dual(estimator).T
    answer: Tensor = (values + estimator._intercept_[None, :]).flat()
    return answer


def _inlier(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    inside = scope.score(estimator, "decision_function", columns) > 0.0
    return inside.where(scope.constant(1, "int64"), -1)


def _ridge(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    values = _pairwise_kernel(scope, estimator, columns, kept=estimator.X_fit_, gamma=estimator.gamma)
    dual = np.asarray(estimator.dual_coef_, dtype=np.float64)
    return (values @ dual[:, None]).flat() if dual.ndim == 1 else values @ dual


def _pairwise_kernel(
    scope: Scope, estimator: Estimator, columns: Columns, *, kept: Column, gamma: float | None
) -> Tensor:
    if getattr(estimator, "kernel_params", None):
        raise scope.refuse("kernel_params", "Give gamma, degree and coef0 instead.")
    defaults = {"degree": 3, "coef0": 1}
    given = {name: getattr(estimator, name, None) for name in defaults}
    parameters = {name: defaults[name] if value is None else value for name, value in given.items()}
    x = scope.doubles(columns, tolerant=True)
    return kernel(scope, estimator.kernel, x, kept, gamma=gamma, **parameters)


def _components(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    values = _pairwise_kernel(scope, estimator, columns, kept=estimator.X_fit_, gamma=estimator.gamma_)
    return projected(estimator, values)


def projected(estimator: Estimator, values: Tensor) -> Columns:
    """The components of a fitted KernelPCA from the kernel's `values` against its training rows, `(n, m)`."""
    values = _centred(estimator._centerer, values)  # ruff: ignore[SLF001] - its own centring
    some = np.flatnonzero(estimator.eigenvalues_)
    alphas = np.zeros_like(estimator.eigenvectors_)
    alphas[:, some] = estimator.eigenvectors_[:, some] / np.sqrt(estimator.eigenvalues_[some])
    return numbers(values @ alphas, alphas.shape[1])


def _centred(centerer: Estimator, values: Tensor) -> Tensor:
    mean = values.total() / float(centerer.K_fit_rows_.shape[0])
    answer: Tensor = values - centerer.K_fit_rows_[None, :] - mean + float(centerer.K_fit_all_)
    return answer


def _centerer(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    return numbers(_centred(estimator, scope.doubles(columns)), columns.width)


def _nystroem(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    values = _pairwise_kernel(scope, estimator, columns, kept=estimator.components_, gamma=estimator.gamma)
    return numbers(values @ estimator.normalization_.T, estimator.normalization_.shape[0])


def cosine(x: Tensor) -> Tensor:
    """The cosine, as a sine: onnxruntime 1.17 has no float64 cosine."""
    return (x + _HALF_PI).op("Sin")


def _fourier(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    scope.accept("extreme differs", "the cosine of a large angle depends on the last bit of a sum")
    angles = scope.doubles(columns) @ estimator.random_weights_ + estimator.random_offset_[None, :]
    size = len(estimator.random_offset_)
    return numbers(cosine(angles) * float((2.0 / size) ** 0.5), size)


def _skewed(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    logarithm = (scope.doubles(columns) + float(estimator.skewedness)).log()
    angles = logarithm @ estimator.random_weights_ + estimator.random_offset_[None, :]
    size = len(estimator.random_offset_)
    return numbers(cosine(angles) * float(np.sqrt(2.0) / np.sqrt(size)), size)


def _sketch(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    """Fourier transforms as products with their matrices: of each sketch, and back of the product of all."""
    size, shift = int(estimator.n_components), float(np.sqrt(estimator.coef0))
    x = scope.doubles(columns, tolerant=True) * float(np.sqrt(estimator.gamma))
    angles = 2 * np.pi / size * (np.outer(np.arange(size), np.arange(size)) % size)
    real: Tensor | None = None
    imaginary: Tensor | None = None
    for places, signs in zip(estimator.indexHash_, estimator.bitHash_, strict=True):
        waves = signs[:, None] * np.exp(-1j * angles[places])  # a feature's share of each frequency
        weights, constant = waves[: columns.width], shift * waves[columns.width :].sum(axis=0, keepdims=True)
        one, other = x @ weights.real + constant.real, x @ weights.imag + constant.imag
        if real is None or imaginary is None:
            real, imaginary = one, other
        else:
            real, imaginary = real * one - imaginary * other, real * other + imaginary * one
    assert real is not None  # ruff: ignore[S101] - no degree is below 1
    assert imaginary is not None  # ruff: ignore[S101] - likewise
    return numbers((real @ np.cos(angles) - imaginary @ np.sin(angles)) / float(size), size)


def _additive(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if columns.sparse:
        raise scope.refuse("a sparse matrix", "Make the matrix dense first.")
    x = scope.doubles(columns)
    step = estimator.sample_interval or {1: 0.8, 2: 0.5, 3: 0.4}[estimator.sample_steps]
    zero = x.equals(0.0)
    safe = zero.where(x.like(1.0), x)
    parts = [(safe * step).sqrt()]
    for index in range(1, estimator.sample_steps):
        factor = (safe * (2.0 * step) / float(np.cosh(np.pi * index * step))).sqrt()
        angle = safe.log() * step * float(index)
        parts += [factor * cosine(angle), factor * angle.op("Sin")]
    return numbers(join([zero.where(part.like(0.0), part) for part in parts]), columns.width * len(parts))


def _process(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if not hasattr(estimator, "X_train_"):
        raise scope.refuse("it is not fitted", "Fit it first.")
    values = covariance(scope, estimator.kernel_, scope.doubles(columns, tolerant=True), estimator.X_train_)
    alpha = np.asarray(estimator.alpha_, dtype=np.float64)
    mean = values @ (alpha[:, None] if alpha.ndim == 1 else alpha)
    mean = mean * np.atleast_1d(estimator._y_train_std)[None, :] + np.atleast_1d(estimator._y_train_mean)[None, :]  # ruff: ignore[SLF001] - its own scaling
    return mean.flat() if alpha.ndim == 1 or alpha.shape[1] == 1 else mean


def covariance(scope: Scope, function: Foreign, x: Tensor, kept: Column) -> Tensor:
    """A Gaussian process's kernel between rows and the training rows.

    Raises:
        Refused: It is none of the usual ones.
    """
    name = type(function).__name__
    if name in {"Sum", "Product"}:
        first, second = (covariance(scope, part, x, kept) for part in (function.k1, function.k2))
        return first + second if name == "Sum" else first * second
    if name == "Exponentiation":
        return covariance(scope, function.kernel, x, kept) ** float(function.exponent)
    if name in {"ConstantKernel", "WhiteKernel"}:
        level = function.constant_value if name == "ConstantKernel" else 0.0
        return x.columns([0]) * 0.0 @ np.zeros((1, len(kept))) + float(level)
    if name == "DotProduct":
        return x @ np.asarray(kept, dtype=np.float64).T + float(function.sigma_0**2)
    if name not in {"RBF", "Matern", "RationalQuadratic"}:
        raise scope.refuse(f"the kernel {name}", "Use RBF, Matern, RationalQuadratic, DotProduct or constants.")
    scale = np.asarray(function.length_scale, dtype=np.float64).reshape(1, -1)
    if name == "RationalQuadratic":
        share = squared(x, kept) / float(2 * function.alpha * function.length_scale**2)
        return (share + 1.0) ** -float(function.alpha)
    if name == "RBF":
        return (squared(x / scale, kept / scale) * -0.5).exp()
    return _matern(scope, float(function.nu), powers_sum(x / scale, kept / scale, 2.0).sqrt())


def _matern(scope: Scope, nu: float, apart: Tensor) -> Tensor:
    if nu == 0.5:  # ruff: ignore[PLR2004] - the closed forms of the family
        return (-apart).exp()
    if nu == 1.5:  # ruff: ignore[PLR2004]
        scaled = apart * float(np.sqrt(3))
        return (scaled + 1.0) * (-scaled).exp()
    if nu == 2.5:  # ruff: ignore[PLR2004]
        scaled = apart * float(np.sqrt(5))
        return (scaled + 1.0 + scaled * scaled / 3.0) * (-scaled).exp()
    if np.isinf(nu):
        return (apart * apart / -2.0).exp()
    raise scope.refuse(f"Matern with nu={nu} needs Bessel functions", "Use nu 0.5, 1.5, 2.5 or infinity.")


def _spread(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Label propagation: the labels of the training rows, weighted by nearness."""
    if estimator.kernel != "rbf":
        raise scope.refuse(f"the kernel {estimator.kernel!r}", "Use kernel='rbf'.")
    weights = kernel(scope, "rbf", scope.doubles(columns, tolerant=True), estimator.X_, gamma=estimator.gamma)
    shares = weights @ np.asarray(estimator.label_distributions_, dtype=np.float64)
    return shares / shares.total()


_CLASSIFIER = Converter(predict=_class, predict_proba=_no_shares, decision_function=_scores)
_REGRESSOR = Converter(predict=_regression)
_PROPAGATION = Converter(predict=by_probability, predict_proba=_spread)

CONVERTERS = {
    "SVC": _CLASSIFIER,
    "NuSVC": _CLASSIFIER,
    "SVR": _REGRESSOR,
    "NuSVR": _REGRESSOR,
    "OneClassSVM": Converter(predict=_inlier, decision_function=_regression),
    "KernelRidge": Converter(predict=_ridge),
    "KernelPCA": Converter(transform=_components),
    "KernelCenterer": Converter(transform=_centerer),
    "Nystroem": Converter(transform=_nystroem),
    "RBFSampler": Converter(transform=_fourier),
    "SkewedChi2Sampler": Converter(transform=_skewed),
    "AdditiveChi2Sampler": Converter(transform=_additive),
    "PolynomialCountSketch": Converter(transform=_sketch),
    "GaussianProcessRegressor": Converter(predict=_process),
    "LabelPropagation": _PROPAGATION,
    "LabelSpreading": _PROPAGATION,
}
