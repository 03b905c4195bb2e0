"""One store of each kind, empty, for the contract that all of them keep."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.storage import BlobStore, Patience, StoreAccess, open_store

if TYPE_CHECKING:
    from pathlib import Path

HASTY = Patience(attempts=3, connect_seconds=2.0, read_seconds=2.0, pause_seconds=0.01)


@pytest.fixture
def hasty() -> Patience:
    """Retries without long pauses."""
    return HASTY


@pytest.fixture
def azure_location(azurite: Any) -> tuple[str, StoreAccess]:
    """A folder in a container that nobody made yet, and the access to it."""
    access = StoreAccess(account_key=azurite.account_key, patience=HASTY)
    return f"{azurite.url}/c-{uuid.uuid4().hex}/some/prefix", access


@pytest.fixture(params=["memory", "local", pytest.param("azure", marks=pytest.mark.azurite)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """An empty store."""
    if request.param == "memory":
        return open_store("memory://", StoreAccess())
    if request.param == "local":
        return open_store(str(tmp_path / "store"), StoreAccess())
    return open_store(*request.getfixturevalue("azure_location"))
