"""Why scikit-learn's own estimators without a converter have none, and what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = (
    "no standard operator of ONNX cuts a text by a pattern, and lower-casing beyond ASCII depends on the locale "
    "of the machine",
    "Vectorize the texts before the model, and train it on the counts; TfidfTransformer on them is exact.",
)
_NO_TABLE = (
    "it takes dicts, images or labels, not the columns of a table",
    "Use it before the model is trained, and export what comes after it.",
)
_NOTHING_NEW = (
    "it has no method for new rows",
    "Train a model that predicts its answer, and export that one.",
)
_ITERATION = (
    "each row is the result of an optimisation of its own",
    "Use PCA, TruncatedSVD, FactorAnalysis or SparsePCA.",
)
_SPARSE_GRAPH = (
    "its answer is a sparse graph over the training rows",
    "Use KNeighborsClassifier or KNeighborsRegressor by itself.",
)

REASONS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"), _WORDS),
    **dict.fromkeys(
        (
            "DictVectorizer",
            "FeatureHasher",
            "LabelBinarizer",
            "LabelEncoder",
            "MultiLabelBinarizer",
            "PatchExtractor",
        ),
        _NO_TABLE,
    ),
    **dict.fromkeys(
        (
            "AgglomerativeClustering",
            "ClassicalMDS",
            "DBSCAN",
            "EmpiricalCovariance",
            "GraphicalLasso",
            "GraphicalLassoCV",
            "HDBSCAN",
            "KernelDensity",
            "LedoitWolf",
            "MDS",
            "MinCovDet",
            "NearestNeighbors",
            "OAS",
            "OPTICS",
            "ShrunkCovariance",
            "SpectralBiclustering",
            "SpectralClustering",
            "SpectralCoclustering",
            "SpectralEmbedding",
            "TSNE",
        ),
        _NOTHING_NEW,
    ),
    **dict.fromkeys(
        (
            "DictionaryLearning",
            "LatentDirichletAllocation",
            "MiniBatchDictionaryLearning",
            "MiniBatchNMF",
            "NMF",
            "SparseCoder",
        ),
        _ITERATION,
    ),
    "LocallyLinearEmbedding": (
        "each row solves a system of equations of its own, for which ONNX has no operator",
        "Use Isomap or KernelPCA.",
    ),
    "GaussianProcessClassifier": (
        "its probabilities need the error function in float64, which the runtime has in float32",
        "Use SVC in CalibratedClassifierCV, or GaussianProcessRegressor.",
    ),
    **dict.fromkeys(("KNeighborsTransformer", "RadiusNeighborsTransformer"), _SPARSE_GRAPH),
}
"""Class name to the reason, and to what the user can do."""
