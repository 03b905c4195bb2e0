"""Every flavor and serialization that MLflow writes, and folders that lie about what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from onnxport.artifacts import UnsupportedModel, UntrustedModel, UsageError
from onnxport.sources import SourceAccess, load

from .conftest import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .conftest import Models

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, while the tests write models


@pytest.fixture
def save(models: Models, table: pd.DataFrame) -> Callable[..., Path]:
    """Writes `models.<kind>` with MLflow to the folder `model`."""

    def written(kind: str, flavor: str = "sklearn", described: bool = False, **settings: Any) -> Path:
        import mlflow.sklearn
        import mlflow.xgboost
        from mlflow.models import infer_signature
        from onnxport.sources.trust import SKOPS_TYPES

        model, rows = getattr(models, kind), table[FEATURES]
        if described:
            settings |= {"signature": infer_signature(rows, table["won"]), "input_example": rows.head(7)}
        if flavor == "sklearn" and settings.get("serialization_format", "skops") == "skops":
            settings["skops_trusted_types"] = sorted(SKOPS_TYPES)
        writer = {"sklearn": mlflow.sklearn, "xgboost": mlflow.xgboost}[flavor]
        writer.save_model(model, "model", pip_requirements=["numpy"], **settings)
        return Path("model")

    return written


def _change(**changes: Any) -> None:
    path = Path("model/MLmodel")
    described = yaml.safe_load(path.read_text())
    for name, value in changes.items():
        flavor, _, key = name.partition("__")
        described["flavors"][flavor][key] = value
    path.write_text(yaml.safe_dump(described))


@pytest.mark.parametrize("kind", ["logistic", "pipeline", "calibrated", "classifier"])
def test_a_skops_model_opens_without_permission(
    kind: str, save: Callable[..., Path], models: Models, plain: SourceAccess, table: pd.DataFrame
) -> None:
    save(kind)
    rows = table[FEATURES].fillna(0)
    assert np.array_equal(load("model", plain).model.predict(rows), getattr(models, kind).predict(rows))


@pytest.mark.parametrize("form", ["pickle", "cloudpickle"])
def test_a_pickled_model_needs_permission(
    form: str, save: Callable[..., Path], plain: SourceAccess, pickles: SourceAccess
) -> None:
    save("calibrated", serialization_format=form)
    with pytest.raises(UntrustedModel, match="pickle"):
        load("model", plain)
    assert type(load("model", pickles).model).__name__ == "CalibratedClassifierCV"


@pytest.mark.parametrize("form", ["ubj", "json", "xgb"])
@pytest.mark.parametrize(
    ("kind", "name"), [("booster", "Booster"), ("classifier", "XGBClassifier"), ("regressor", "XGBRegressor")]
)
def test_an_xgboost_model_opens_as_the_class_that_was_logged(
    form: str, kind: str, name: str, save: Callable[..., Path], plain: SourceAccess
) -> None:
    save(kind, flavor="xgboost", model_format=form)
    source = load("model", plain)
    assert type(source.model).__name__ == name
    assert source.reference.kind == "mlflow"


def test_the_signature_gives_the_columns_and_the_example_the_sample(
    save: Callable[..., Path], plain: SourceAccess, table: pd.DataFrame
) -> None:
    save("calibrated", described=True)
    source = load("model", plain)
    assert source.feature_columns == tuple(FEATURES)
    assert source.sample is not None
    for name in FEATURES:
        assert np.array_equal(source.sample.columns[name], table[name].to_numpy()[:7], equal_nan=True)


def test_the_types_of_the_signature_are_those_of_the_sample(
    save: Callable[..., Path], plain: SourceAccess
) -> None:
    save("calibrated", described=True)
    kinds = ["integer", "long", "float", "double", "boolean", "string"]
    Path("model/input_example.json").write_text(
        json.dumps({"columns": kinds, "data": [[1, None, 0.5, None, True, None], [2, 3, 1.5, 2.5, False, "x"]]})
    )
    described = yaml.safe_load(Path("model/MLmodel").read_text())
    described["signature"]["inputs"] = json.dumps([{"name": kind, "type": kind} for kind in kinds])
    Path("model/MLmodel").write_text(yaml.safe_dump(described))
    sample = load("model", plain).sample
    assert sample is not None
    assert [str(sample.columns[kind].dtype) for kind in kinds] == [
        "int32", "float64", "float32", "float64", "bool", "object",
    ]  # fmt: skip
    assert sample.records()[0] == {
        "integer": 1, "long": None, "float": 0.5, "double": None, "boolean": True, "string": None,
    }  # fmt: skip


def test_the_digest_is_that_of_the_model_whatever_else_the_folder_says(
    save: Callable[..., Path], plain: SourceAccess
) -> None:
    save("booster", flavor="xgboost")
    before = load("model", plain).reference.sha256
    with Path("model/MLmodel").open("a") as file:
        file.write("run_id: abc\n")
    after = load("model", plain).reference
    assert (after.sha256, after.run_id) == (before, "abc")


@pytest.mark.parametrize(
    "kind", ["os.system", "builtins.eval", "house.encoders.Constant", "xgboost.core.DMatrix", 7]
)
def test_a_class_that_the_model_names_itself_is_not_imported(
    kind: Any, save: Callable[..., Path], plain: SourceAccess
) -> None:
    save("booster", flavor="xgboost")
    _change(xgboost__model_class=kind)
    with pytest.raises(UntrustedModel, match="none of"):
        load("model", plain)


def test_types_that_the_model_declares_trusted_are_not(own_module: str, plain: SourceAccess) -> None:
    import importlib

    import mlflow.sklearn

    trusted = [f"{own_module}.Constant"]
    constant = importlib.import_module(own_module).Constant()
    mlflow.sklearn.save_model(constant, "model", skops_trusted_types=trusted, pip_requirements=["numpy"])
    with pytest.raises(UntrustedModel, match=r"house\.encoders\.Constant"):
        load("model", plain)


@pytest.mark.parametrize("name", ["../secret.ubj", "/etc/hostname", "a/../../secret.ubj"])
def test_a_model_file_outside_the_folder_is_refused(
    name: str, save: Callable[..., Path], models: Models, plain: SourceAccess
) -> None:
    save("booster", flavor="xgboost")
    models.booster.save_model("secret.ubj")
    _change(xgboost__data=name)
    with pytest.raises(UntrustedModel, match="outside"):
        load("model", plain)


def test_a_link_out_of_the_folder_is_refused(
    save: Callable[..., Path], models: Models, plain: SourceAccess
) -> None:
    save("booster", flavor="xgboost")
    models.booster.save_model("secret.ubj")
    Path("model/model.ubj").unlink()
    Path("model/model.ubj").symlink_to(Path("secret.ubj").resolve())
    with pytest.raises(UntrustedModel, match="outside"):
        load("model", plain)


def test_an_input_example_outside_the_folder_is_refused(save: Callable[..., Path], plain: SourceAccess) -> None:
    save("calibrated", described=True)
    described = yaml.safe_load(Path("model/MLmodel").read_text())
    described["saved_input_example_info"]["artifact_path"] = "../../../etc/passwd"
    Path("model/MLmodel").write_text(yaml.safe_dump(described))
    with pytest.raises(UntrustedModel, match="outside"):
        load("model", plain)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("!!python/object/apply:os.system ['touch harm']", "no YAML"),
        ("flavors: [", "no YAML"),
        ("- a\n- b", "must be a mapping"),
        ("", "must be a mapping"),
        ("flavors: 7", "must be a mapping"),
        ("flavors: {xgboost: 7}", "must be a mapping"),
        ("flavors: {xgboost: {}}", "names no model file"),
        ("flavors: {xgboost: {data: model.ubj}}", "no such file"),
        ("flavors: {sklearn: {pickled_model: [1]}}", "names no model file"),
    ],
)
def test_a_damaged_description_is_refused(content: str, says: str, plain: SourceAccess) -> None:
    Path("model").mkdir()
    Path("model/MLmodel").write_text(content)
    with pytest.raises(UsageError, match=says):
        load("model", plain)
    assert not Path("harm").exists()


@pytest.mark.parametrize(
    ("signature", "says"),
    [
        ({"inputs": "no json"}, "signature"),
        ({"inputs": "[1, 2]"}, "signature"),
        ({"inputs": '{"a": 1}'}, "signature"),
    ],
)
def test_a_damaged_signature_is_refused(
    signature: Any, says: str, save: Callable[..., Path], plain: SourceAccess
) -> None:
    save("booster", flavor="xgboost")
    described = yaml.safe_load(Path("model/MLmodel").read_text())
    Path("model/MLmodel").write_text(yaml.safe_dump({**described, "signature": signature}))
    with pytest.raises(UsageError, match=says):
        load("model", plain)


@pytest.mark.parametrize("content", ["no json", "[]", '{"columns": ["x"], "data": [[1]]}', '{"columns": 1}'])
def test_a_damaged_input_example_is_refused(content: str, save: Callable[..., Path], plain: SourceAccess) -> None:
    save("calibrated", described=True)
    Path("model/input_example.json").write_text(content)
    with pytest.raises(UsageError, match="input example"):
        load("model", plain)


def test_a_signature_of_a_tensor_names_no_columns(save: Callable[..., Path], plain: SourceAccess) -> None:
    save("booster", flavor="xgboost")
    described = yaml.safe_load(Path("model/MLmodel").read_text())
    inputs = json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 6]}}])
    Path("model/MLmodel").write_text(yaml.safe_dump({**described, "signature": {"inputs": inputs}}))
    assert load("model", plain).feature_columns is None


@pytest.mark.parametrize(
    ("loader", "says"),
    [
        ("mlflow.pyfunc.model", "Python code"),
        ("mlflow.pyfunc.loaders.code_model", "Python code"),
        ("mlflow.catboost", "mlflow.catboost"),
        ("my.own.loader", "my.own.loader"),
    ],
)
def test_a_python_function_is_refused_with_the_reason(loader: str, says: str, plain: SourceAccess) -> None:
    Path("model").mkdir()
    Path("model/MLmodel").write_text(yaml.safe_dump({"flavors": {"python_function": {"loader_module": loader}}}))
    with pytest.raises(UnsupportedModel, match=says) as refused:
        load("model", plain)
    assert refused.value.hint


def test_a_flavor_that_nobody_opens_is_refused_by_name(plain: SourceAccess) -> None:
    Path("model").mkdir()
    Path("model/MLmodel").write_text("flavors: {pytorch: {data: model.pth}}")
    with pytest.raises(UnsupportedModel, match="pytorch"):
        load("model", plain)


def test_a_serialization_that_nobody_opens_is_refused_by_name(
    save: Callable[..., Path], plain: SourceAccess
) -> None:
    save("logistic")
    _change(sklearn__serialization_format="dill")
    with pytest.raises(UnsupportedModel, match="dill"):
        load("model", plain)


def test_a_folder_without_a_description_is_refused_with_what_it_holds(plain: SourceAccess) -> None:
    Path("model").mkdir()
    Path("model/weights.bin").touch()
    with pytest.raises(UsageError, match=r"weights\.bin"):
        load("model", plain)
