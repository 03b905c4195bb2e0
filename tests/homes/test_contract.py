"""The Azure ML components, the GitHub Action and the Azure Pipelines template take what the command takes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer.main
from onnxport.cli.failures import EXIT_CODES
from onnxport.cli.main import app

from tests.homes.agents import ROOT, load

GROUP: Any = typer.main.get_command(app)
COMPONENTS = {"train": "train", "export": "component", "check": "check"}
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def parameters(command: str) -> dict[str, Any]:
    return {each.name: each for each in GROUP.commands[command].params if each.name not in {"json", "help"}}


def component(command: str) -> dict[str, Any]:
    return load(f"examples/azureml/{COMPONENTS[command]}.yaml")


def test_the_written_files_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools" / "homes"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMPONENTS)
def test_a_component_takes_the_options_of_its_command(command: str) -> None:
    described = component(command)
    names = {name.removesuffix("_folder") for name in described["inputs"]} | set(described["outputs"])
    assert names == set(parameters(command))


@pytest.mark.parametrize("command", COMPONENTS)
def test_a_component_s_inputs_have_the_types_and_defaults_of_the_options(command: str) -> None:
    inputs = component(command)["inputs"]
    for name, parameter in parameters(command).items():
        if name == "out" or f"{name}_folder" in inputs:
            continue
        described, kind = inputs[name], parameter.type_descriptor
        if kind.is_path or (command, name) == ("train", "data"):  # which names a file anywhere; Azure ML brings it
            assert described["type"] in {"uri_file", "uri_folder"}
            assert described["mode"] == "download"
        elif kind.is_choice:
            assert described["enum"] == [choice.value for choice in kind.choices]
        else:
            assert described["type"] == TYPES.get(kind.annotation, "string")
        assert described.get("default") == (parameter.default if parameter.default != "" else None)
        assert described.get("optional", False) == (not parameter.required and "default" not in described)


@pytest.mark.parametrize("command", COMPONENTS)
def test_every_input_of_a_component_reaches_its_command_line(command: str) -> None:
    described = component(command)
    for name in described["inputs"]:
        assert described["command"].count(f"${{{{inputs.{name}}}}}") == 1
    assert "${{outputs.out}}" in described["command"]
    for name, parameter in parameters(command).items():
        if parameter.param_type_name == "option":
            flag, variable = f"{parameter.opts[0]} ", f"ONNXPORT_{command}_{name}=".upper()
            assert (flag in described["command"]) != (variable in described["command"])


def test_the_action_and_the_template_take_the_options_of_export() -> None:
    names = set(parameters("export"))
    assert {name.replace("-", "_") for name in load("action.yml")["inputs"]} == {*names, "extras"}
    template = {parameter["name"] for parameter in load("examples/azure-pipelines/export.yml")["parameters"]}
    assert template == {*names, "azureSubscription", "requirement", "keepGoing"}


def test_what_is_required_on_the_command_line_is_required_elsewhere() -> None:
    required = {name for name, parameter in parameters("export").items() if parameter.required}
    action = load("action.yml")["inputs"]
    assert {name for name, described in action.items() if described.get("required")} == required
    template = load("examples/azure-pipelines/export.yml")["parameters"]
    assert {parameter["name"] for parameter in template if "default" not in parameter} == required


def test_an_empty_input_of_the_action_means_the_command_s_own_default() -> None:
    """Otherwise the action would beat the repository's onnxport.yaml; the text says what the default is."""
    for name, parameter in parameters("export").items():
        described = load("action.yml")["inputs"][name.replace("_", "-")]
        if not parameter.required:
            assert described["default"] == ""
            assert str(parameter.default or "") in described["description"]


def test_all_homes_tell_the_same_exit_codes() -> None:
    action = load("action.yml")["outputs"]["exit-code"]["description"]
    template = " ".join((ROOT / "examples/azure-pipelines/export.yml").read_text().replace("\n# ", " ").split())
    for text in (action, template, *(component(command)["description"] for command in COMPONENTS)):
        for number, meaning in EXIT_CODES.values():
            assert f"{number} {meaning}" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["vendor.github-actions", "action.yml"],
        ["vendor.azure-pipelines", "--data-transform", "azure-pipelines", "examples/azure-pipelines/export.yml"],
    ],
)
def test_the_files_are_valid_by_the_vendors_schemas(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_azure_ml_s_own_sdk_accepts_components_and_pipeline() -> None:
    """In a process of its own: the SDK's imports take seconds and warn about themselves."""
    script = """
from pathlib import Path
from azure.ai.ml import load_component, load_job
folder = Path("examples/azureml")
for name in ("train", "component", "check"):
    result = load_component(folder / f"{name}.yaml")._validate()
    assert result.passed, f"{name}: {result.error_messages}"
result = load_job(folder / "pipeline.yaml")._validate()
assert result.passed, result.error_messages
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def unknown_references(pipeline: dict[str, Any]) -> list[str]:
    """References of `pipeline` to inputs, jobs and outputs that do not exist: the SDK does not look."""
    known = {f"parent.inputs.{name}" for name in pipeline["inputs"]}
    known |= {f"parent.outputs.{name}" for name in pipeline["outputs"]}
    found: list[str] = []
    for name, job in pipeline["jobs"].items():
        described = load(f"examples/azureml/{job['component']}")
        texts = {**job["inputs"], **job.get("outputs", {})}
        found += [f"{name}.{key}" for key in texts if key not in {**described["inputs"], **described["outputs"]}]
        found += [
            f"{name}: {text}"
            for text in map(str, texts.values())
            if text.startswith("${{") and text.strip("${} ") not in known
        ]
        known |= {f"parent.jobs.{name}.outputs.{output}" for output in described["outputs"]}
    return found


def test_the_pipeline_s_references_exist() -> None:
    assert unknown_references(load("examples/azureml/pipeline.yaml")) == []


def test_a_reference_to_nothing_is_found() -> None:
    pipeline = load("examples/azureml/pipeline.yaml")
    pipeline["jobs"]["export"]["inputs"]["name"] = "${{parent.inputs.nope}}"
    pipeline["jobs"]["check"]["inputs"]["against_folder"] = "${{parent.jobs.trian.outputs.out}}"
    pipeline["jobs"]["train"]["inputs"]["rows"] = "5"
    assert len(unknown_references(pipeline)) == 3
