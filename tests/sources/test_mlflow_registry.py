"""Registered models by version, alias and run: on a database, and over HTTP."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import OnnxportError, Unreachable, UntrustedModel, UsageError
from onnxport.sources import SourceAccess, fetch, load
from onnxport.sources.mlflow_client import connected, shown
from onnxport.sources.mlflow_registry import check_tree

from .conftest import FEATURES, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from .conftest import Models

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, while the tests write models


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the fixture logged: two versions of `risk`, the newest by MLflow's own `log_model`."""

    uri: str
    run_id: str
    model_id: str


def _register(uri: str, models: Models) -> Registered:
    import mlflow
    import mlflow.xgboost

    before = mlflow.get_tracking_uri()
    with connected(uri, None, 60) as client:
        mlflow.set_tracking_uri(uri)
        artifacts = None
        if uri.startswith("sqlite"):
            artifacts = (Path(uri.removeprefix("sqlite:///")).parent / "artifacts").as_uri()
        mlflow.set_experiment(experiment_id=client.create_experiment("registered", artifact_location=artifacts))
        try:
            for number in (1, 2):
                with mlflow.start_run(tags={"mlflow.source.git.commit": f"c0ffee{number}"}) as run:
                    info = mlflow.xgboost.log_model(
                        models.booster, name="model", registered_model_name="risk", pip_requirements=["numpy"]
                    )
            client.set_registered_model_alias("risk", "champion", "1")
            client.set_model_version_tag("risk", "2", "owner", "sales")
        finally:
            mlflow.set_tracking_uri(before)
    return Registered(uri=uri, run_id=run.info.run_id, model_id=info.model_id)


@pytest.fixture(scope="module")
def registered(mlflow_uri: str, models: Models) -> Registered:
    return _register(mlflow_uri, models)


@pytest.mark.parametrize(
    ("name", "version", "commit"),
    [
        ("models:/risk/1", "1", "c0ffee1"),
        ("models:/risk/2", "2", "c0ffee2"),
        ("models:/risk@champion", "1", "c0ffee1"),
        ("models:/risk/latest", "2", "c0ffee2"),
    ],
)
def test_a_registered_model_comes_with_its_lineage(
    name: str, version: str, commit: str, registered: Registered, models: Models, table: pd.DataFrame
) -> None:
    import xgboost

    source = load(name, SourceAccess(tracking_uri=registered.uri))
    assert (source.reference.uri, source.reference.version) == (name, version)
    assert source.reference.git_commit == commit
    rows = xgboost.DMatrix(table[FEATURES])
    assert np.array_equal(source.model.predict(rows), models.booster.predict(rows))


def test_tags_of_the_registry_are_kept(registered: Registered) -> None:
    reference = load("models:/risk/2", SourceAccess(tracking_uri=registered.uri)).reference
    assert reference.run_id == registered.run_id
    assert reference.tags is not None
    assert reference.tags["owner"] == "sales"


def test_a_model_of_a_run_and_a_logged_model_open(registered: Registered) -> None:
    access = SourceAccess(tracking_uri=registered.uri)
    by_run = load(f"runs:/{registered.run_id}/model", access).reference
    by_id = load(f"models:/{registered.model_id}", access).reference
    assert by_run.sha256 == by_id.sha256
    assert by_run.run_id == by_id.run_id == registered.run_id


def test_fetch_leaves_the_models_folder(registered: Registered) -> None:
    reference = fetch("models:/risk/1", Path("out"), SourceAccess(tracking_uri=registered.uri))
    assert load("out", SourceAccess()).reference.sha256 == reference.sha256


@pytest.mark.parametrize(
    "name",
    [
        "models:/risk/99",
        "models:/risk@nobody",
        "models:/unknown/1",
        "models:/unknown@champion",
        "models:/unknown/latest",
        "models:/m-" + "0" * 32,
        "runs:/" + "0" * 32 + "/model",
    ],
)
def test_what_mlflow_does_not_know_is_a_usage_error_in_one_line(name: str, registered: Registered) -> None:
    with pytest.raises(UsageError) as refused:
        load(name, SourceAccess(tracking_uri=registered.uri))
    assert "\n" not in refused.value.message
    assert refused.value.hint


def test_a_path_that_the_run_does_not_have_is_a_usage_error(registered: Registered) -> None:
    with pytest.raises(OnnxportError) as refused:
        load(f"runs:/{registered.run_id}/nothing", SourceAccess(tracking_uri=registered.uri))
    assert refused.value.code == "usage"


def test_mlflow_is_quiet(registered: Registered, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    load("models:/risk/1", SourceAccess(tracking_uri=registered.uri))
    with pytest.raises(UsageError):
        load("models:/risk/1", SourceAccess(tracking_uri=f"sqlite:///{tmp_path}/new.db"))
    assert capfd.readouterr() == ("", "")


def test_mlflow_reports_to_nobody(registered: Registered) -> None:
    load("models:/risk/1", SourceAccess(tracking_uri=registered.uri))
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()


def test_a_link_in_a_downloaded_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "conda.yaml").symlink_to("/etc/hostname")
    with pytest.raises(UntrustedModel, match=r"conda\.yaml"):
        check_tree(tmp_path / "model", "models:/risk/1")


# Over HTTP


def test_a_server_gives_what_a_database_gives(mlflow_server: str, models: Models) -> None:
    registered = _register(mlflow_server, models)
    access = SourceAccess(tracking_uri=mlflow_server)
    assert load("models:/risk@champion", access).reference.version == "1"
    assert load("models:/risk/latest", access).reference.run_id == registered.run_id
    assert load(f"runs:/{registered.run_id}/model", access).model.num_boosted_rounds() == 8
    with pytest.raises(UsageError, match="99"):
        load("models:/risk/99", access)
    with pytest.raises(UsageError, match="nobody"):
        load("models:/risk@nobody", access)


def test_nobody_at_the_address_is_unreachable_soon() -> None:
    started = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer") as refused:
        load("models:/risk/1", SourceAccess(tracking_uri=f"http://127.0.0.1:{free_port()}"))
    assert time.monotonic() - started < 30
    assert "\n" not in refused.value.message
    assert refused.value.hint


def test_a_server_that_says_nothing_is_unreachable_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="does not answer"):
            load("models:/risk/1", SourceAccess(tracking_uri=address, timeout_seconds=1))
        assert time.monotonic() - started < 30


@pytest.fixture
def answering() -> Iterator[Any]:
    """Starts servers that answer everything with one status and body."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(status: int, body: bytes = b"{}") -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://user:secret@127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_server_that_refuses_is_unreachable_and_keeps_the_password(status: int, answering: Any) -> None:
    with pytest.raises(Unreachable) as refused:
        load("models:/risk/1", SourceAccess(tracking_uri=answering(status), timeout_seconds=2))
    assert "secret" not in refused.value.message + refused.value.hint
    assert "\n" not in refused.value.message


def test_a_server_that_is_no_mlflow_is_unreachable(answering: Any) -> None:
    with pytest.raises(Unreachable):
        load("models:/risk/1", SourceAccess(tracking_uri=answering(200, b"<html>hello</html>"), timeout_seconds=2))


@pytest.mark.parametrize(
    "uri", ["postgresql://user:secret@127.0.0.1:1/mlflow", "nosuchscheme://x", "sqlite:////no/such/dir/x.db"]
)
def test_a_tracking_address_that_cannot_work_is_an_error_of_ours(uri: str) -> None:
    with pytest.raises((Unreachable, UsageError)) as refused:
        load("models:/risk/1", SourceAccess(tracking_uri=uri))
    assert "secret" not in refused.value.message


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("https://user:pass@host/path") == "https://host/path"
    assert shown("sqlite:///a.db") == "sqlite:///a.db"
