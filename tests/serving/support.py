"""Small seeded models, their releases, and the records that callers send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Golden,
    Graph,
    InputColumn,
    Manifest,
    Missing,
    OutputTensor,
    ParityReport,
    PlanStep,
    Signature,
    SourceReference,
    Tolerance,
    Tolerances,
    Verdict,
    digest_bytes,
)
from onnxport.releases import Draft, Releases
from onnxport.storage import MemoryStore, StoreAccess, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnxport.storage import BlobStore

FEATURES = tuple(f"feature {number}" if number % 2 else f"f{19 - number}" for number in range(20))
TOLERANCE = Tolerance(atol=1e-6, rtol=1e-5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A converted model beside its source: `source` answers records with outputs, a list each."""

    name: str
    model: bytes
    conversion: Conversion
    records: list[dict[str, Any]]
    source: Callable[[list[dict[str, Any]]], dict[str, list[Any]]]

    def golden(self, rows: int = 16) -> Golden:
        chosen = self.records[:rows]
        outputs = self.source(chosen)
        return Golden(
            rows=tuple(chosen), outputs=outputs, tolerance={name: TOLERANCE for name in outputs if name != "label"}
        )


def releases_in(location: str | Path | BlobStore) -> Releases:
    store = location if not isinstance(location, str) and hasattr(location, "read") else None
    opened: Any = store or open_store(str(location), StoreAccess())
    return Releases(store=opened, clock=lambda: datetime.now(UTC), actor="tests")


def publish(
    releases: Releases, made: Made, alias: str | None = "production", golden: Golden | bytes | None = None
) -> Manifest:
    """A new release of `made`, and the alias moved to it."""
    report = ParityReport(
        graph_sha256=made.conversion.sha256,
        source_sha256=made.conversion.source.sha256,
        passed=True,
        rows=1000,
        probes={"sample": 1000},
        seed=0,
        tolerances=Tolerances(probabilities=TOLERANCE, prediction=TOLERANCE),
        verdicts=(Verdict(name="probabilities", passed=True, compared=1000, failed=0, allowed="1e-6"),),
        worst=0.0,
    )
    golden = made.golden() if golden is None else golden
    files = {"model.onnx": made.model, "golden.json": golden if isinstance(golden, bytes) else golden.to_bytes()}
    release = releases.publish(
        Draft(name=made.name, conversion=made.conversion, report=report, tool="tests"), files
    )
    if alias:
        from onnxport.artifacts import ReleaseRef

        releases.promote(ReleaseRef(name=made.name, version=release.manifest.model.version), alias)
    return release.manifest


@cache
def win_probability(seed: int = 0, trees: int = 20, depth: int = 4) -> Made:
    """A classifier on 20 float columns in layout `matrix`, with missing values allowed."""
    import xgboost
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(600, len(FEATURES))).astype(np.float32)
    labels = (rows[:, 0] + rows[:, 1] * rows[:, 2] + generator.normal(size=len(rows)) / 2 > 0).astype(int)
    classifier = xgboost.XGBClassifier(n_estimators=trees, max_depth=depth, n_jobs=1, random_state=seed)
    classifier.fit(rows, labels)
    graph = convert_xgboost(classifier, initial_types=[("features", FloatTensorType([None, len(FEATURES)]))])
    inputs = tuple(
        InputColumn(
            name=name,
            tensor="features",
            dtype="float32",
            shape=(None, len(FEATURES)),
            missing=Missing(allowed=True, encoding="nan"),
        )
        for name in FEATURES
    )
    outputs = (
        OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1)),
        OutputTensor(name="probabilities", dtype="float32", shape=(None, 2), classes=(0, 1)),
    )

    def source(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
        matrix = np.array([[record[name] for name in FEATURES] for record in records], dtype=np.float32)
        return {
            "label": classifier.predict(matrix).tolist(),
            "probabilities": classifier.predict_proba(matrix).astype(np.float64).tolist(),
        }

    sample = [dict(zip(FEATURES, row, strict=True)) for row in rows[:200].round(3).astype(float).tolist()]
    for number in range(0, len(sample), 7):
        sample[number][FEATURES[number % len(FEATURES)]] = None
    signature = Signature(layout="matrix", inputs=inputs, outputs=outputs)
    return _made("win-probability", graph.SerializeToString(), signature, sample, source)


COLOURS = ("red", "green", "blue")


@cache
def quote() -> Made:
    """A regressor on a string, an integer, a boolean and a float column in layout `columns`.

    price = (index of colour, -1 unseen) * 10 + count * 2 + urgent + weight
    """
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["colour"],
            ["code"],
            domain="ai.onnx.ml",
            keys_strings=list(COLOURS),
            values_floats=[0.0, 1.0, 2.0],
            default_float=-1.0,
        ),
        helper.make_node("Cast", ["count"], ["count_float"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["urgent"], ["urgent_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["code", "ten"], ["first"]),
        helper.make_node("Mul", ["count_float", "two"], ["second"]),
        helper.make_node("Sum", ["first", "second", "urgent_float", "weight"], ["sum"]),
        helper.make_node("Reshape", ["sum", "flat"], ["prediction"]),
    ]
    kinds = {"colour": "string", "count": "int64", "urgent": "bool", "weight": "float32"}
    codes = {"string": TensorProto.STRING, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
    graph = helper.make_graph(
        nodes,
        "quote",
        [
            helper.make_tensor_value_info(name, codes.get(kind, TensorProto.FLOAT), [None, 1])
            for name, kind in kinds.items()
        ],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor("ten", TensorProto.FLOAT, [1], [10.0]),
            helper.make_tensor("two", TensorProto.FLOAT, [1], [2.0]),
            helper.make_tensor("flat", TensorProto.INT64, [1], [-1]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    inputs = tuple(
        InputColumn.model_validate(
            {
                "name": name,
                "tensor": name,
                "dtype": kind,
                "shape": (None, 1),
                "categories": COLOURS if name == "colour" else None,
                "missing": {"allowed": name == "weight", "encoding": "nan" if name == "weight" else None},
            }
        )
        for name, kind in kinds.items()
    )

    def source(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
        return {
            "prediction": [
                None
                if record["weight"] is None
                else COLOURS.index(record["colour"]) * 10
                + record["count"] * 2
                + record["urgent"]
                + record["weight"]
                for record in records
            ]
        }

    records = [
        {"colour": COLOURS[number % 3], "count": number, "urgent": number % 2 == 0, "weight": number / 4}
        for number in range(40)
    ]
    outputs = (OutputTensor(name="prediction", dtype="float32", shape=(None,)),)
    signature = Signature(layout="columns", inputs=inputs, outputs=outputs)
    accepted = ("unseen-category: the source raises for such a value, the graph answers",)
    return _made("quote", model.SerializeToString(), signature, records, source, accepted)


def _made(
    name: str,
    model: bytes,
    signature: Signature,
    records: list[dict[str, Any]],
    source: Callable[[list[dict[str, Any]]], dict[str, list[Any]]],
    accepted: tuple[str, ...] = (),
) -> Made:
    conversion = Conversion(
        sha256=digest_bytes(model),
        source=SourceReference(uri=f"{name}.joblib", kind="joblib", sha256=digest_bytes(b"source of" + model)),
        signature=signature,
        plan=ConversionPlan(
            exporter="tests",
            layout=signature.layout,
            steps=(PlanStep(path="model", estimator="tests", converter="onnxport", precision="float32"),),
            opsets={"": 17, "ai.onnx.ml": 3},
            ir_version=8,
            runtime="onnxruntime>=1.17",
            accepted=accepted,
        ),
        graph=Graph(opsets={"": 17, "ai.onnx.ml": 3}, ir_version=8, min_onnxruntime="1.17"),
        packages={},
    )
    return Made(name=name, model=model, conversion=conversion, records=records, source=source)


def memory_releases() -> Releases:
    return releases_in(MemoryStore())
