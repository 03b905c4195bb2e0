"""From a location to its store, and what is said where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import Unreachable, UsageError
from onnxport.storage import StoreAccess, choose_auth, open_store

if TYPE_CHECKING:
    from pathlib import Path

KEY = StoreAccess(account_name="acme", account_key="a2V5")
CONNECTION = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://acme.blob.core.windows.net/models", "https://acme.blob.core.windows.net/models"),
        ("https://acme.blob.core.windows.net/models/a/b/", "https://acme.blob.core.windows.net/models/a/b"),
        ("http://127.0.0.1:10000/devstoreaccount1/models/p", "http://127.0.0.1:10000/devstoreaccount1/models/p"),
        ("http://azurite:10000/devstoreaccount1/models", "http://azurite:10000/devstoreaccount1/models"),
        ("https://gateway.example/acme/models/p", "https://gateway.example/acme/models/p"),
        ("az://models/p", "https://acme.blob.core.windows.net/models/p"),
        ("az://models", "https://acme.blob.core.windows.net/models"),
        (
            "https://acme.blob.core.windows.net/models?sig=secret&se=2030",
            "https://acme.blob.core.windows.net/models",
        ),
    ],
)
def test_a_blob_location_has_one_url_without_secrets_and_opens_again_by_it(location: str, url: str) -> None:
    store = open_store(location, KEY)
    assert store.url == url
    assert open_store(store.url, KEY).url == url


def test_a_connection_string_says_where_the_account_is() -> None:
    access = StoreAccess(connection_string=CONNECTION)
    assert open_store("az://models/p", access).url == "https://acme.blob.core.windows.net/models/p"


def test_a_folder_is_opened_by_its_path_or_as_a_file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = str(tmp_path / "a store")
    for location in ("a store", "./a store", expected, f"file://{tmp_path}/a%20store"):
        assert open_store(location, StoreAccess()).url == expected


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("s3://bucket/models", r"s3:// is no store.*az://"),
        ("", "empty"),
        ("  ", "empty"),
        ("file://elsewhere/models", "another machine"),
        ("https://acme.blob.core.windows.net", "names no container"),
        ("https://acme.blob.core.windows.net/UPPER/p", "names no container"),
        ("http://127.0.0.1:10000/account", "names no container"),
        ("https://acme.blob.core.windows.net:port/models", "no URL"),
        ("https://user:secret@acme.blob.core.windows.net/models", "no user and password"),
        ("https://acme.blob.core.windows.net/models/../up", "no key"),
        ("az://", "names no container"),
    ],
)
def test_what_is_no_location_is_refused_with_the_forms_that_are(location: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_store(location, KEY)
    assert caught.value.hint
    assert "secret" not in caught.value.message


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="a file, not a folder"):
        open_store(str(tmp_path / "file"), StoreAccess())


def test_a_short_location_needs_an_account() -> None:
    with pytest.raises(UsageError, match="which storage account") as caught:
        open_store("az://models", StoreAccess())
    assert "AZURE_STORAGE_ACCOUNT_NAME" in caught.value.hint


@pytest.mark.parametrize(
    "access",
    [
        StoreAccess(connection_string="secret"),
        StoreAccess(connection_string="AccountKey=secret"),
        StoreAccess(account_name="acme", account_key="secret!"),
    ],
)
def test_a_malformed_credential_is_refused_without_being_shown(access: StoreAccess) -> None:
    with pytest.raises(UsageError) as caught:
        open_store("az://models", access)
    assert "secret" not in caught.value.message + caught.value.hint + repr(access)
    assert caught.value.__cause__ is None


def test_a_token_is_not_sent_over_plain_http() -> None:
    with pytest.raises(UsageError, match="not https"):
        open_store("http://127.0.0.1:10000/account/models", StoreAccess())


@pytest.mark.parametrize("auth", ["environment", "cli"])
def test_a_login_that_is_not_there_is_unreachable_and_says_how_to_sign_in(
    auth: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no `az` there
    store = open_store("https://acme.blob.core.windows.net/models", StoreAccess(auth=auth))
    with pytest.raises(Unreachable, match=f"signing in to Azure with {auth} failed") as caught:
        store.read("key")
    assert "az login" in caught.value.hint


@pytest.mark.parametrize(
    ("environ", "auth"),
    [
        ({}, "cli"),
        ({"AZURE_CLIENT_SECRET": "s"}, "environment"),
        ({"IDENTITY_ENDPOINT": "http://x", "AZURE_CLIENT_SECRET": "s"}, "managed-identity"),
        ({"MSI_ENDPOINT": "http://x"}, "managed-identity"),
        ({"AZURE_FEDERATED_TOKEN_FILE": "f", "IDENTITY_ENDPOINT": "http://x"}, "workload-identity"),
        ({"AZURE_FEDERATED_TOKEN_FILE": ""}, "cli"),
    ],
)
def test_the_login_is_chosen_by_what_the_environment_is_made_for(environ: dict[str, str], auth: str) -> None:
    assert choose_auth(environ) == auth


def test_a_login_that_is_not_set_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="workload-identity is not set up"):
        open_store("https://acme.blob.core.windows.net/models", StoreAccess(auth="workload-identity"))
