"""The Azure ML home: command components whose inputs and outputs are files, folders and plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from definition import definition, description, exit_codes
from written import VERSION, WRITTEN, dump

if TYPE_CHECKING:
    from definition import Given

NAMES = {"train": "train", "export": "component", "check": "check"}
"""Command to the file that describes its component."""

_FOLDERS = {("check", "target")}  # inputs that are folders; other paths are files
_FILES = {("train", "data")}  # texts that name a file, here or elsewhere: in a pipeline Azure ML brings it
_TYPES = {"text": "string", "words": "string", "integer": "integer", "number": "number", "flag": "boolean"}
_DETERMINISTIC = {"check"}  # the others publish or register: Azure ML must not answer from an earlier run


def component(command: str) -> str:
    """The component of `command`, YAML."""
    given = [each for each in definition(command) if each.name != "out"]
    inputs: dict[str, Any] = {}
    for each in given:
        inputs.update(_inputs(command, each))
    document = {
        "$schema": "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json",
        "type": "command",
        "name": f"onnxport_{command}",
        "display_name": f"onnxport {command}",
        "version": VERSION,
        "description": f"{description(command)} Exit codes: {exit_codes()}.",
        "is_deterministic": command in _DETERMINISTIC,
        "inputs": inputs,
        "outputs": {"out": {"type": "custom_model" if command == "train" else "uri_folder"}},
        "environment": {
            "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest",
            "conda_file": "environment.yaml",
        },
    }
    return f"{WRITTEN}{dump(document)}command: >-\n{_command(command, given)}"


def environment() -> str:
    """The components' Conda environment, YAML."""
    packages = ["python=3.11", "pip", {"pip": [f"onnxport[export,azureml,lightgbm]=={VERSION}"]}]
    return WRITTEN + dump({"name": "onnxport", "channels": ["conda-forge"], "dependencies": packages})


def _inputs(command: str, given: Given) -> dict[str, Any]:
    about = {"description": given.help}
    if given.kind == "source":
        folder = "The model's folder, from an earlier step; either this or the text."
        return {
            given.name: {"type": "string", "optional": True, **about},
            f"{given.name}_folder": {"type": "custom_model", "mode": "download", "optional": True}
            | {"description": folder},
        }
    if given.kind == "file" or (command, given.name) in _FILES:
        kind = "uri_folder" if (command, given.name) in _FOLDERS else "uri_file"
        found: dict[str, Any] = {"type": kind, "mode": "download"}
    else:
        found = {"type": _TYPES[given.kind]}
    if given.choices:
        found["enum"] = list(given.choices)
    if given.kind == "flag":
        found["default"] = False
    elif given.default is not None:
        found["default"] = given.default
    elif not given.required:
        found["optional"] = True
    return {given.name: {**found, **about}}


def _command(command: str, given: list[Given]) -> str:
    """Variables for what is no flag with one value, then the command; Azure ML leaves out what nobody gives."""
    variables = [_variable(each) for each in given if each.kind in {"flag", "words"}]
    words = [_word(each) for each in given if each.kind not in {"flag", "words"}]
    lines = [*variables, f"onnxport {command}", *words, '--out "${{outputs.out}}"']
    return "".join(f"  {line}\n" for line in lines)  # YAML reads them as one


def _variable(given: Given) -> str:
    return _maybe(given, f'{given.variable}="${{{{inputs.{given.name}}}}}"')


def _word(given: Given) -> str:
    flag = f"{given.flag} " if given.flag else ""
    if given.kind == "source":
        return f'{flag}"$[[${{{{inputs.{given.name}}}}}]]$[[${{{{inputs.{given.name}_folder}}}}]]"'
    return _maybe(given, f'{flag}"${{{{inputs.{given.name}}}}}"')


def _maybe(given: Given, text: str) -> str:
    return text if given.required or given.default is not None or given.kind == "flag" else f"$[[{text}]]"
