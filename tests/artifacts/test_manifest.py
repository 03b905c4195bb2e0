"""A manifest exists only with a proof of its own graph and source."""

from __future__ import annotations

from typing import Any

import pytest
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    Manifest,
    OutputTensor,
    ParityReport,
    PlanStep,
    Signature,
    SourceReference,
    Tolerance,
    Tolerances,
    Verdict,
    summarize,
)
from pydantic import ValidationError

GRAPH, SOURCE, OTHER = "a" * 64, "b" * 64, "c" * 64
TOLERANCE = Tolerance(atol=1e-6, rtol=1e-5)
TOLERANCES = Tolerances(probabilities=TOLERANCE, prediction=TOLERANCE)
CONVERSION = Conversion(
    sha256=GRAPH,
    source=SourceReference(uri="model.ubj", kind="xgboost", sha256=SOURCE),
    signature=Signature(
        layout="matrix", inputs=(), outputs=(OutputTensor(name="prediction", dtype="float32", shape=(None,)),)
    ),
    plan=ConversionPlan(
        exporter="xgboost",
        layout="matrix",
        steps=(PlanStep(path="model", estimator="Booster", converter="onnxport", precision="float32"),),
        opsets={"": 18},
        ir_version=8,
        runtime="onnxruntime>=1.17",
    ),
    graph=Graph(opsets={"": 18}, ir_version=8, min_onnxruntime="1.17"),
    packages={},
)


def report(*, passed: bool = True, graph: str = GRAPH, source: str = SOURCE, threads: int = 1) -> ParityReport:
    held = Verdict(name="label", passed=passed, compared=9, failed=0, allowed="0 flips")
    return ParityReport(
        graph_sha256=graph,
        source_sha256=source,
        passed=passed,
        rows=9,
        probes={"threshold": 5},
        seed=0,
        tolerances=TOLERANCES,
        verdicts=(held,),
        worst=0.25,
        threads=threads,
    )


def files(*names: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "path": f"objects/{mark * 64}", "size": 1, "sha256": mark * 64}
        for name, mark in zip(names, "def", strict=False)
    ]


def document(**changed: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "model": {"name": "m", "version": 3},
        "files": files("model.onnx", "parity.json"),
        "graph": CONVERSION.graph.model_dump(),
        "source": CONVERSION.source.model_dump(),
        "signature": CONVERSION.signature.model_dump(),
        "plan": CONVERSION.plan.model_dump(),
        "parity": summarize(report(), CONVERSION).model_dump(),
        "provenance": {"created_at": "now", "created_by": "me", "tool": "onnxport", "packages": {}},
        **changed,
    }


def test_a_passed_report_is_summarized_as_it_is() -> None:
    summary = summarize(report(threads=2), CONVERSION)
    assert summary.passed is True
    assert (summary.rows, summary.probes, summary.worst, summary.threads) == (9, {"threshold": 5}, 0.25, 2)
    assert summary.tolerances == TOLERANCES


def test_a_failed_report_has_no_summary() -> None:
    with pytest.raises(ValueError, match=r"^a failed parity report cannot become a release$"):
        summarize(report(passed=False), CONVERSION)


@pytest.mark.parametrize(("graph", "source"), [(OTHER, SOURCE), (GRAPH, OTHER), (OTHER, OTHER)])
def test_a_report_about_something_else_has_no_summary(graph: str, source: str) -> None:
    with pytest.raises(ValueError, match=r"^the parity report is about another graph or another source$"):
        summarize(report(graph=graph, source=source), CONVERSION)


def test_a_manifest_without_a_passed_report_cannot_be_read() -> None:
    parity = {**document()["parity"], "passed": False}
    with pytest.raises(ValidationError, match="passed"):
        Manifest.model_validate(document(parity=parity))


def test_the_digest_is_that_of_the_graph() -> None:
    manifest = Manifest.model_validate(document(files=files("parity.json", "model.onnx")))
    assert manifest.digest == "e" * 64
    assert manifest.file("parity.json").sha256 == "d" * 64


def test_a_file_that_is_not_there_is_an_error_by_its_name() -> None:
    with pytest.raises(KeyError, match=r"^'golden\.json'$"):
        Manifest.model_validate(document()).file("golden.json")


def test_another_version_changes_nothing_else() -> None:
    manifest = Manifest.model_validate(document())
    other = manifest.for_version(8)
    assert other.model.version == 8
    assert other.for_version(3) == manifest


def test_a_newer_format_is_refused_and_an_older_one_is_not() -> None:
    with pytest.raises(ValidationError, match="format 2 is newer than this onnxport, which reads up to 1"):
        Manifest.model_validate(document(schema_version=2))
    assert Manifest.model_validate(document(schema_version=1)).schema_version == 1


@pytest.mark.parametrize("name", ["", ".", "..", " a", "a ", "a/b", "a\\b"])
def test_a_file_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a plain file name"):
        Manifest.model_validate(document(files=files(name)))


def test_a_file_lies_by_its_content() -> None:
    entry = {**files("model.onnx")[0], "path": f"objects/{OTHER}"}
    with pytest.raises(ValidationError, match=f"path must be objects/{'d' * 64}, found 'objects/{OTHER}'"):
        Manifest.model_validate(document(files=[entry]))


def test_a_digest_is_written_in_lower_case() -> None:
    entry = {**files("model.onnx")[0], "sha256": "D" * 64, "path": "objects/" + "D" * 64}
    with pytest.raises(ValidationError, match="not a SHA-256 in lower-case hex"):
        Manifest.model_validate(document(files=[entry]))
