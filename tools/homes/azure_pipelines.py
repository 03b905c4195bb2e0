"""The Azure Pipelines home: a template of steps whose parameters reach the command as environment variables."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from definition import definition, exit_codes
from github import EXTRAS, OUTPUTS, told
from written import VERSION, WIDTH, WRITTEN

if TYPE_CHECKING:
    from definition import Given

_TYPES = {"flag": "boolean", "integer": "string", "number": "string"}  # a number cannot be left empty

_SCRIPT = """\
onnxport export -- "$SOURCE" || {
  code=$?
  [ -n "${KEEP_GOING:-}" ] || exit "$code"
}
"""


def template() -> str:
    """`examples/azure-pipelines/export.yml`."""
    given = definition("export")
    outputs = ", ".join(name.replace("-", "_") for name in OUTPUTS)
    return f"""{WRITTEN}#
# Fetch, convert, prove and publish a model. Later steps of the job read $(export.NAME), with NAME one of
# {outputs}.
{textwrap.fill(f"Exit codes: {exit_codes()}.", WIDTH, initial_indent="# ", subsequent_indent="# ")}

parameters:
  # The service connection that signs in to Azure, by workload identity federation; empty: no sign-in.
  - {{ name: azureSubscription, type: string, default: '' }}
  # What to install; empty: onnxport is installed already.
  - {{ name: requirement, type: string, default: 'onnxport[{EXTRAS}]=={VERSION}' }}
  # Whether the step succeeds although the export fails: then branch on $(export.exit_code).
  - {{ name: keepGoing, type: boolean, default: 'false' }}
{"".join(_parameter(each) for each in given)}
steps:
  - ${{{{ if ne(parameters.requirement, '') }}}}:
      - bash: python -m pip install --quiet --disable-pip-version-check "$REQUIREMENT"
        displayName: Install onnxport
        env:
          REQUIREMENT: ${{{{ parameters.requirement }}}}
  - ${{{{ if eq(parameters.azureSubscription, '') }}}}:
      - bash: |
{_script(10)}        name: export
        displayName: Export, prove and publish
        env:
{_environment(given)}  - ${{{{ else }}}}:
      - task: AzureCLI@2
        name: export
        displayName: Export, prove and publish
        inputs:
          azureSubscription: ${{{{ parameters.azureSubscription }}}}
          scriptType: bash
          scriptLocation: inlineScript
          inlineScript: |
{_script(12)}        env:
{_environment(given)}"""


def _parameter(given: Given) -> str:
    kind = _TYPES.get(given.kind, "string")
    empty = "'false'" if given.kind == "flag" else "''"
    default = "" if given.required else f", default: {empty}"
    values = f", values: ['', {', '.join(given.choices)}]" if given.choices else ""
    about = textwrap.fill(told(given), WIDTH, initial_indent="  # ", subsequent_indent="  # ")
    return f"{about}\n  - {{ name: {given.name}, type: {kind}{default}{values} }}\n"


def _environment(given: tuple[Given, ...]) -> str:
    lines = [
        "SOURCE: ${{ parameters.source }}",
        "${{ if eq(parameters.keepGoing, true) }}:",
        "  KEEP_GOING: 'yes'",
    ]
    for each in given:
        if each.kind == "source":
            continue
        value = f"{each.variable}: ${{{{ parameters.{each.name} }}}}"
        if each.required:
            lines.append(value)
            continue
        condition = "true" if each.kind == "flag" else "''"
        operator = "eq" if each.kind == "flag" else "ne"
        lines += [f"${{{{ if {operator}(parameters.{each.name}, {condition}) }}}}:", f"  {value}"]
    return "".join(f"          {line}\n" for line in lines)


def _script(indent: int) -> str:
    return textwrap.indent(_SCRIPT, " " * indent)
