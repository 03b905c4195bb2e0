"""Which workspace is meant, what a text names, and which credential signs."""

from __future__ import annotations

import json
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from onnxport.artifacts import Unreachable, UsageError
from onnxport.sources import AzureAccess, AzureWorkspace, SourceAccess, load, resolve_workspace
from onnxport.sources.azure_names import parse_azure_name
from onnxport.storage import choose_auth

from .emulator import token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = {"subscription_id": "s-flag", "resource_group": "g-flag", "workspace_name": "w-flag"}
CONFIG = {"subscription_id": "s-yaml", "resource_group": "g-yaml", "workspace_name": "w-yaml"}
ENVIRON = {
    "AZURE_ML_SUBSCRIPTION_ID": "s-env",
    "AZURE_ML_RESOURCE_GROUP": "g-env",
    "AZURE_ML_WORKSPACE_NAME": "w-env",
}
COMPUTE = {
    "AZUREML_ARM_SUBSCRIPTION": "s-arm",
    "AZUREML_ARM_RESOURCEGROUP": "g-arm",
    "AZUREML_ARM_WORKSPACE_NAME": "w-arm",
}
FILE = {"subscription_id": "s-file", "resource_group": "g-file", "workspace_name": "w-file"}


def _resolved(
    flags: Any = (), config: Any = (), environ: Any = (), start: Any = None
) -> tuple[str, str, str] | None:
    found = resolve_workspace(dict(flags), dict(config), dict(environ), start)
    return None if found is None else (found.subscription_id, found.resource_group, found.workspace_name)


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    ("levels", "prefix"),
    [
        ((FLAGS, CONFIG, ENVIRON | COMPUTE), "flag"),
        (({}, CONFIG, ENVIRON | COMPUTE), "yaml"),
        (({}, {}, ENVIRON | COMPUTE), "env"),
        (({}, {}, COMPUTE), "arm"),
        (({}, {}, {}), "file"),
        ((dict.fromkeys(FLAGS, ""), dict.fromkeys(FLAGS), dict.fromkeys(ENVIRON, "")), "file"),
    ],
)
def test_flags_beat_the_configuration_then_the_environment_then_the_file(
    levels: Any, prefix: str, tmp_path: Path
) -> None:
    _write(tmp_path / "config.json", FILE)

    assert _resolved(*levels, tmp_path) == (f"s-{prefix}", f"g-{prefix}", f"w-{prefix}")


def test_each_field_has_its_own_precedence(tmp_path: Path) -> None:
    _write(tmp_path / ".azureml" / "config.json", FILE)
    flags, config = {"workspace_name": "w-flag"}, {"resource_group": "g-yaml"}

    assert _resolved(flags, config, {}, tmp_path) == ("s-file", "g-yaml", "w-flag")


@pytest.mark.parametrize(
    "place", [".azureml/config.json", "aml_config/config.json", "config.json", ".azureml/project.json"]
)
def test_the_file_is_found_where_the_sdk_finds_it(place: str, tmp_path: Path) -> None:
    from azure.ai.ml import MLClient

    _write(tmp_path / place, FILE)
    start = tmp_path / "a" / "b"
    start.mkdir(parents=True)

    assert _resolved(start=start) == ("s-file", "g-file", "w-file")
    theirs = MLClient.from_config(object(), path=start)  # type: ignore[arg-type] - nothing is asked of it
    assert (theirs.subscription_id, theirs.resource_group_name, theirs.workspace_name) == (
        "s-file",
        "g-file",
        "w-file",
    )


def test_the_old_form_of_the_file_is_read(tmp_path: Path) -> None:
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    _write(tmp_path / ".azureml" / "config.json", {"Scope": scope})

    assert _resolved(start=tmp_path) == ("s", "g", "w")


@pytest.mark.parametrize("other", ["[1, 2]", "no json", '{"hidden_size": 768}', '{"subscription_id": "s"}'])
def test_other_files_of_that_name_are_passed_by(other: str, tmp_path: Path) -> None:
    _write(tmp_path / "config.json", FILE)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "config.json").write_text(other, encoding="utf-8")

    assert _resolved(start=tmp_path / "inner") == ("s-file", "g-file", "w-file")


def test_nobody_names_a_workspace(tmp_path: Path) -> None:
    assert _resolved(start=tmp_path) is None


def test_half_a_workspace_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="subscription_id 's-env', no resource_group, workspace_name") as error:
        _resolved(environ={"AZURE_ML_SUBSCRIPTION_ID": "s-env"}, start=tmp_path)
    assert "AZURE_ML_RESOURCE_GROUP" in error.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("azureml:win-probability:3", ("win-probability", "3", None, None)),
        ("azureml:Win_Probability.v2:2024-01", ("Win_Probability.v2", "2024-01", None, None)),
        ("azureml:risk@latest", ("risk", None, "latest", None)),
        ("azureml://registries/reg/models/risk/versions/4", ("risk", "4", None, "reg")),
        ("azureml://registries/reg/models/risk/labels/latest", ("risk", None, "latest", "reg")),
    ],
)
def test_texts_name_models(text: str, expected: tuple[str | None, ...]) -> None:
    found = parse_azure_name(text)

    assert (found.name, found.version, found.label, found.registry) == expected
    assert found.workspace is None


def test_long_texts_name_the_workspace_too() -> None:
    text = "azureml://subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/1"

    assert parse_azure_name(text).workspace == AzureWorkspace(
        subscription_id="s", resource_group="g", workspace_name="w"
    )


# Credentials: each of them really signs in over loopback, or says why it cannot.


class _Identity(BaseHTTPRequestHandler):
    """The token endpoint that a managed compute offers."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        query = parse_qs(urlsplit(self.path).query)
        resource = query["resource"][0]
        expires = "4102444800"
        body = json.dumps(
            {"access_token": token(resource), "expires_on": expires, "resource": resource, "token_type": "Bearer"}
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_said: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def identity() -> Iterator[tuple[str, list[str]]]:
    """The URL of a compute's token endpoint, and what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Identity", (_Identity,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/token", asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def signed_in(azure: Any, access: AzureAccess, booster: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a model with the credential that fits an environment that has only `variables`."""
    azure.upload("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name)

    def sign_in(variables: dict[str, str], auth: Any = None, client: str | None = None) -> str | None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        chosen = AzureAccess(
            workspace=access.workspace,
            auth=auth or choose_auth(variables),
            identity_client_id=client,
            patience=access.patience,
        )
        return load("azureml:m:1", SourceAccess(azure=chosen)).reference.version

    return sign_in


PRINCIPAL = {"AZURE_TENANT_ID": "9" * 8 + "-0000-0000-0000-000000000000", "AZURE_CLIENT_ID": "c"}


def test_a_secret_signs_in_as_a_service_principal(signed_in: Any, azure: Any) -> None:
    assert signed_in({**PRINCIPAL, "AZURE_CLIENT_SECRET": "s"}) == "1"
    assert any(asked.endswith("/oauth2/v2.0/token") for asked in azure.script.seen)


def test_one_token_serves_all_requests(signed_in: Any, azure: Any) -> None:
    signed_in({**PRINCIPAL, "AZURE_CLIENT_SECRET": "s"})

    assert sum(asked.endswith("/oauth2/v2.0/token") for asked in azure.script.seen) == 1


def test_a_federated_token_signs_in_as_a_workload(signed_in: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(token("api://AzureADTokenExchange"), encoding="utf-8")

    assert signed_in({**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token")}) == "1"


@pytest.mark.parametrize(
    ("endpoint", "header"), [("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), ("MSI_ENDPOINT", "MSI_SECRET")]
)
def test_a_managed_compute_signs_in_as_itself(endpoint: str, header: str, signed_in: Any, identity: Any) -> None:
    url, asked = identity

    assert signed_in({endpoint: url, header: "h"}, client="my-identity") == "1"
    assert len(asked) == 1
    assert "my-identity" in asked[0]


def test_the_azure_cli_signs_in_at_a_desk(signed_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "accessToken": token("https://management.azure.com"),
        "expires_on": 4102444800,
        "expiresOn": "2100-01-01",
    }
    script = tmp_path / "az"
    script.write_text(f"#!/bin/sh\necho one >> {tmp_path}/calls\necho '{json.dumps(answer)}'\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert signed_in({}) == "1"
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "one\n"


def test_without_the_azure_cli_it_says_that_the_cli_was_tried(
    signed_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unreachable, match="signing in to Azure with cli failed: Azure CLI not found") as error:
        signed_in({})
    assert "az login" in error.value.hint


def test_a_wrong_secret_says_that_the_environment_was_tried(signed_in: Any, azure: Any) -> None:
    azure.script.tenants_refused = True

    with pytest.raises(
        Unreachable, match=r"signing in to Azure with environment failed: .*AADSTS7000215"
    ) as error:
        signed_in({**PRINCIPAL, "AZURE_CLIENT_SECRET": "s"})
    assert "AZURE_CLIENT_SECRET" in error.value.hint


def test_a_workload_without_its_variables_is_a_usage_error(signed_in: Any) -> None:
    with pytest.raises(UsageError, match="signing in to Azure with workload-identity is not set up"):
        signed_in({}, auth="workload-identity")


def test_an_environment_without_its_variables_says_so(signed_in: Any) -> None:
    with pytest.raises(Unreachable, match="signing in to Azure with environment failed"):
        signed_in({}, auth="environment")


def test_a_missing_extra_is_one_line_with_the_command(
    access: AzureAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "azure.identity", None)  # what an import of a missing package finds

    with pytest.raises(UsageError, match=r"needs the Azure ML SDK, and azure\.identity is not installed") as error:
        load("azureml:m:1", SourceAccess(azure=access))
    assert error.value.hint == "Install it: pip install 'onnxport[azureml]'."
