"""A recipe's rows in Azure Blob storage: brought here, digested, and gone again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas
from onnxport.artifacts import IntegrityError, Silent, Unreachable, UsageError, digest_bytes
from onnxport.sources import SourceAccess, TrainAccess, load, train
from onnxport.sources.recipe import Recipe
from onnxport.sources.tables import table_file
from onnxport.storage import StoreAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

NAME = "year=2026/won & lost.parquet"


@pytest.fixture
def container(azurite: Any) -> Iterator[ContainerClient]:
    with ContainerClient(azurite.url, "tables", credential=azurite.account_key) as client:
        client.create_container()
        yield client
        client.delete_container()


@pytest.fixture
def uploaded(
    container: ContainerClient, opportunities: Callable[[int, int], pd.DataFrame], tmp_path: Path
) -> bytes:
    opportunities(400, 3).to_parquet(tmp_path / "rows.parquet")
    data = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").unlink()
    container.upload_blob(NAME, data)
    return data


def _signature(azurite: Any) -> str:
    return generate_container_sas(
        azurite.account_name,
        "tables",
        account_key=azurite.account_key,
        permission=ContainerSasPermissions(read=True),
        expiry=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )


@pytest.mark.azurite
@pytest.mark.parametrize("way", ["az", "abfs", "url", "url with a signature"])
def test_a_model_is_trained_on_rows_in_blob_storage(
    way: str, uploaded: bytes, azurite: Any, mlflow_uri: str
) -> None:
    connection = StoreAccess(connection_string=azurite.connection_string)
    url = f"{azurite.url}/tables/{NAME.replace(' ', '%20')}"
    location, store = {
        "az": (f"az://tables/{NAME}", connection),
        "abfs": (f"abfs://tables/{NAME}", connection),
        "url": (url, StoreAccess(account_key=azurite.account_key)),
        "url with a signature": (f"{url}?{_signature(azurite)}", StoreAccess()),
    }[way]
    recipe = Recipe.model_validate(
        {
            "name": "win",
            "data": {"path": "not-here.parquet"},
            "features": ["amount", "probability"],
            "target": "target_win",
            "model": {"estimator": "xgboost.XGBClassifier", "params": {"n_estimators": 2, "max_depth": 2}},
        }
    )
    name = f"blob-{way.replace(' ', '-')}"
    trained = train(
        recipe, TrainAccess(tracking_uri=mlflow_uri, register=name, data=location, store=store), Silent()
    )
    assert digest_bytes(uploaded) in trained.card
    reference = load(trained.uri, SourceAccess(tracking_uri=mlflow_uri)).reference
    assert reference.card == trained.card
    assert reference.tags is not None
    assert reference.tags["onnxport.data_sha256"] == digest_bytes(uploaded)
    assert reference.tags["onnxport.data"] == location.partition("?")[0], "without its signature"


@pytest.mark.azurite
def test_the_file_is_gone_afterwards(uploaded: bytes, azurite: Any) -> None:
    access = StoreAccess(connection_string=azurite.connection_string)
    with table_file(f"az://tables/{NAME}", Path(), access, Silent()) as file:
        assert (file.path.read_bytes(), file.name) == (uploaded, "won & lost.parquet")
    assert not file.path.exists()


@pytest.mark.azurite
@pytest.mark.parametrize("location", ["az://tables/nothing.csv", "az://nowhere/rows.csv"])
def test_rows_that_are_not_there_are_a_usage_error(
    location: str, container: ContainerClient, azurite: Any
) -> None:
    access = StoreAccess(connection_string=azurite.connection_string)
    with pytest.raises(UsageError, match="no such file"), table_file(location, Path(), access, Silent()):
        pass
    assert container.exists()


@pytest.mark.azurite
def test_rows_that_change_while_they_are_brought_are_refused(container: ContainerClient, azurite: Any) -> None:
    """A file of two halves of two states would train without a word."""
    container.upload_blob("rows.csv", bytes(6 << 20))

    class Changing:
        def step(self, _name: str, _done: int, _total: int | None) -> None:
            container.upload_blob("rows.csv", bytes(6 << 20), overwrite=True)

    access = StoreAccess(connection_string=azurite.connection_string)
    bringing = table_file("az://tables/rows.csv", Path(), access, Changing())
    with pytest.raises(IntegrityError, match=r"rows\.csv .* while it was read"), bringing:
        pass


def test_a_location_without_a_file_is_refused() -> None:
    access = StoreAccess(account_name="acme", account_key="a2V5")
    with pytest.raises(UsageError, match="names no file"), table_file("az://tables", Path(), access, Silent()):
        pass


def test_storage_that_does_not_answer_is_unreachable() -> None:
    access = StoreAccess(account_key="a2V5")
    location = "http://127.0.0.1:9/acme/tables/rows.csv"
    with pytest.raises(Unreachable), table_file(location, Path(), access, Silent()):
        pass


def test_a_recipe_holds_no_signature() -> None:
    with pytest.raises(ValueError, match="no signature"):
        Recipe.model_validate(
            {
                "name": "win",
                "data": {"path": "https://acme.blob.core.windows.net/tables/rows.csv?sig=secret"},
                "features": ["a"],
                "target": "b",
                "model": {"estimator": "xgboost.XGBClassifier"},
            }
        )
