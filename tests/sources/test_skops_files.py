from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from onnxport.artifacts import UntrustedModel, UsageError
from onnxport.sources import SourceAccess, load

if TYPE_CHECKING:
    from .conftest import Models

MARKER = "harm-was-done"


def _parts(model: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        schema = json.loads(archive.read("schema.json"))
        return schema, {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}


def _write(schema: Any, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile("model.skops", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr("schema.json", json.dumps(schema))


def _transformer(function: Any) -> Any:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    pipeline = make_pipeline(FunctionTransformer(function), LinearRegression())
    return pipeline.fit(np.ones((3, 1)), np.arange(3))


def _replace(node: Any, old: tuple[str, str], new: dict[str, Any]) -> int:
    """How many nodes of class `old` were overwritten with `new`."""
    if isinstance(node, list):
        return sum(_replace(item, old, new) for item in node)
    if not isinstance(node, dict):
        return 0
    found = (node.get("__module__"), node.get("__class__")) == old
    if found:
        node.update(new)
    return int(found) + sum(_replace(value, old, new) for value in node.values())


SYSTEM = {"__module__": "posix", "__class__": "system"}


@pytest.mark.parametrize(
    "new",
    [
        {**SYSTEM, "__loader__": "FunctionNode", "content": "posix.system"},
        {**SYSTEM, "__loader__": "TypeNode"},
        {**SYSTEM, "__loader__": "ObjectNode", "content": None},
        {"__module__": "builtins", "__class__": "eval", "__loader__": "FunctionNode", "content": "builtins.eval"},
        {"__module__": "operator", "__class__": "methodcaller", "__loader__": "OperatorFuncNode", "attrs": {}},
        {"__module__": "subprocess", "__class__": "Popen", "__loader__": "ObjectNode", "content": None},
        {"__module__": "pathlib", "__class__": "Path", "__loader__": "ObjectNode", "content": None},
        {"__module__": "numpy", "__class__": "memmap", "__loader__": "ObjectNode", "content": None},
    ],
    ids=lambda new: f"{new['__module__']}.{new['__class__']} by {new['__loader__']}",
)
def test_a_type_that_nobody_listed_is_refused(new: dict[str, Any], plain: SourceAccess) -> None:
    schema, files = _parts(_transformer(np.log1p))
    assert _replace(schema, ("numpy", "log1p"), new)
    _write(schema, files)
    with pytest.raises((UntrustedModel, UsageError), match=r"model\.skops"):
        load("model.skops", plain)


def test_a_function_outside_the_list_is_named_in_the_refusal(plain: SourceAccess) -> None:
    schema, files = _parts(_transformer(np.log1p))
    _replace(schema, ("numpy", "log1p"), {**SYSTEM, "__loader__": "FunctionNode", "content": "posix.system"})
    _write(schema, files)
    with pytest.raises(UntrustedModel, match=r"posix\.system"):
        load("model.skops", plain)


def test_what_the_test_replaces_opens_when_it_is_left_alone(plain: SourceAccess) -> None:
    _write(*_parts(_transformer(np.log1p)))
    assert load("model.skops", plain).model.predict(np.ones((2, 1))).shape == (2,)


def test_a_class_of_the_users_own_is_refused_until_its_module_is_allowed(
    own_module: str, plain: SourceAccess
) -> None:
    import importlib

    skops.io.dump(importlib.import_module(own_module).Constant(), "model.skops")
    with pytest.raises(UntrustedModel, match=r"house\.encoders\.Constant"):
        load("model.skops", plain)
    allowed = SourceAccess(allow_modules=(own_module,))
    assert type(load("model.skops", allowed).model).__name__ == "Constant"


def _bomb(name: str, size: int) -> None:
    with zipfile.ZipFile("model.skops", "w", compression=zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, "w", force_zip64=True) as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
        if name != "schema.json":
            archive.writestr("schema.json", "{}")


@pytest.mark.parametrize("name", ["schema.json", "1.npy"])
def test_a_zip_bomb_is_refused_unexpanded(name: str, plain: SourceAccess) -> None:
    _bomb(name, 300 << 20)
    assert Path("model.skops").stat().st_size < 1 << 20
    with pytest.raises(UntrustedModel, match="300 MiB"):
        load("model.skops", plain)


def test_an_array_of_objects_inside_is_refused(models: Models, plain: SourceAccess) -> None:
    """`numpy.load` would read it as a pickle."""
    schema, files = _parts(models.logistic)
    target = io.BytesIO()
    np.save(target, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    name = next(name for name in files if name.endswith(".npy"))
    _write(schema, {**files, name: target.getvalue()})
    with pytest.raises(UsageError, match="allow_pickle"):
        load("model.skops", plain)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(models: Models, plain: SourceAccess) -> None:
    schema, files = _parts(models.logistic)
    _write(schema, files)
    with zipfile.ZipFile("model.skops", "a") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(UntrustedModel, match="two files of one name"):
        load("model.skops", plain)


def test_names_that_lead_out_of_the_archive_write_nothing(
    models: Models, plain: SourceAccess, tmp_path: Path
) -> None:
    schema, files = _parts(models.logistic)
    _write(schema, {**files, "../../escaped": b"x", "/tmp/escaped-too": b"x"})  # ruff: ignore[S108] - must not appear
    load("model.skops", plain)
    assert not (tmp_path.parent / "escaped").exists()
    assert not Path("/tmp/escaped-too").exists()  # ruff: ignore[S108] - as above


def test_a_forged_booster_inside_is_refused(models: Models, plain: SourceAccess) -> None:
    schema, files = _parts(models.classifier)
    name = next(name for name in files if name.endswith(".bin"))
    _write(schema, {**files, name: files[name][: len(files[name]) // 2]})
    with pytest.raises(UsageError, match="not an XGBoost model"):
        load("model.skops", plain)


@pytest.mark.parametrize("schema", [{}, {"protocol": 2}, {"protocol": 10**9}, {"protocol": -1}, [], None])
def test_a_schema_that_says_nothing_is_refused(schema: Any, plain: SourceAccess) -> None:
    _write(schema, {})
    with pytest.raises(UsageError, match="not a skops file"):
        load("model.skops", plain)


def test_a_schema_that_is_nested_without_end_is_refused(plain: SourceAccess) -> None:
    with zipfile.ZipFile("model.skops", "w") as archive:
        archive.writestr("schema.json", '{"content":' * 50_000 + "1" + "}" * 50_000)
    with pytest.raises(UsageError, match="not a skops file"):
        load("model.skops", plain)


def test_a_truncated_file_is_refused_wherever_it_ends(models: Models, plain: SourceAccess) -> None:
    data = skops.io.dumps(models.pipeline)
    for end in range(1, len(data) - 1, len(data) // 50):
        Path("model.skops").write_bytes(data[:end])
        with pytest.raises(UsageError, match=r"model\.skops"):
            load("model.skops", plain)
