"""Small real graphs with an exact reference in numpy, and ways to damage them."""

from dataclasses import replace

from onnxport.artifacts import Rows

from tests.validation.models.forests import Trees, grow, tree_node
from tests.validation.models.graphs import (
    CLASSIFIED,
    PREDICTION,
    artifact_of,
    between,
    edited,
    matrix_signature,
    model_of,
    with_constant,
)
from tests.validation.models.numbers import (
    Case,
    regression_case,
    regression_graph,
    regression_of,
    scaled_case,
    scaled_graph,
)
from tests.validation.models.others import (
    ClassesCase,
    category_case,
    category_graph,
    classes_case,
    classes_graph,
    linear_case,
)

__all__ = [
    "CLASSIFIED",
    "PREDICTION",
    "Case",
    "ClassesCase",
    "Rows",
    "Trees",
    "artifact_of",
    "between",
    "category_case",
    "category_graph",
    "classes_case",
    "classes_graph",
    "edited",
    "grow",
    "linear_case",
    "matrix_signature",
    "model_of",
    "regression_case",
    "regression_graph",
    "regression_of",
    "replace",
    "scaled_case",
    "scaled_graph",
    "tree_node",
    "with_constant",
]
