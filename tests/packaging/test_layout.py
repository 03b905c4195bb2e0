"""Folders, packaging, links for the type checkers and layer contracts say the same thing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
HEAVY = {
    "azure",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "skl2onnx",
    "sklearn",
    "xgboost",
}
TOP_PACKAGES = {name for name in SETUPTOOLS["packages"] if name.count(".") == 1}


def folders_with_code() -> set[str]:
    development = {"tests", "examples", "benchmarks", "tools", "docs", "typings", "node_modules", "build", "dist"}
    return {
        path.parent.name
        for path in ROOT.glob("*/__init__.py")
        if path.parent.name not in development and not path.parent.name.startswith(".")
    }


def test_every_folder_with_code_is_packaged_under_onnxport() -> None:
    assert {f"onnxport.{folder}" for folder in folders_with_code()} == TOP_PACKAGES


def test_every_package_maps_to_its_folder() -> None:
    mapping = SETUPTOOLS["package-dir"]
    assert set(mapping) == set(SETUPTOOLS["packages"])
    for package, folder in mapping.items():
        assert package == "onnxport." + folder.replace("/", ".")
        assert (ROOT / folder / "__init__.py").is_file()


def test_every_subfolder_with_code_is_packaged() -> None:
    found = {
        "onnxport." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in folders_with_code()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert found == set(SETUPTOOLS["packages"])


def test_type_checkers_see_each_folder_through_a_link() -> None:
    links = {path.name: path for path in (ROOT / "typings" / "onnxport").iterdir()}
    assert {f"onnxport.{name}" for name in links} == TOP_PACKAGES
    for name, link in links.items():
        assert link.is_symlink()
        assert link.resolve() == ROOT / name


def test_every_folder_stands_in_the_layers() -> None:
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert {part.strip() for layer in layers for part in layer.split("|")} == TOP_PACKAGES
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == TOP_PACKAGES


def test_every_folder_is_marked_as_typed_and_type_checked() -> None:
    assert set(PYPROJECT["tool"]["mypy"]["packages"]) == TOP_PACKAGES
    assert {f"onnxport.{name}" for name in PYPROJECT["tool"]["pyright"]["include"]} == TOP_PACKAGES
    for package in TOP_PACKAGES:
        assert "py.typed" in SETUPTOOLS["package-data"][package]


def test_locked_requirements_have_hashes_and_no_index_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text


@pytest.mark.parametrize("package", sorted(TOP_PACKAGES))
def test_a_package_imports_in_a_bare_process_and_brings_no_heavy_library(package: str) -> None:
    """The `__init__` of a folder is light: commands start fast, the serving image stays small."""
    code = f"import {package}, sys; print(sorted({HEAVY!r} & {{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
