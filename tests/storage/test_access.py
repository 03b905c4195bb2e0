"""Every way to sign a request, against Azurite; what is refused, and that no secret is shown."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import Unreachable
from onnxport.storage import StoreAccess, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.storage import Patience

pytestmark = pytest.mark.azurite


@pytest.fixture
def container(azurite: Any, hasty: Patience) -> str:
    """A container with one blob, `there`."""
    name = f"c-{uuid.uuid4().hex}"
    open_store(f"{azurite.url}/{name}", StoreAccess(account_key=azurite.account_key, patience=hasty)).create(
        "there", b"bytes"
    )
    return name


@pytest.fixture
def sas(azurite: Any, container: str) -> Callable[..., str]:
    """What makes shared access signatures for the container."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    def make(permission: str, hours: float = 1.0) -> str:
        return generate_container_sas(
            azurite.account_name,
            container,
            azurite.account_key,
            permission=ContainerSasPermissions.from_string(permission),
            expiry=datetime.now(UTC) + timedelta(hours=hours),
        )

    return make


WAYS = [
    "key",
    "connection string",
    "connection string and url",
    "connection string with sas",
    "sas",
    "?sas",
    "url",
]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_sign_in_works(azurite: Any, container: str, sas: Callable[..., str], way: str) -> None:
    url, token = f"{azurite.url}/{container}", sas("racwdl")
    location, access = {
        "key": (url, StoreAccess(account_key=azurite.account_key)),
        "connection string": (f"az://{container}", StoreAccess(connection_string=azurite.connection_string)),
        "connection string and url": (url, StoreAccess(connection_string=azurite.connection_string)),
        "connection string with sas": (
            f"az://{container}",
            StoreAccess(connection_string=f"BlobEndpoint={azurite.url};SharedAccessSignature={token}"),
        ),
        "sas": (url, StoreAccess(sas_token=token)),
        "?sas": (url, StoreAccess(sas_token=f"?{token}")),
        "url": (f"{url}?{token}", StoreAccess(account_key="b3RoZXI=")),
    }[way]
    store = open_store(location, access)
    store.create("new", b"new")
    assert {info.key for info in store.list("")} == {"there", "new"}
    assert store.url == url


def test_a_wrong_key_is_refused_with_the_next_step(azurite: Any, container: str) -> None:
    wrong = base64.b64encode(b"wrong").decode()
    store = open_store(f"{azurite.url}/{container}", StoreAccess(account_key=wrong))
    with pytest.raises(Unreachable, match=r"refuses access: 403") as caught:
        store.read("there")
    assert "Storage Blob Data Contributor" in caught.value.hint


def test_a_signature_for_reading_does_not_write(azurite: Any, container: str, sas: Callable[..., str]) -> None:
    store = open_store(f"{azurite.url}/{container}?{sas('rl')}", StoreAccess())
    assert store.read("there").data == b"bytes"
    with pytest.raises(Unreachable, match="refuses access"):
        store.create("new", b"")


def test_a_signature_that_expired_is_refused_and_not_shown(
    azurite: Any, container: str, sas: Callable[..., str]
) -> None:
    token = sas("racwdl", hours=-1)
    store = open_store(f"{azurite.url}/{container}?{token}", StoreAccess())
    with pytest.raises(Unreachable) as caught:
        list(store.list(""))
    assert_hidden(token, caught.value)


def test_a_signature_is_not_shown_where_nobody_answers(hasty: Patience) -> None:
    signature = "sv=2025-01-01&sig=c2VjcmV0&se=2030-01-01"
    store = open_store(f"http://127.0.0.1:9/account/container?{signature}", StoreAccess(patience=hasty))
    with pytest.raises(Unreachable) as caught:
        store.read("there")
    assert_hidden(signature, caught.value)


def test_a_container_that_is_missing_and_may_not_be_made_is_named(azurite: Any, sas: Callable[..., str]) -> None:
    store = open_store(f"{azurite.url}/absent-container?{sas('racwdl')}", StoreAccess())
    with pytest.raises(Unreachable) as caught:
        store.create("new", b"")
    assert "absent-container" in caught.value.message


def assert_hidden(token: str, error: Unreachable) -> None:
    signature = token.split("sig=")[1].split("&", maxsplit=1)[0]
    assert signature not in error.message + error.hint
    assert error.__cause__ is None
