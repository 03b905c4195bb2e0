"""The GitHub home: a composite action whose inputs reach the command as environment variables.

Nothing that a caller gives is pasted into a script: a shell never reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from definition import definition, description, exit_codes
from written import WRITTEN, Literal, dump

if TYPE_CHECKING:
    from definition import Given

OUTPUTS = {
    "model": "Name of the model.",
    "version": "Number of the release.",
    "digest": "SHA-256 of the graph.",
    "created": "true when this run made the release, false when it was there already.",
    "store": "Where the release lies.",
    "manifest": "Key of the manifest in the store.",
    "alias": "The alias that was moved; empty when none was.",
    "parity-passed": "true, or false when parity failed.",
    "error": "Code of the error; empty when there was none.",
    "exit-code": "",
}
"""What `onnxport export` tells a CI system, as `cli/summary.py` writes it."""

EXTRAS = "export,azureml,lightgbm"


def action() -> str:
    """`action.yml`."""
    given = definition("export")
    inputs = {_name(each): _input(each) for each in given}
    inputs["extras"] = {
        "description": "Extras to install onnxport with, from the action's own commit; empty: it is there.",
        "default": EXTRAS,
    }
    document = {
        "name": "onnxport export",
        "description": description("export"),
        "inputs": inputs,
        "outputs": {name: _output(name, text) for name, text in OUTPUTS.items()},
        "runs": {"using": "composite", "steps": [_install(), _export(given)]},
    }
    return WRITTEN + dump(document)


def told(given: Given) -> str:
    """What an input's description says: help, choices, and what holds where it is empty."""
    notes = [given.help]
    if given.choices:
        notes.append(f"One of {', '.join(given.choices)}.")
    if given.kind == "words":
        notes.append("Several are separated by spaces.")
    if not given.required:
        notes.append(f"Empty: as onnxport.yaml says, else {_default(given)}.")
    return " ".join(notes)


def _default(given: Given) -> str:
    if given.kind == "flag":
        return "false"
    return "not given" if given.default is None else str(given.default)


def _name(given: Given) -> str:
    return given.name.replace("_", "-")


def _input(given: Given) -> dict[str, Any]:
    return {"description": told(given)} | ({"required": True} if given.required else {"default": ""})


def _output(name: str, text: str) -> dict[str, str]:
    return {"description": text or f"{exit_codes()}.", "value": f"${{{{ steps.export.outputs.{name} }}}}"}


def _install() -> dict[str, Any]:
    return {
        "name": "Install onnxport",
        "if": "inputs.extras != ''",
        "shell": "bash",
        "env": {"EXTRAS": "${{ inputs.extras }}", "FOLDER": "${{ github.action_path }}"},
        "run": 'python -m pip install --quiet --disable-pip-version-check "${FOLDER}[${EXTRAS}]"',
    }


def _export(given: tuple[Given, ...]) -> dict[str, Any]:
    return {
        "name": "Export, prove and publish",
        "id": "export",
        "shell": "bash",
        "env": {"SOURCE": "${{ inputs.source }}"}
        | {each.variable: _value(each) for each in given if each.kind != "source"},
        "run": Literal('onnxport export -- "$SOURCE"\n'),
    }


def _value(given: Given) -> str:
    own = f" || env.{given.variable}" if given.own else ""
    return f"${{{{ inputs.{_name(given)}{own} }}}}"
