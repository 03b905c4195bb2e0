"""Models on categories, of three classes, and without trees, each with its exact graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxport.artifacts import InputColumn, Missing, OutputTensor, Rows, Signature

from tests.validation.models.forests import F32, Trees, grow, tree_node
from tests.validation.models.graphs import PREDICTION, matrix_signature, model_of
from tests.validation.models.numbers import HEAD_OUTPUTS, Case, head, matrix, regression_case

CATEGORIES = ("new", "won", "lost", "Été")
FILL = 12.5


def category_graph(
    trees: Trees, codes: dict[str, float], *, fill: float = FILL, unseen: float = np.nan
) -> onnx.ModelProto:
    """A string column by its codes, a float64 column with an imputer, and a float32 column, into the trees."""
    return model_of(
        [
            helper.make_node(
                "LabelEncoder",
                ["stage"],
                ["code"],
                domain="ai.onnx.ml",
                name="encode",
                keys_strings=list(codes),
                values_floats=list(codes.values()),
                default_float=unseen,
            ),
            helper.make_node("IsNaN", ["days"], ["gaps"], name="find gaps"),
            helper.make_node("Where", ["gaps", "fill", "days"], ["filled"], name="impute"),
            helper.make_node("Cast", ["filled"], ["narrow"], to=TensorProto.FLOAT, name="narrow"),
            helper.make_node("Concat", ["code", "narrow", "amount"], ["joined"], axis=1, name="join"),
            tree_node(trees, "joined", "margins"),
            helper.make_node("Reshape", ["margins", "flat"], ["prediction"], name="flatten"),
        ],
        [
            helper.make_tensor_value_info("stage", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("days", TensorProto.DOUBLE, [None, 1]),
            helper.make_tensor_value_info("amount", TensorProto.FLOAT, [None, 1]),
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        {"fill": np.array(fill), "flat": np.array([-1])},
    )


def category_case(seed: int, *, rows: int = 1_200, raises: bool = False) -> Case:
    """A regressor on a string, an imputed float64 and a float32 column; the unseen is missing, or refused."""
    random = np.random.default_rng(seed)
    codes = {name: float(code) for code, name in enumerate(CATEGORIES)} | {"": np.nan}
    stage = np.array([*CATEGORIES, None], dtype=object)[random.choice(5, size=rows, p=[0.3, 0.3, 0.2, 0.15, 0.05])]
    days = np.round(random.gamma(2, 10, size=rows), 1)
    days[random.random(rows) < 0.1] = np.nan
    amount = random.normal(size=rows).astype(F32)
    seen = np.stack(
        [random.choice([0.5, 1, 1.5, 2, 2.5, 3], size=rows), np.nan_to_num(days, nan=FILL), amount], axis=1
    )
    trees = grow(seed, features=3, trees=8, depth=3, data=seen.astype(F32))

    def source(rows: Rows) -> dict[str, np.ndarray]:
        texts = ["" if value is None else value for value in rows.columns["stage"].tolist()]
        unknown = [text for text in texts if text not in codes]
        if unknown and raises:
            raise ValueError(f"unknown category {unknown[0]!r}")
        filled = rows.columns["days"].astype(np.float64)
        filled = np.where(np.isnan(filled), FILL, filled)
        with np.errstate(over="ignore"):
            narrow = np.stack(
                [
                    np.array([codes.get(text, np.nan) for text in texts]),
                    filled.astype(F32),
                    rows.columns["amount"],
                ],
                axis=1,
            )
            return {"prediction": trees.margins(narrow.astype(F32))}

    def column(name: str, dtype: str, encoding: str, categories: tuple[str, ...] | None = None) -> InputColumn:
        missing = Missing(allowed=True, encoding=encoding)
        return InputColumn(
            name=name,
            tensor=name,
            dtype=dtype,
            shape=(None, 1),
            missing=missing,
            categories=categories,  # type: ignore[arg-type]
        )

    return Case(
        trees=trees,
        names=["stage", "days", "amount"],
        sample=Rows(columns={"stage": stage, "days": days, "amount": amount}),
        source=source,
        model=category_graph(trees, codes),
        signature=Signature(
            layout="columns",
            inputs=(
                column("stage", "string", "", CATEGORIES),
                column("days", "float64", "nan"),
                column("amount", "float32", "nan"),
            ),
            outputs=PREDICTION,
        ),
    )


CLASSES = ("high", "low", "middle")
THREE = (
    OutputTensor(name="label", dtype="string", shape=(None,), classes=CLASSES),
    OutputTensor(name="probabilities", dtype="float32", shape=(None, 3), classes=CLASSES),
)


def classes_graph(forests: list[Trees], features: int, classes: tuple[str, ...] = CLASSES) -> onnx.ModelProto:
    """One forest a class, joined, softmax, and the label of the largest."""
    nodes = []
    for index, forest in enumerate(forests):
        node = tree_node(forest, "features", f"margin_{index}")
        node.name = f"class {index}"
        nodes.append(node)
    return model_of(
        [
            *nodes,
            helper.make_node(
                "Concat", [f"margin_{index}" for index in range(3)], ["margins"], axis=1, name="join"
            ),
            helper.make_node("Softmax", ["margins"], ["probabilities"], axis=1, name="softmax"),
            helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0, name="largest"),
            helper.make_node("Gather", ["classes", "best"], ["label"], name="label"),
        ],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, features])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 3]),
        ],
        {"classes": np.array(classes, dtype=object)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesCase(Case):
    """A classifier with a forest for each class."""

    forests: list[Trees]


def classes_case(seed: int, *, features: int = 5, rows: int = 1_200) -> ClassesCase:
    """Three classes with names."""
    random = np.random.default_rng(seed)
    names = [f"c{index}" for index in range(features)]
    data = random.normal(size=(rows, features)).astype(F32)
    forests = [grow(seed + place, features=features, trees=4, depth=3, data=data) for place in range(3)]

    def source(rows: Rows) -> dict[str, np.ndarray]:
        margins = np.stack([forest.margins(matrix(rows, names)) for forest in forests], axis=1).astype(np.float64)
        raised = np.exp(margins - margins.max(axis=1, keepdims=True))
        probabilities = (raised / raised.sum(axis=1, keepdims=True)).astype(F32)
        return {"label": np.array(CLASSES, dtype=object)[margins.argmax(axis=1)], "probabilities": probabilities}

    return ClassesCase(
        trees=forests[0],
        forests=forests,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=source,
        model=classes_graph(forests, features),
        signature=matrix_signature(names, THREE),
    )


LINEAR = (
    OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1)),
    OutputTensor(name="probabilities", dtype="float64", shape=(None, 2), classes=(0, 1)),
)


def linear_case(seed: int, *, features: int = 4, rows: int = 1_200) -> Case:
    """A logistic regression in float64 without trees; it refuses missing and infinite values, as scikit-learn."""
    random = np.random.default_rng(seed)
    names = [f"x{index}" for index in range(features)]
    weights, intercept = random.normal(size=features), 0.3
    data = random.normal(size=(rows, features))
    base = regression_case(seed)

    def source(rows: Rows) -> dict[str, np.ndarray]:
        values = matrix(rows, names)
        if not np.isfinite(values).all():
            raise ValueError("Input X contains NaN or infinity")
        margins = values @ weights + intercept
        with np.errstate(over="ignore"):
            positive = 1 / (1 + np.exp(-margins))
        return {
            "label": (margins > 0).astype(np.int64),
            "probabilities": np.stack([1 - positive, positive], axis=1),
        }

    model = model_of(
        [
            helper.make_node("MatMul", ["features", "weights"], ["product"], name="multiply"),
            helper.make_node("Add", ["product", "intercept"], ["margins"], name="shift"),
            *head(),
        ],
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, features])],
        [HEAD_OUTPUTS[0], helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, 2])],
        {
            "weights": weights[:, None],
            "intercept": np.array(intercept),
            "one": np.array(1.0),
            "zero": np.array(0.0),
            "flat": np.array([-1]),
        },
    )
    signature = matrix_signature(names, LINEAR, "float64")
    inputs = tuple(column.model_copy(update={"missing": Missing(allowed=False)}) for column in signature.inputs)
    return Case(
        trees=base.trees,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=source,
        model=model,
        signature=signature.model_copy(update={"inputs": inputs}),
    )
