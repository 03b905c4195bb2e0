"""Small real graphs with an exact reference in numpy, and ways to damage them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    InputColumn,
    Missing,
    OnnxArtifact,
    OutputTensor,
    Rows,
    Signature,
    SourceReference,
    digest_bytes,
)

F32 = np.float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Trees as arrays, one entry a node; a node with feature -1 is a leaf of value `leaf`."""

    tree: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    yes: np.ndarray
    no: np.ndarray
    missing_yes: np.ndarray
    leaf: np.ndarray
    roots: np.ndarray
    base: np.float32
    strict: bool

    def margins(self, values: np.ndarray) -> np.ndarray:
        """Float32 sums in the order of the trees, as a runtime on one thread has them."""
        values = values.astype(F32)
        total = np.full(len(values), self.base, dtype=F32)
        for root in self.roots:
            node = np.full(len(values), root)
            while (self.feature[node] >= 0).any():
                feature, inner = np.maximum(self.feature[node], 0), self.feature[node] >= 0
                value, threshold = values[np.arange(len(values)), feature], self.threshold[node]
                goes = (value < threshold) if self.strict else (value <= threshold)
                goes = np.where(np.isnan(value), self.missing_yes[node], goes)
                node = np.where(inner, np.where(goes, self.yes[node], self.no[node]), node)
            total = (total + self.leaf[node]).astype(F32)
        return total


def grow(seed: int, *, features: int, trees: int, depth: int, data: np.ndarray, strict: bool = True) -> Trees:
    """Full trees whose thresholds are values of the data, so that ties are real."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {name: [] for name in Trees.__dataclass_fields__}
    for tree in range(trees):
        start = len(columns["tree"])
        inner = 2**depth - 1
        for node in range(2 ** (depth + 1) - 1):
            leaf = node >= inner
            feature = -1 if leaf else int(random.integers(features))
            value = random.choice(data[:, max(feature, 0)][np.isfinite(data[:, max(feature, 0)])])
            columns["tree"].append(tree)
            columns["feature"].append(feature)
            columns["threshold"].append(0.0 if leaf else value)
            columns["yes"].append(0 if leaf else start + 2 * node + 1)
            columns["no"].append(0 if leaf else start + 2 * node + 2)
            columns["missing_yes"].append(bool(random.integers(2)))
            columns["leaf"].append(random.normal(scale=0.3) if leaf else 0.0)
        columns["roots"].append(start)
    return Trees(
        tree=np.array(columns["tree"]),
        feature=np.array(columns["feature"]),
        threshold=np.array(columns["threshold"], dtype=F32),
        yes=np.array(columns["yes"]),
        no=np.array(columns["no"]),
        missing_yes=np.array(columns["missing_yes"]),
        leaf=np.array(columns["leaf"], dtype=F32),
        roots=np.array(columns["roots"]),
        base=F32(0.25),
        strict=strict,
    )


def tree_node(trees: Trees, source: str, target: str) -> onnx.NodeProto:
    """One `TreeEnsembleRegressor` (ai.onnx.ml 3); the base value is in the first tree's leaves."""
    leaves = trees.feature < 0
    first = np.zeros_like(trees.tree)
    for tree, root in enumerate(trees.roots):
        first[trees.tree == tree] = root
    ids = np.arange(len(trees.tree)) - first
    weights = trees.leaf.copy()
    weights[leaves & (trees.tree == 0)] += trees.base
    mode = "BRANCH_LT" if trees.strict else "BRANCH_LEQ"
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [target],
        domain="ai.onnx.ml",
        name="trees",
        n_targets=1,
        nodes_treeids=trees.tree.tolist(),
        nodes_nodeids=ids.tolist(),
        nodes_featureids=np.maximum(trees.feature, 0).tolist(),
        nodes_modes=["LEAF" if leaf else mode for leaf in leaves],
        nodes_values=trees.threshold.tolist(),
        nodes_truenodeids=np.where(leaves, 0, trees.yes - first).tolist(),
        nodes_falsenodeids=np.where(leaves, 0, trees.no - first).tolist(),
        nodes_missing_value_tracks_true=trees.missing_yes.astype(int).tolist(),
        target_treeids=trees.tree[leaves].tolist(),
        target_nodeids=ids[leaves].tolist(),
        target_ids=[0] * int(leaves.sum()),
        target_weights=weights[leaves].tolist(),
    )


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    """A model in opset 17 and ai.onnx.ml 3."""
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8
    )
    return model


def artifact_of(
    model: onnx.ModelProto | bytes, signature: Signature, *, accepted: tuple[str, ...] = ()
) -> OnnxArtifact:
    """The model with a conversion around it."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return OnnxArtifact(
        model=data,
        conversion=Conversion(
            sha256=digest_bytes(data),
            source=SourceReference(uri="small.model", kind="xgboost", sha256=digest_bytes(b"source")),
            signature=signature,
            plan=ConversionPlan(
                exporter="test",
                layout="matrix",
                steps=(),
                opsets={"": 17, "ai.onnx.ml": 3},
                ir_version=8,
                runtime="onnxruntime>=1.17",
                accepted=accepted,
            ),
            graph=Graph(opsets={"": 17, "ai.onnx.ml": 3}, ir_version=8, min_onnxruntime="1.17"),
            packages={"onnx": onnx.__version__},
        ),
    )


def matrix_signature(names: list[str], outputs: tuple[OutputTensor, ...], dtype: str = "float32") -> Signature:
    """Layout `matrix`, every column may be missing."""
    return Signature(
        layout="matrix",
        inputs=tuple(
            InputColumn(
                name=name,
                tensor="features",
                dtype=dtype,  # type: ignore[arg-type]
                shape=(None, len(names)),
                missing=Missing(allowed=True, encoding="nan"),
            )
            for name in names
        ),
        outputs=outputs,
    )


PREDICTION = (OutputTensor(name="prediction", dtype="float32", shape=(None,)),)
CLASSIFIED = (
    OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1)),
    OutputTensor(name="probabilities", dtype="float32", shape=(None, 2), classes=(0, 1)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model with its exact graph.

    Attributes:
        trees: The model.
        names: Columns.
        sample: The user's rows.
        source: The model's predict.
        model: The right graph.
        signature: Its inputs and outputs.
        scale: Mean and scale by column, in float64, or `None`.
    """

    trees: Trees
    names: list[str]
    sample: Rows
    source: Callable[[Rows], dict[str, np.ndarray]]
    model: onnx.ModelProto
    signature: Signature
    scale: tuple[np.ndarray, np.ndarray] | None = None

    def artifact(self, model: onnx.ModelProto | None = None, *, accepted: tuple[str, ...] = ()) -> OnnxArtifact:
        """The right graph, or another one in its place."""
        return artifact_of(self.model if model is None else model, self.signature, accepted=accepted)


def matrix(rows: Rows, names: list[str]) -> np.ndarray:
    """`(n, F)` in float64, columns found by name."""
    return np.stack([rows.columns[name].astype(np.float64) for name in names], axis=1)


def regression_graph(trees: Trees, features: int) -> onnx.ModelProto:
    """Float32 features straight into the trees."""
    return model_of(
        [
            tree_node(trees, "features", "margins"),
            helper.make_node("Reshape", ["margins", "flat"], ["prediction"], name="flatten"),
        ],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        {"flat": np.array([-1])},
    )


def regression_case(seed: int, *, features: int = 6, trees: int = 8, depth: int = 3, rows: int = 1_200) -> Case:
    """A regressor on float32 columns with missing values."""
    random = np.random.default_rng(seed)
    names = [f"column {index}" for index in range(features)]
    data = random.normal(size=(rows, features)).astype(F32)
    data[:, 0] = np.round(data[:, 0] * 3)
    data[random.random(data.shape) < 0.03] = np.nan
    model = grow(seed, features=features, trees=trees, depth=depth, data=data)
    return Case(
        trees=model,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=lambda rows: {"prediction": model.margins(matrix(rows, names))},
        model=regression_graph(model, features),
        signature=matrix_signature(names, PREDICTION),
    )


def sigmoid(margins: np.ndarray) -> np.ndarray:
    """Float32, from an exact float64 exponential."""
    return (1 / (1 + np.exp(-margins.astype(np.float64)))).astype(F32)


def classify(margins: np.ndarray) -> dict[str, np.ndarray]:
    """Label and probabilities of two classes."""
    positive = sigmoid(margins)
    return {
        "label": (margins > 0).astype(np.int64),
        "probabilities": np.stack([(1 - positive).astype(F32), positive], axis=1),
    }


def head() -> list[onnx.NodeProto]:
    """From `margins` (n, 1) to `label` (n,) and `probabilities` (n, 2)."""
    return [
        helper.make_node("Neg", ["margins"], ["negative"], name="negate"),
        helper.make_node("Exp", ["negative"], ["exponential"], name="exp"),
        helper.make_node("Add", ["exponential", "one"], ["sum"], name="add"),
        helper.make_node("Div", ["one", "sum"], ["positive"], name="divide"),
        helper.make_node("Sub", ["one", "positive"], ["other"], name="complement"),
        helper.make_node("Concat", ["other", "positive"], ["probabilities"], axis=1, name="join"),
        helper.make_node("Greater", ["margins", "zero"], ["is_positive"], name="decide"),
        helper.make_node("Cast", ["is_positive"], ["labels"], to=TensorProto.INT64, name="label"),
        helper.make_node("Reshape", ["labels", "flat"], ["label"], name="flatten"),
    ]


HEAD_CONSTANTS = {"one": np.array(1, F32), "zero": np.array(0, F32), "flat": np.array([-1])}
HEAD_OUTPUTS = [
    helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
    helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
]


def scaled_graph(trees: Trees, mean: np.ndarray, scale: np.ndarray) -> onnx.ModelProto:
    """Scaling in the dtype of `mean`, then one cast to float32, then trees and a sigmoid."""
    double = mean.dtype == np.float64
    kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
    return model_of(
        [
            helper.make_node("Cast", ["features"], ["cast"], to=kind, name="enter"),
            helper.make_node("Sub", ["cast", "mean"], ["centred"], name="centre"),
            helper.make_node("Div", ["centred", "scale"], ["scaled"], name="scale"),
            helper.make_node("Cast", ["scaled"], ["narrow"], to=TensorProto.FLOAT, name="narrow"),
            tree_node(trees, "narrow", "margins"),
            *head(),
        ],
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, len(mean)])],
        HEAD_OUTPUTS,
        {"mean": mean, "scale": scale, **HEAD_CONSTANTS},
    )


def scaled_case(
    seed: int, *, features: int = 5, trees: int = 10, depth: int = 3, rows: int = 1_200, base: float = 0.25
) -> Case:
    """A classifier behind a float64 scaler; the first column is about 1e6 with a spread of 1e4."""
    random = np.random.default_rng(seed)
    names = [f"f{index}" for index in reversed(range(features))]
    mean = random.normal(size=features)
    scale = random.uniform(0.5, 4, size=features)
    mean[0], scale[0] = 1e6, 1e4
    data = random.normal(size=(rows, features)) * scale + mean
    data[random.random(data.shape) < 0.02] = np.nan
    model = replace(
        grow(seed, features=features, trees=trees, depth=depth, data=(data - mean) / scale), base=F32(base)
    )

    def source(rows: Rows) -> dict[str, np.ndarray]:
        with np.errstate(over="ignore"):
            return classify(model.margins((matrix(rows, names) - mean) / scale))

    return Case(
        trees=model,
        names=names,
        sample=Rows(columns={name: data[:, index] for index, name in enumerate(names)}),
        source=source,
        model=scaled_graph(model, mean, scale),
        signature=matrix_signature(names, CLASSIFIED, "float64"),
        scale=(mean, scale),
    )


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
    """A regressor on a string, an imputed float64 and a float32 column; an unseen category is missing, or refused."""
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
    """A logistic regression in float64 without trees; it refuses missing and infinite values, as scikit-learn does."""
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


def regression_of(case: Case, **changed: Any) -> onnx.ModelProto:
    """The regression graph with some arrays of its trees replaced."""
    return regression_graph(replace(case.trees, **changed), len(case.names))


def edited(model: onnx.ModelProto, edit: Callable[[onnx.GraphProto], None]) -> onnx.ModelProto:
    """A copy of the model with its graph changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    edit(copy.graph)
    return copy


def between(
    model: onnx.ModelProto, tensor: str, *nodes: onnx.NodeProto, **constants: np.ndarray
) -> onnx.ModelProto:
    """A copy in which `nodes` come between `tensor` and its readers: they read `IN` and write `OUT`."""

    def edit(graph: onnx.GraphProto) -> None:
        position = next((place for place, node in enumerate(graph.node) if tensor in node.output), -1)
        output = any(value.name == tensor for value in graph.output)
        names = {"IN": f"{tensor}_in", "OUT": tensor} if output else {"IN": tensor, "OUT": f"{tensor}_out"}
        if output:
            graph.node[position].output[list(graph.node[position].output).index(tensor)] = names["IN"]
        else:
            for node in graph.node:
                node.input[:] = [names["OUT"] if name == tensor else name for name in node.input]
        for offset, node in enumerate(nodes):
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
            graph.node.insert(position + 1 + offset, node)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())

    return edited(model, edit)


def with_constant(model: onnx.ModelProto, name: str, value: np.ndarray) -> onnx.ModelProto:
    """A copy in which the constant `name` has another value."""

    def edit(graph: onnx.GraphProto) -> None:
        kept = [item for item in graph.initializer if item.name != name]
        del graph.initializer[:]
        graph.initializer.extend([*kept, numpy_helper.from_array(value, name)])

    return edited(model, edit)


@pytest.fixture(scope="session")
def regression() -> Case:
    return regression_case(1)


@pytest.fixture(scope="session")
def scaled() -> Case:
    return scaled_case(2)


@pytest.fixture(scope="session")
def categories() -> Case:
    return category_case(3)


@pytest.fixture(scope="session")
def classes() -> ClassesCase:
    return classes_case(4)


@pytest.fixture(scope="session")
def linear() -> Case:
    return linear_case(5)


@pytest.fixture(scope="session")
def cf() -> Any:
    """This module: builders and damage."""
    import sys

    return sys.modules[__name__]
