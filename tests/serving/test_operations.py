"""Metrics, health, OpenAPI, rights, TLS, logs, workers: what operators see and decide."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from onnxport.artifacts import UsageError, digest_bytes
from onnxport.serving.access import Rates
from onnxport.serving.metrics import BUCKETS, Metrics, Regions
from onnxport.serving.openapi import document
from onnxport.serving.service import Service
from onnxport.serving.settings import load_settings
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.conftest import ask, serve, settings_for
from tests.serving.support import win_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxport.releases import Releases

    from tests.serving.conftest import Running

ROW = {"data": [["red", 1, True, 1.0]]}


def families(text: bytes) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def test_metrics_name_model_version_and_who_answered_and_have_the_objectives_edge(service: Running) -> None:
    service.ask("/score/quote", ROW)
    found = families(service.ask("/metrics").body)
    duration = found["ml_prediction_duration_seconds"]
    edges = {sample.labels["le"] for sample in duration.samples if sample.name.endswith("_bucket")}
    assert "0.5" in edges
    counts = [sample for sample in duration.samples if sample.name.endswith("_count")]
    assert {"model": "quote", "version": "1", "served_by": "onnx"} in [sample.labels for sample in counts]
    rows = {tuple(sample.labels.values()): sample.value for sample in found["ml_predictions"].samples}
    assert rows["quote", "1", "onnx"] >= 1


def test_metrics_of_all_workers_are_summed_and_survive_a_restart() -> None:
    regions = Regions(2)
    for worker, amount in ((0, 3), (1, 4)):
        metrics = Metrics(regions, worker)
        histogram = metrics.histogram("ml_prediction_duration_seconds", model="m", version="1", served_by="onnx")
        for _ in range(amount):
            histogram.observe(0.5)
        metrics.counter("ml_predictions_total", model='say "m"\n', version="1", served_by="onnx").add(amount)
    again = Metrics(regions, 1)
    again.counter("ml_predictions_total", model='say "m"\n', version="1", served_by="onnx").add()
    found = families(again.expose())
    (rows,) = found["ml_predictions"].samples
    assert (rows.value, rows.labels["model"]) == (8, 'say "m"\n')
    buckets = {s.labels.get("le"): s.value for s in found["ml_prediction_duration_seconds"].samples}
    assert (buckets["0.25"], buckets["0.5"], buckets["+Inf"]) == (0, 7, 7)


def test_a_full_region_loses_series_but_no_request() -> None:
    metrics = Metrics(Regions(1))
    for number in range(10_000):
        metrics.histogram("ml_prediction_duration_seconds", model=str(number), version="", served_by="").observe(1)
    assert len(families(metrics.expose())) == 1
    assert list(BUCKETS) == sorted(BUCKETS)


KEYS = {"security": {"api_keys": [{"name": "app", "sha256": digest_bytes(b"secret"), "models": ["quote"]}]}}


def test_without_a_known_key_nothing_is_answered_and_keys_are_for_their_models(
    start: Callable[..., Running],
) -> None:
    service = start(onnx=KEYS)
    refused = service.ask("/score/quote", ROW)
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Bearer realm="onnxport"')
    assert refused.headers["x-content-type-options"] == "nosniff"
    for path, error in (("/invocations/quote", "error_code"), ("/v2/models/quote/infer", "error")):
        refused = service.ask(path, ROW)
        assert (refused.status, "www-authenticate" in refused.headers, error in refused.json) == (401, True, True)
    assert isinstance(service.ask("/v2/models/quote").json["error"], str)
    assert service.ask("/score/quote", ROW, headers={"x-api-key": "wrong"}).status == 401
    assert service.ask("/score/quote", ROW, headers={"x-api-key": "secret"}).status == 200
    assert service.ask("/score/quote", ROW, headers={"authorization": "Bearer secret"}).status == 200
    record = {"data": [win_probability().records[1]]}
    assert service.ask("/score/win-probability", record, headers={"x-api-key": "secret"}).status == 403
    assert service.ask("/metrics").status == 401
    assert service.ask("/health/ready").status == 200


def test_a_key_in_plain_text_is_refused_in_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "onnxport.yaml"
    config.write_text("onnx: {models: {quote: {}}, security: {api_keys: [{name: app, sha256: secret}]}}")
    with pytest.raises(UsageError, match="not the key itself"):
        load_settings(config)


class Directory:
    """An Entra ID that signs tokens, and publishes its keys on loopback."""

    def __init__(self) -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        document = json.dumps({"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, format: str, *args: object) -> None:  # ruff: ignore[A002] - the base's name
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, key: Any = None, kid: str = "k1", **changed: Any) -> str:
        claims = {
            "iss": "https://issuer.test/v2.0",
            "aud": "api://scoring",
            "exp": int(time.time()) + 300,
            "roles": ["Quote.Score"],
            "azp": "the-app",
        }
        return jwt.encode(claims | changed, key or self.key, algorithm="RS256", headers={"kid": kid})


@pytest.fixture
def directory() -> Iterator[Directory]:
    found = Directory()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_entra_tokens_are_validated_and_their_roles_decide(
    start: Callable[..., Running], directory: Directory
) -> None:
    entra = {
        "tenant": "t",
        "audience": "api://scoring",
        "issuer": "https://issuer.test/v2.0",
        "keys_url": f"http://127.0.0.1:{directory.server.server_port}/keys",
        "roles": {"Quote.Score": ["quote"]},
    }
    service = start(onnx={"security": {"entra": entra}})

    def status(token: str, path: str = "/score/quote", body: Any = None) -> int:
        return service.ask(path, body or ROW, headers={"authorization": f"Bearer {token}"}).status

    deadline = time.monotonic() + 10
    while status(directory.token()) == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    assert status(directory.token()) == 200
    assert status(directory.token(), "/score/win-probability", {"data": [win_probability().records[1]]}) == 403
    assert status(directory.token(exp=int(time.time()) - 600)) == 401
    assert status(directory.token(aud="api://other")) == 401
    assert status(directory.token(iss="https://evil.test")) == 401
    assert status(directory.token(key=stranger)) == 401
    assert status(directory.token(kid="k2")) == 401
    assert status(directory.token(roles=["Other"])) == 403
    assert status(directory.token().replace("e", "f", 3)) == 401
    forged = jwt.encode({"aud": "api://scoring", "roles": ["Quote.Score"]}, "", algorithm="none")
    assert status(forged) == 401


@pytest.fixture
def tls(tmp_path: Path) -> tuple[dict[str, str], ssl.SSLContext]:
    """The section of the settings, and what callers trust."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return {"certificate": str(chain), "private_key": str(key)}, context


def test_tls_is_served_with_the_certificate_of_the_settings(
    start: Callable[..., Running], tls: tuple[dict[str, str], ssl.SSLContext]
) -> None:
    service = start(onnx={"security": {"tls": tls[0]}})
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, context=tls[1])
    connection.request("POST", "/score/quote", json.dumps(ROW))
    assert json.load(connection.getresponse()) == [4.0]
    connection.close()


def test_old_versions_of_tls_are_refused(
    start: Callable[..., Running], tls: tuple[dict[str, str], ssl.SSLContext]
) -> None:
    service = start(onnx={"security": {"tls": tls[0]}})
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", service.port)) as sock, pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(sock)


def test_a_certificate_that_cannot_be_used_is_a_usage_error(store: Releases, tmp_path: Path) -> None:
    config = tmp_path / "onnxport.yaml"
    (tmp_path / "no.pem").write_text("no certificate")
    config.write_text("onnx: {security: {tls: {certificate: no.pem, private_key: no.pem}}}")
    command = [sys.executable, "-m", "onnxport.serving.main", "--store", store.store.url, "--model", "quote"]
    done = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 2
    assert "the certificate no.pem cannot be used" in done.stderr


def test_a_silent_caller_on_tls_does_not_delay_the_end(
    start: Callable[..., Running], tls: tuple[dict[str, str], ssl.SSLContext]
) -> None:
    service = start(onnx={"security": {"tls": tls[0]}, "limits": {"drain_seconds": 600}})
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, context=tls[1])
    connection.request("GET", "/health/live")
    connection.getresponse().read()
    service.stop()  # fails where it takes half a minute
    connection.close()


def test_a_caller_that_asks_too_often_is_told_when_to_come_back(start: Callable[..., Running]) -> None:
    service = start(onnx={"limits": {"per_second": 2}})
    replies = [service.ask("/score/quote", ROW) for _ in range(8)]
    assert replies[0].status == 200
    assert replies[-1].status == 429
    assert replies[-1].headers["retry-after"] == "1"
    now = [0.0]
    rates = Rates(10, lambda: now[0])
    assert sum(rates.check("a") is None for _ in range(50)) == 20
    assert rates.check("b") is None
    now[0] = 1.0
    assert sum(rates.check("a") is None for _ in range(50)) == 10


@pytest.mark.parametrize("names", [("quote",), ("quote", "win-probability")])
def test_the_document_has_the_paths_that_are_answered(store: Releases, names: tuple[str, ...]) -> None:
    models = {name: {"reference": f"{name}@production"} for name in names}
    with closing(asyncio.new_event_loop()) as loop:
        service = Service(settings_for(store, onnx={"models": models}), Metrics(Regions(1)), loop)
    described = document(dict.fromkeys(names), secured=False)["paths"]
    assert {path.encode() for path in described} == set(service.paths)


def test_schemathesis_finds_nothing(service: Running) -> None:
    """Every operation of the document, valid and broken requests, all checks."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"http://127.0.0.1:{service.port}/openapi.json",
        "--max-examples=12",
        "--seed=7",
        "--no-color",
        "--generation-deterministic",
        # a schema cannot say that a tensor's data has its shape, or that a split names each column once
        "--exclude-checks=positive_data_acceptance",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_failures_are_logged_with_ids_and_without_values(store: Releases, tmp_path: Path) -> None:
    process, port, _ = serve(store, tmp_path)
    headers = {"x-request-id": "r-1", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    wrong = {"data": [["secret-colour", 1, True, 1.0]]}
    assert ask(port, "/score/quote", wrong, headers=headers).status == 400
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    (line,) = [json.loads(line) for line in rest.splitlines() if '"answered"' in line]
    assert (line["request_id"], line["status"]) == ("r-1", 400)
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "secret-colour" not in rest


def test_what_libraries_log_is_json_too() -> None:
    code = (
        "import logging, warnings; from onnxport.serving.logs import log_to_stderr; log_to_stderr()\n"
        "logging.getLogger('azure.core').warning('a store that %s', 'fails'); warnings.warn('old')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    one, two = (json.loads(line) for line in done.stderr.splitlines())
    assert (one["event"], one["logger"], one["level"]) == ("a store that fails", "azure.core", "warning")
    assert "old" in two["event"]


def test_serving_brings_no_training_library() -> None:
    """The whole service, in a bare process: onnxruntime, numpy and the web stack only."""
    code = (
        "import sys, onnxport.serving.server, onnxport.serving.scorer, onnxport.serving.tokens\n"
        "heavy = {'pandas', 'sklearn', 'xgboost', 'mlflow', 'onnx', 'skl2onnx', 'pyarrow', 'scipy', 'matplotlib',"
        " 'azure', 'jinja2', 'onnxport.sources', 'onnxport.exporters', 'onnxport.pipelines'}\n"
        "print(sorted(heavy & {*sys.modules, *(name.split('.')[0] for name in sys.modules)}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
