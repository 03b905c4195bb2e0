"""What the three agents do with a step, written down from their documentation: fill in, run bash, read outputs.

They are seams that cannot run here. No real Azure or GitHub was compared with them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One step that ran."""

    code: int
    out: str
    err: str
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return document


def bash(script: str, folder: Path, extra: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`script` as an agent runs it: in `folder`, with the step's variables beside the machine's own."""
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ONNXPORT_", "GITHUB_"))}
    return subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**kept, "PATH": path, **extra},
        capture_output=True,
        text=True,
        check=False,
    )


def azureml_command(component: Mapping[str, Any], inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """The component's command as Azure ML fills it in: `$[[…]]` stays only where its inputs are given."""
    given = {
        name: str(described["default"])
        for name, described in component["inputs"].items()
        if "default" in described
    }
    given |= inputs
    known = {f"inputs.{name}": value for name, value in given.items()}
    known |= {f"outputs.{name}": value for name, value in outputs.items()}

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(name in known for name in _EXPRESSION.findall(match[1])) else ""

    # the parts in brackets first: what stays in them is filled in with the rest
    text = re.sub(r"\$\[\[(.*?)\]\]", optional, component["command"])
    return _EXPRESSION.sub(lambda match: known[match[1]], text)


def github_action(
    action: Mapping[str, Any], given: Mapping[str, str], folder: Path, job: Mapping[str, str] | None = None
) -> Ran:
    """The composite action's last step with `given` as `with:` and `job` as the job's `env:`."""
    inputs = {name: described.get("default", "") for name, described in action["inputs"].items()} | dict(given)
    environment = dict(job or {})

    def value(match: re.Match[str]) -> str:
        for part in match[1].split(" || "):
            context, _, name = part.partition(".")
            found = inputs[name] if context == "inputs" else environment.get(name, "")
            if found:
                return found
        return ""

    step = action["runs"]["steps"][-1]
    assert step["shell"] == "bash"
    variables = {name: _EXPRESSION.sub(value, text) for name, text in step["env"].items()}
    output, page = folder / "github-output", folder / "github-summary"
    output.touch()
    page.touch()
    files = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(page)}
    done = bash(step["run"], folder, {**environment, **variables, **files})
    found = github_outputs(output.read_text())
    outputs = {
        name: found.get(described["value"].removeprefix("${{ steps.export.outputs.").removesuffix(" }}"), "")
        for name, described in action["outputs"].items()
    }
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr, outputs=outputs, summary=page.read_text())


def github_outputs(text: str) -> dict[str, str]:
    """What the runner reads in `$GITHUB_OUTPUT`: `NAME<<END`, lines, `END`; or `NAME=VALUE`."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, separator, end = line.partition("<<")
        if separator and "=" not in name:
            value: list[str] = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
        else:
            name, _, rest = line.partition("=")
            found[name] = rest
    return found


def azure_pipelines_step(template: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> Ran:
    """The template's export step without a service connection, its parameters expanded."""
    known = {parameter["name"]: parameter.get("default") for parameter in template["parameters"]} | dict(given)
    known = {name: value == "true" if value in {"true", "false"} else value for name, value in known.items()}
    step = next(step for step in _expanded(template["steps"], known) if step.get("name") == "export")
    temporary = folder / "agent"
    temporary.mkdir(exist_ok=True)
    agent = {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(temporary)}
    done = bash(step["bash"], folder, {**{name: str(value) for name, value in step["env"].items()}, **agent})
    outputs, summary = azure_orders(done.stdout + done.stderr)
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr, outputs=outputs, summary=summary)


def azure_orders(text: str) -> tuple[dict[str, str], str]:
    """The variables that the agent would set and the summaries that it would send, from both streams."""
    outputs: dict[str, str] = {}
    summary = ""
    for line in text.splitlines():
        match = re.search(r"##vso\[(\S+?)(?: (.*?))?\](.*)", line)
        if match is None:
            continue
        properties = dict(part.split("=", 1) for part in (match[2] or "").split(";") if part)
        if match[1] == "task.setvariable":
            outputs[_unescaped(properties["variable"])] = _unescaped(match[3])
        elif match[1] == "task.uploadsummary":
            summary += Path(_unescaped(match[3])).read_text()
        else:
            raise AssertionError(f"an order that nobody should give: {line}")
    return outputs, summary


def _unescaped(text: str) -> str:
    for sign, written in (("\r", "%0D"), ("\n", "%0A"), (";", "%3B"), ("]", "%5D"), ("%", "%AZP25")):
        text = text.replace(written, sign)
    return text


def _expanded(node: Any, known: Mapping[str, Any]) -> Any:
    """`node` with `${{ if }}` and `${{ parameters.X }}` resolved, as the server does before a run."""
    if isinstance(node, list):
        found: list[Any] = []
        taken = False
        for item in node:
            condition = (
                next((key for key in item if key.startswith("${{ ")), None) if isinstance(item, dict) else None
            )
            if condition is None:
                found.append(_expanded(item, known))
                continue
            taken = not taken if condition == "${{ else }}" else _holds(condition, known)
            if taken:
                found += _expanded(item[condition], known)
        return found
    if isinstance(node, dict):
        merged: dict[str, Any] = {}
        for key, value in node.items():
            if not key.startswith("${{ if "):
                merged[key] = _expanded(value, known)
            elif _holds(key, known):
                merged |= _expanded(value, known)
        return merged
    return (
        _EXPRESSION.sub(lambda match: str(known[match[1].removeprefix("parameters.")]), node)
        if isinstance(node, str)
        else node
    )


def _holds(condition: str, known: Mapping[str, Any]) -> bool:
    match = re.fullmatch(r"\$\{\{ if (eq|ne)\(parameters\.(\w+), (?:'(.*)'|(true))\) \}\}", condition)
    assert match is not None, condition
    wanted: object = True if match[4] else match[3]
    return (known[match[2]] == wanted) == (match[1] == "eq")
