"""A datastore without a secret of its own is read and written as the user who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from onnxport.sources import AzureRegistration, SourceAccess, load, register_azureml

if TYPE_CHECKING:
    from pathlib import Path

    from azure.storage.blob import ContainerClient


@pytest.fixture
def secured(azure: Any, secured_account: ContainerClient) -> ContainerClient:
    """The container of a storage account that takes tokens; the workspace's datastore has no secret for it."""
    azure.ml.account, azure.ml.secret = (secured_account.account_name, ""), "None"
    return secured_account


def test_models_are_read_with_the_users_token(
    secured: ContainerClient, azure: Any, sources: SourceAccess, booster: Path
) -> None:
    secured.upload_blob("m/model.json", booster.read_bytes())
    azure.ml.add("m", "m")

    assert load("azureml:m:1", sources).model.num_boosted_rounds() == 4
    assert not any("listSecrets" in asked for asked in azure.script.seen)


def test_models_are_registered_with_the_users_token(
    secured: ContainerClient, access: Any, sources: SourceAccess, booster: Path
) -> None:
    made = register_azureml(AzureRegistration(name="m", files=booster, kind="custom_model"), access)

    assert load(made.uri, sources).model.num_boosted_rounds() == 4
    assert next(blob.name for blob in secured.list_blobs()).startswith("onnxport/m/")
