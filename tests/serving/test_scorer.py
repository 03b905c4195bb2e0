"""The Python API: opened means verified and proven; rows are taken by name or refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import Golden, IntegrityError, UsageError
from onnxport.serving.scorer import RowsRefused, Scorer

from tests.serving.support import FEATURES, memory_releases, publish, quote, releases_in, win_probability

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Releases


@pytest.fixture
def releases() -> Releases:
    found = memory_releases()
    publish(found, win_probability())
    publish(found, quote())
    return found


@pytest.fixture
def scorer(releases: Releases) -> Scorer:
    return Scorer.open(releases.store, "win-probability@production")


@pytest.fixture
def quotes(releases: Releases) -> Scorer:
    return Scorer.open(releases.store, "quote@production")


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=1e-5, atol=1e-6)


def test_records_are_answered_as_the_source_answers_them(scorer: Scorer) -> None:
    made = win_probability()
    outputs, expected = scorer.score(made.records), made.source(made.records)
    assert outputs["label"].tolist() == expected["label"]
    close(outputs["probabilities"], expected["probabilities"])


def test_a_row_alone_is_answered_to_the_bit_as_in_a_batch(scorer: Scorer) -> None:
    records = win_probability().records
    together = scorer.score(records)["probabilities"]
    alone = np.concatenate([scorer.score([record])["probabilities"] for record in records])
    assert together.tobytes() == alone.tobytes()


def test_a_matrix_is_answered_to_the_bit_as_its_records(scorer: Scorer) -> None:
    """Missing values too; a view that is not contiguous; no rows."""
    records = win_probability().records
    matrix = np.array([[record[name] for name in FEATURES] for record in records], dtype=np.float32)
    assert np.isnan(matrix).any()
    expected = scorer.score(records)["probabilities"]
    assert scorer.score_matrix(matrix)["probabilities"].tobytes() == expected.tobytes()
    assert scorer.score_matrix(matrix[5:6])["probabilities"].tobytes() == expected[5:6].tobytes()
    assert scorer.score_matrix(matrix[::2])["probabilities"].tobytes() == expected[::2].tobytes()
    assert scorer.score_matrix(matrix[:0])["probabilities"].shape == (0, 2)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.zeros(20, np.float32), r"shape \[-1, 20\] expected, found \[20\]"),
        (np.zeros((2, 19), np.float32), r"found \[2, 19\]"),
        (np.zeros((2, 20)), "float32 expected, found float64"),
        (np.full((2, 20), "1"), "found <U1"),
    ],
)
def test_a_matrix_of_another_shape_or_type_is_refused(scorer: Scorer, matrix: Any, reason: str) -> None:
    with pytest.raises(RowsRefused, match=reason):
        scorer.score_matrix(matrix)


def test_a_model_of_mixed_columns_takes_no_matrix(quotes: Scorer) -> None:
    with pytest.raises(RowsRefused, match="several types"):
        quotes.score_matrix(np.zeros((1, 4), np.float32))


def test_columns_of_mixed_types_are_answered_as_the_source_answers_them(quotes: Scorer) -> None:
    made = quote()
    columns = {name: [record[name] for record in made.records] for name in reversed(made.records[0])}
    close(quotes.score(columns)["prediction"], made.source(made.records)["prediction"])
    arrays = {
        name: np.array(values, dtype=object if name == "colour" else None) for name, values in columns.items()
    }
    close(quotes.score(arrays)["prediction"], made.source(made.records)["prediction"])


def test_the_order_of_columns_does_not_matter(scorer: Scorer) -> None:
    record = win_probability().records[1]
    turned = dict(reversed(record.items()))
    assert scorer.score([record])["probabilities"].tobytes() == scorer.score([turned])["probabilities"].tobytes()


def test_no_rows_are_answered_with_no_rows(scorer: Scorer, quotes: Scorer) -> None:
    assert scorer.score([])["probabilities"].shape == (0, 2)
    assert quotes.score([])["prediction"].shape == (0,)


def record(**changed: Any) -> dict[str, Any]:
    return {"colour": "red", "count": 1, "urgent": True, "weight": 1.5} | changed


@pytest.mark.parametrize(
    ("rows", "code", "path"),
    [
        ([record(), record(colour="mauve")], "unseen-category", "$[1].colour"),
        ([record(count=1.5)], "wrong-type", "$[0].count"),
        ([record(count="1")], "wrong-type", "$[0].count"),
        ([record(count=2**63)], "out-of-range", "$[0].count"),
        ([record(count=None)], "missing-value", "$[0].count"),
        ([record(urgent=1)], "wrong-type", "$[0].urgent"),
        ([record(weight="1.5")], "wrong-type", "$[0].weight"),
        ([record(weight=[1.5])], "wrong-type", "$[0].weight"),
        ([record(colour=None)], "missing-value", "$[0].colour"),
        ([record(colour="\ud800")], "wrong-type", "$[0].colour"),
        ([record(**{"f 3": 1})], "wrong-columns", "$[0]"),
        ([{"colour": "red"}], "wrong-columns", "$[0]"),
        ([[1, 2, 3]], "wrong-form", "$[0]"),
        ({"colour": ["red"], "count": [1, 2], "urgent": [True], "weight": [1.0]}, "unequal-columns", "$.count"),
        ({"colour": "red", "count": [1], "urgent": [True], "weight": [1.0]}, "wrong-form", "$.colour"),
    ],
)
def test_what_the_model_does_not_take_is_refused_with_its_place(
    quotes: Scorer, rows: Any, code: str, path: str
) -> None:
    with pytest.raises(RowsRefused) as refused:
        quotes.score(rows)
    assert (refused.value.fault.code, refused.value.fault.path) == (code, path)


def test_unknown_and_missing_columns_are_listed(scorer: Scorer) -> None:
    wrong = dict(win_probability().records[1])
    wrong["F17"] = wrong.pop("f17")
    with pytest.raises(RowsRefused) as refused:
        scorer.score([wrong])
    details = refused.value.fault.details
    assert (details["unknown"], details["missing"]) == (["F17"], ["f17"])


def test_integers_that_json_wrote_as_floats_are_integers(quotes: Scorer) -> None:
    assert quotes.score([record(count=3.0)])["prediction"] == quotes.score([record(count=3)])["prediction"]


def test_missing_values_are_null_or_nan(scorer: Scorer) -> None:
    gap = win_probability().records[1] | {FEATURES[0]: None}
    nan = gap | {FEATURES[0]: float("nan")}
    assert scorer.score([gap])["probabilities"].tobytes() == scorer.score([nan])["probabilities"].tobytes()
    close(scorer.score([gap])["probabilities"], win_probability().source([gap])["probabilities"])


def test_a_changed_model_is_not_loaded(tmp_path: Path) -> None:
    releases = releases_in(tmp_path)
    manifest = publish(releases, win_probability())
    path = tmp_path / "win-probability" / "objects" / manifest.digest
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match=r"model\.onnx is .* the manifest says"):
        Scorer.open(tmp_path, "win-probability@production")


def test_a_graph_that_answers_otherwise_than_its_golden_rows_is_not_loaded() -> None:
    releases = memory_releases()
    golden = win_probability().golden()
    off = [[a + 1e-3, b - 1e-3] for a, b in golden.outputs["probabilities"]]
    wrong = golden.model_copy(update={"outputs": {**golden.outputs, "probabilities": off}})
    publish(releases, win_probability(), golden=wrong)
    with pytest.raises(IntegrityError, match="does not answer its golden rows"):
        Scorer.open(releases.store, "win-probability@production")


def test_a_release_without_golden_rows_is_not_loaded() -> None:
    releases = memory_releases()
    publish(releases, win_probability(), golden=Golden(rows=(), outputs={}, tolerance={}))
    with pytest.raises(IntegrityError, match="no golden rows"):
        Scorer.open(releases.store, "win-probability@production")


def test_a_release_that_needs_a_newer_runtime_is_not_loaded() -> None:
    releases, made = memory_releases(), win_probability()
    graph = made.conversion.graph.model_copy(update={"min_onnxruntime": "99.1"})
    conversion = made.conversion.model_copy(update={"graph": graph})
    from dataclasses import replace

    publish(releases, replace(made, conversion=conversion))
    with pytest.raises(UsageError, match=r"needs onnxruntime 99\.1"):
        Scorer.open(releases.store, "win-probability@production")
