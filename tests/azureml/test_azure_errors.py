"""Whatever Azure answers, or does not: one line that says what to do, within a bounded time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import OnnxportError, Unreachable, UsageError
from onnxport.sources import SourceAccess, load

from .front import BlobTrouble
from .resources import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GET_VERSION = r"GET .*/models/risk/versions/1$"
SECRETS = r"POST .*/listSecrets$"


@pytest.fixture(autouse=True)
def risk(azure: Any, booster: Path) -> None:
    """A model `risk` with the versions 1 and 2, and an archived version 3."""
    azure.upload("risk/model.json", booster.read_bytes())
    azure.ml.add("risk", "risk", version="1")
    azure.ml.add("risk", "risk", version="2")
    azure.ml.add("risk", "risk", version="3", archived=True)


@pytest.fixture
def refused(sources: SourceAccess) -> Callable[..., OnnxportError]:
    """The error of loading a model, checked for what all errors have in common; at the latest after `seconds`."""

    def load_it(uri: str = "azureml:risk:1", *, seconds: float = 5.0) -> OnnxportError:
        start = time.monotonic()
        with pytest.raises(OnnxportError) as caught:
            load(uri, sources)
        took = time.monotonic() - start
        assert took < seconds, f"{caught.value.message} came after {took:.1f} s"
        said = caught.value.message + caught.value.hint
        assert "\n" not in said
        assert "sig=" not in said
        assert "Bearer" not in said
        assert len(caught.value.message) < 600
        assert caught.value.hint
        return caught.value

    return load_it


def test_a_missing_model_is_named(refused: Any) -> None:
    error = refused("azureml:rsk:1")

    assert isinstance(error, UsageError)
    assert error.message.startswith("there is no model rsk in workspace ml-prod (resource group analytics)")
    assert "az ml model list" in error.hint


def test_a_missing_version_is_answered_with_those_that_there_are(refused: Any) -> None:
    error = refused("azureml:risk:9")

    assert isinstance(error, UsageError)
    assert error.message.endswith("has no version 9; it has 2, 1")


def test_an_archived_version_is_refused_with_the_way_to_restore_it(refused: Any) -> None:
    error = refused("azureml:risk:3")

    assert isinstance(error, UsageError)
    assert "version 3, in workspace ml-prod (resource group analytics) is archived" in error.message
    assert error.hint.endswith("az ml model restore --name risk --version 3.")


def test_the_latest_version_is_the_newest_that_is_not_archived(sources: SourceAccess) -> None:
    assert load("azureml:risk@latest", sources).reference.version == "2"


def test_a_model_whose_versions_are_all_archived_has_no_latest(azure: Any, refused: Any) -> None:
    for version in azure.ml.models:
        version.archived = True

    assert "every version of it is archived" in refused("azureml:risk@latest").message


def test_archived_versions_are_found_on_later_pages(azure: Any, refused: Any) -> None:
    for number in range(10, 60):
        azure.ml.add("risk", "risk", version=str(number), archived=True)

    assert "is archived" in refused("azureml:risk:3").message


@pytest.mark.parametrize(
    "uri",
    [
        "azureml:risk@production",
        "azureml:risk",
        "azureml:risk:",
        "azureml:../x:1",
        "azureml://models/risk/versions/1",
    ],
)
def test_what_names_no_model_is_refused_without_a_request(uri: str, azure: Any, refused: Any) -> None:
    assert isinstance(refused(uri), UsageError)
    assert azure.script.seen == []


def test_a_missing_workspace_is_told_from_a_missing_model(fault: Any, refused: Any) -> None:
    fault(path="GET .*/workspaces/ml-prod/", status=404, code="ResourceNotFound")

    error = refused()

    assert isinstance(error, UsageError)
    assert error.message.startswith("there is no Azure ML workspace ml-prod")
    assert "az ml workspace list" in error.hint


def test_a_missing_registry_is_named(refused: Any) -> None:
    error = refused("azureml://registries/nowhere/models/risk/versions/1")

    assert isinstance(error, UsageError)
    assert "registry nowhere" in error.message


def test_a_missing_model_in_a_registry_is_named(refused: Any) -> None:
    error = refused(f"azureml://registries/{REGISTRY}/models/risk/versions/1")

    assert isinstance(error, UsageError)
    assert f"there is no model risk in registry {REGISTRY}" in error.message


@pytest.mark.parametrize("path", [GET_VERSION, SECRETS])
@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "az login"),
        (403, "AzureML Data Scientist"),
        (409, "Run the same command again"),
        (429, "later"),
        (500, "status.azure.com"),
        (503, "status.azure.com"),
        (0, "proxy"),
    ],
)
def test_error_answers_say_what_to_do(path: str, status: int, hint: str, fault: Any, refused: Any) -> None:
    fault(path=path, status=status)

    error = refused()

    assert isinstance(error, Unreachable)
    assert hint in error.hint
    assert (str(status) if status else "RemoteDisconnected") in error.message or status == 0


def test_a_short_pause_that_azure_asks_for_is_kept(fault: Any, sources: SourceAccess) -> None:
    fault(path=GET_VERSION, status=429, headers={"Retry-After": "1"}, times=1)

    start = time.monotonic()
    load("azureml:risk:1", sources)

    assert time.monotonic() - start >= 1


def test_short_pauses_end_too(fault: Any, refused: Any) -> None:
    fault(path=GET_VERSION, status=429, headers={"Retry-After": "1"})

    assert "429" in refused(seconds=6).message


@pytest.mark.parametrize("path", [GET_VERSION, SECRETS])
def test_a_long_pause_is_not_waited_for(path: str, fault: Any, refused: Any) -> None:
    fault(path=path, status=429, headers={"Retry-After": "3600"})

    error = refused(seconds=3)

    assert isinstance(error, Unreachable)
    assert "asks to wait 3600 seconds" in error.message
    assert "in 61 minutes" in error.hint


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_what_passes_is_tried_again(status: int, fault: Any, sources: SourceAccess) -> None:
    fault(path=GET_VERSION, status=status, times=2)

    assert load("azureml:risk:1", sources).reference.version == "1"


def test_a_token_endpoint_that_asks_for_a_long_pause_is_not_waited_for(fault: Any, refused: Any) -> None:
    fault(path=r"/oauth2/v2.0/token", status=429, headers={"Retry-After": "3600"})

    assert "asks to wait 3600 seconds" in refused(seconds=3).message


@pytest.mark.parametrize("path", [GET_VERSION, r"GET .*/datastores/workspaceblobstore$", SECRETS])
@pytest.mark.parametrize("body", [b"<html>Sign in to the guest network</html>", b"", b"null", b"[]", b'{"id": 3}'])
def test_answers_that_are_none_of_azures_are_told_as_such(
    path: str, body: bytes, fault: Any, refused: Any
) -> None:
    fault(path=path, status=200, body=body)

    error = refused()

    assert isinstance(error, Unreachable)
    assert "proxy" in error.hint


def test_silence_is_not_waited_out(fault: Any, refused: Any) -> None:
    fault(path=GET_VERSION, status=200, delay_seconds=8)

    error = refused(seconds=8)  # three tries of two seconds, and the pauses between

    assert isinstance(error, Unreachable)
    assert "does not answer" in error.message


def test_a_slow_answer_is_waited_for(fault: Any, sources: SourceAccess) -> None:
    fault(path=GET_VERSION, status=200, delay_seconds=1)

    assert load("azureml:risk:1", sources).reference.version == "1"


def test_a_dead_proxy_is_found_out_soon(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    error = refused()

    assert isinstance(error, Unreachable)
    assert "signing in to Azure with environment failed" in error.message


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "AuthorizationPermissionMismatch", "Storage Blob Data Reader"),
        (403, "AuthenticationFailed", "az login"),
        (500, "InternalError", "status.azure.com"),
        (503, "ServerBusy", "status.azure.com"),
    ],
)
def test_error_answers_of_storage_say_what_to_do(
    status: int, code: str, hint: str, azure: Any, refused: Any
) -> None:
    head = f"HTTP/1.1 {status} No\r\nx-ms-error-code: {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    azure.front.trouble = BlobTrouble(answer=head.encode())

    error = refused(seconds=12)

    assert isinstance(error, Unreachable)
    assert hint in error.hint
    assert code in error.message


def test_storage_that_hangs_up_is_found_out_soon(azure: Any, refused: Any) -> None:
    azure.front.trouble = BlobTrouble(cut_after=10, cuts=1000)

    error = refused(seconds=12)

    assert isinstance(error, Unreachable)
    assert "does not answer" in error.message or "broke off" in error.message


def test_files_that_are_gone_are_named(azure: Any, refused: Any) -> None:
    azure.ml.add("hollow", "nothing/here")

    error = refused("azureml:hollow:1")

    assert isinstance(error, UsageError)
    assert "model hollow, version 1 has no files: nothing is left at" in error.message
    assert error.message.endswith("nothing/here")
