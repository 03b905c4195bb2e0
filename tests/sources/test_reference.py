from __future__ import annotations

import pytest
from onnxport.artifacts import UsageError
from onnxport.sources.reference import parse


@pytest.mark.parametrize("text", ["model.joblib", "a/b.ubj", "./models", "/abs/model.json", "C++/x.pkl"])
def test_a_path_is_a_file_source(text: str) -> None:
    source = parse(text)
    assert (source.scheme, str(source.path)) == ("file", text.removeprefix("./"))


def test_a_file_url_is_a_file_source() -> None:
    assert str(parse("file:///models/win%20rate.ubj").path) == "/models/win rate.ubj"


def test_a_registered_version_has_name_and_version() -> None:
    source = parse("models:/win-probability/3")
    assert (source.scheme, source.name, source.version, source.alias) == ("models", "win-probability", "3", None)


def test_a_registered_alias_has_name_and_alias() -> None:
    source = parse("models:/win probability@champion")
    assert (source.name, source.version, source.alias) == ("win probability", None, "champion")


def test_a_logged_model_is_named_by_its_id() -> None:
    assert parse("models:/m-" + "0a" * 16).name == "m-" + "0a" * 16


def test_a_model_of_a_run_is_named_by_run_and_path() -> None:
    source = parse("runs:/3f2a/nested/model")
    assert (source.scheme, source.name) == ("runs", "3f2a")


@pytest.mark.parametrize(
    "text", ["azureml:win:3", "azureml:win@latest", "azureml://registries/R/models/M/versions/1"]
)
def test_azure_models_are_told_from_the_others(text: str) -> None:
    assert parse(text).scheme == "azureml"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://bucket/model.ubj",
        "https://host/model.ubj",
        "models:/win",
        "models:/win/three",
        "models:/win/0",
        "models:win/3",
        "models:/win/3/extra",
        "models:/win@a@b",
        "models:/",
        "runs:/3f2a",
        "runs:/3f2a/",
        "runs:/3f2a/../other",
        "runs:3f2a/model",
    ],
)
def test_what_names_no_source_is_refused_with_what_would(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.hint
