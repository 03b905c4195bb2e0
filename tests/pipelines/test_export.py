"""The main job on the product team's two models: source file to promoted, verified release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnxport.artifacts import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable


def session_on_one_thread(model: bytes) -> onnxruntime.InferenceSession:
    """As parity is proven and the serving layer runs: more threads sum the trees in another order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options)


WIN = ("--name", "win-probability", "--alias", "production", "--allow-pickle")
RISK = ("--name", "risk-scoring", "--alias", "production", "--clip", "0", "1")


def arguments(legacy: Any, model: str) -> list[object]:
    source, options = (legacy.bundle, WIN) if model == "win-probability" else (legacy.booster, RISK)
    return ["export", source, *options, "--sample", legacy.sample, "--json"]


@pytest.fixture(params=["win-probability", "risk-scoring"])
def model(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_model_becomes_a_promoted_release_that_verifies(
    legacy: Any, onnxport: Callable[..., Any], model: str
) -> None:
    done = onnxport(*arguments(legacy, model), "--store", "store")
    assert done.code == 0, done.err
    document = done.document
    assert document["created"] is True
    assert (document["version"], document["alias"]) == (1, "production")
    assert document["parity"]["passed"] is True
    assert document["parity"]["rows"] >= 1000
    verified = onnxport("verify", f"{model}@production", "--store", "store", "--golden", "--json")
    assert verified.code == 0, verified.err
    assert verified.document["digest"] == document["digest"]
    assert 1 <= verified.document["golden_rows"] <= 64


def test_exporting_again_answers_with_the_same_release(
    legacy: Any, onnxport: Callable[..., Any], model: str
) -> None:
    first = onnxport(*arguments(legacy, model), "--store", "store").document
    second = onnxport(*arguments(legacy, model), "--store", "store").document
    assert second["created"] is False
    assert (second["version"], second["digest"]) == (first["version"], first["digest"])
    history = onnxport("history", f"{model}@production", "--store", "store", "--json").document
    assert len(history["moves"]) == 1


def test_no_label_flips_on_win_probability(legacy: Any, onnxport: Callable[..., Any]) -> None:
    done = onnxport(*arguments(legacy, "win-probability"), "--store", "store", "--out", "kept")
    assert done.code == 0, done.err
    from onnxport.artifacts import ParityReport

    report = ParityReport.parse(Path("kept/parity.json").read_bytes(), name="parity.json")
    flips = [verdict for verdict in report.verdicts if "label" in verdict.name or "threshold" in verdict.name]
    assert flips
    assert all(verdict.failed == 0 for verdict in flips)


def test_the_published_graph_answers_as_the_bundle_does(legacy: Any, onnxport: Callable[..., Any]) -> None:
    """The release is run by plain onnxruntime, the source by plain joblib: nothing of onnxport in between."""
    import joblib

    assert onnxport(*arguments(legacy, "win-probability"), "--store", "store").code == 0
    assert onnxport("pull", "win-probability@production", "--store", "store", "--out", "pulled").code == 0
    manifest = Manifest.parse(Path("pulled/manifest.json").read_bytes(), name="manifest")
    bundle = joblib.load(legacy.bundle)
    frame = pd.read_parquet(legacy.sample)[bundle["feature_columns"]]
    session = session_on_one_thread(Path("pulled/model.onnx").read_bytes())
    matrix = frame.to_numpy(dtype=manifest.signature.inputs[0].dtype)
    label, probabilities = session.run(["label", "probabilities"], {"features": matrix})
    expected = bundle["model"].predict_proba(frame)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(label, bundle["model"].predict(frame))


def test_clipping_is_part_of_the_graph(legacy: Any, onnxport: Callable[..., Any]) -> None:
    import xgboost

    clip = ("--clip", "0.3", "0.7")
    done = onnxport("convert", legacy.booster, "--sample", legacy.sample, "--out", "kept", *clip)
    assert done.code == 0, done.err
    booster = xgboost.Booster(model_file=str(legacy.booster))
    frame = pd.read_parquet(legacy.sample)[booster.feature_names]
    raw = booster.predict(xgboost.DMatrix(frame))
    assert raw.min() < 0.3
    assert raw.max() > 0.7
    session = session_on_one_thread(Path("kept/model.onnx").read_bytes())
    (prediction,) = session.run(["prediction"], {"features": frame.to_numpy(np.float32)})
    np.testing.assert_array_equal(prediction, raw.clip(np.float32(0.3), np.float32(0.7)))


def test_one_flipped_byte_is_found(legacy: Any, onnxport: Callable[..., Any]) -> None:
    digest = onnxport(*arguments(legacy, "risk-scoring"), "--store", "store").document["digest"]
    path = Path("store/risk-scoring/objects") / digest
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    done = onnxport("verify", "risk-scoring@production", "--store", "store", "--json")
    assert done.code == 7
    assert "model.onnx" in done.document["error"]["message"]
    assert onnxport("pull", "risk-scoring@production", "--store", "store", "--out", "pulled").code == 7
    assert not Path("pulled/model.onnx").exists()


@pytest.mark.azurite
@pytest.mark.parametrize("by", ["connection string", "url"])
def test_the_same_on_blob_storage(
    legacy: Any,
    onnxport: Callable[..., Any],
    azurite: Any,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    by: str,
) -> None:
    container = f"e2e-{model}-{by.replace(' ', '-')}"
    if by == "url":
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.account_key)
        store = f"{azurite.url}/{container}/models"
    else:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
        store = f"az://{container}/models"
    done = onnxport(*arguments(legacy, model), "--store", store)
    assert done.code == 0, done.err
    assert azurite.account_key not in done.out + done.err
    again = onnxport(*arguments(legacy, model), "--store", store)
    assert again.document["created"] is False
    assert onnxport("verify", f"{model}@production", "--store", store, "--golden").code == 0


def test_two_processes_write_the_same_bytes(legacy: Any, tmp_path: Path) -> None:
    def convert(source: Path, out: Path, *options: str) -> bytes:
        command = [
            sys.executable,
            "-m",
            "onnxport.cli.main",
            "convert",
            str(source),
            "--sample",
            str(legacy.sample),
        ]
        subprocess.run([*command, "--out", str(out), *options], check=True, capture_output=True, cwd=tmp_path)
        return (out / "model.onnx").read_bytes()

    for source, option in ((legacy.bundle, "--allow-pickle"), (legacy.booster, "--json")):
        first = convert(source, tmp_path / "first", option)
        assert first == convert(source, tmp_path / "second", option)


def test_a_scaled_pipeline_has_no_row_out_of_tolerance(onnxport: Callable[..., Any]) -> None:
    """A float32 scaler would leave about 4 % of these rows wrong by up to 0.4."""
    import joblib
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(4000, 5)), columns=["revenue", "b", "c", "d", "e"])
    frame["revenue"] = 1e6 + 1e4 * frame["revenue"]
    target = (np.sin(frame["revenue"] / 3e3) + frame["b"] + random.normal(0, 0.3, 4000) > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), XGBClassifier(n_estimators=80, max_depth=6, n_jobs=1))
    pipeline.fit(frame, target)
    joblib.dump(pipeline, "scaled.joblib")
    frame.to_parquet("rows.parquet")
    done = onnxport(
        "export",
        "scaled.joblib",
        "--allow-pickle",
        "--name",
        "scaled",
        "--sample",
        "rows.parquet",
        "--out",
        "kept",
        "--json",
    )
    assert done.code == 0, done.err
    session = session_on_one_thread(Path("kept/model.onnx").read_bytes())
    (found,) = session.run(["probabilities"], {"features": frame.to_numpy()})
    expected = pipeline.predict_proba(frame)
    assert np.count_nonzero(np.abs(found - expected) > 1e-5 + 1e-5 * np.abs(expected)) == 0


def damage_leaf(graph: onnx.ModelProto) -> None:
    weights = tree_attribute(graph, "target_weights")
    weights.floats[len(weights.floats) // 2] += 0.05


def shift_threshold(graph: onnx.ModelProto) -> None:
    """The first threshold moves by one ulp of float32."""
    values = tree_attribute(graph, "nodes_values")
    first = list(tree_attribute(graph, "nodes_modes").strings).index(b"BRANCH_LT")
    values.floats[first] = float(np.nextafter(np.float32(values.floats[first]), np.float32(np.inf)))


def swap_columns(graph: onnx.ModelProto) -> None:
    features = tree_attribute(graph, "nodes_featureids")
    swapped = [{0: 1, 1: 0}.get(feature, feature) for feature in features.ints]
    del features.ints[:]
    features.ints.extend(swapped)


def tree_attribute(graph: onnx.ModelProto, name: str) -> onnx.AttributeProto:
    node = next(node for node in graph.graph.node if node.op_type == "TreeEnsembleRegressor")
    return next(attribute for attribute in node.attribute if attribute.name == name)


@pytest.mark.parametrize(
    "damage", [damage_leaf, shift_threshold, swap_columns], ids=lambda damage: damage.__name__
)
def test_a_damaged_graph_fails_the_gate_and_is_not_published(
    legacy: Any,
    onnxport: Callable[..., Any],
    damage: Callable[[onnx.ModelProto], None],
) -> None:
    from onnxport.artifacts import OnnxArtifact, digest_bytes
    from onnxport.pipelines.folder import read_artifact, write_artifact

    assert onnxport("convert", legacy.booster, "--sample", legacy.sample, "--out", "kept").code == 0
    good = read_artifact(Path("kept"))
    graph = onnx.load_from_string(good.model)
    damage(graph)
    model = graph.SerializeToString()
    conversion = good.conversion.model_copy(update={"sha256": digest_bytes(model)})
    write_artifact(Path("kept"), OnnxArtifact(model=model, conversion=conversion))
    done = onnxport("check", "kept", "--against", legacy.booster, "--sample", legacy.sample, "--json")
    assert done.code == 3
    assert done.document["error"]["code"] == "parity-failed"
    assert Path("kept/parity.html").is_file()
    published = onnxport(
        "publish", "kept", "--name", "risk-scoring", "--store", "store", "--alias", "production", "--json"
    )
    assert published.code == 3
    assert not Path("store").exists() or not list(Path("store").rglob("manifest.json"))


def test_the_stages_one_by_one_give_the_same_release(
    legacy: Any, onnxport: Callable[..., Any], model: str
) -> None:
    source, options = (legacy.bundle, ["--allow-pickle"]) if model == "win-probability" else (legacy.booster, [])
    clip = ["--clip", "0", "1"] if model == "risk-scoring" else []
    assert onnxport("convert", source, "--sample", legacy.sample, "--out", "kept", *options, *clip).code == 0
    assert onnxport("check", "kept", "--against", source, "--sample", legacy.sample, *options).code == 0
    published = onnxport("publish", "kept", "--name", model, "--store", "store", "--json").document
    promoted = onnxport("promote", f"{model}:1", "production", "--store", "store", "--reason", "first", "--json")
    assert promoted.document["version"] == 1
    exported = onnxport(*arguments(legacy, model), "--store", "store").document
    assert (exported["created"], exported["digest"]) == (False, published["digest"])
