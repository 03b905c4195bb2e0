"""What CI systems read: outputs that cannot end themselves, a summary, and no order that somebody else wrote."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.artifacts import ParityFailed, UsageError
from onnxport.cli.ci import AzurePipelines, GitHubActions, NoCi, ci_of, harmless, harmless_json
from onnxport.cli.summary import block, cell, report_failure

from tests.homes.agents import azure_orders, github_outputs

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "a%0Ab;c]d\r\n::set-env name=PATH::/evil\n##vso[task.setvariable variable=x]y\nend<<EOF\nEOF\nz=1"


@pytest.fixture
def github(tmp_path: Path) -> GitHubActions:
    return GitHubActions(output=tmp_path / "output", page=tmp_path / "page")


def test_github_reads_the_very_values(github: GitHubActions, tmp_path: Path) -> None:
    github.outputs({"model": HOSTILE, "version": "7"})
    lines = HOSTILE.replace("\r\n", "\n")
    assert github_outputs((tmp_path / "output").read_text()) == {"model": lines, "version": "7"}


def test_a_value_cannot_know_the_line_that_ends_it(github: GitHubActions, tmp_path: Path) -> None:
    github.outputs({"a": "x"})
    github.outputs({"a": "x"})
    ends = re.findall(r"a<<(\S+)", (tmp_path / "output").read_text())
    assert len(set(ends)) == 2
    assert all(len(end) > 20 for end in ends)


def test_azure_pipelines_reads_the_very_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AzurePipelines(folder=tmp_path).outputs({"parity-passed": "true", "model": HOSTILE})
    captured = capsys.readouterr()
    assert captured.out == ""  # it belongs to the one JSON document
    assert azure_orders(captured.err)[0] == {"parity_passed": "true", "model": HOSTILE}
    assert len(captured.err.splitlines()) == 2


def test_azure_pipelines_sends_a_summary_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AzurePipelines(folder=tmp_path).summary("onnxport", "| a |")
    assert azure_orders(capsys.readouterr().err)[1] == "## onnxport\n\n| a |\n"


def test_the_system_is_known_by_its_variables(tmp_path: Path) -> None:
    page = tmp_path / "page"
    assert ci_of({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}) == GitHubActions(
        output=None, page=page
    )
    assert ci_of({"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(tmp_path)}) == AzurePipelines(folder=tmp_path)
    assert ci_of({"CI": "true"}) == NoCi()


def test_files_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "file"
    with pytest.raises(UsageError, match="gone"):
        GitHubActions(output=gone, page=None).outputs({"a": "b"})
    with pytest.raises(UsageError, match="gone"):
        AzurePipelines(folder=gone).summary("a", "b")


ORDERS = st.lists(
    st.sampled_from(["::set-output name=a::b", "##vso[x]", "##[add-path]", "##VSO[x]", "\n", "\r", " ", "a"])
)


@given(ORDERS)
def test_text_holds_no_order(parts: list[str]) -> None:
    """As the agents look for them: at the start of a line, whatever ends lines; or anywhere in it."""
    lines = re.split(r"[\r\n]", harmless("".join(parts)))
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not any(re.search(r"##(vso)?\[", line, re.IGNORECASE) for line in lines)


def test_text_without_orders_stays_as_it_is() -> None:
    text = "std::vector, a # comment, [1], ## title\n  12:30::00"
    assert harmless(text) == text


@given(ORDERS)
def test_a_json_document_keeps_its_value_and_holds_no_order(parts: list[str]) -> None:
    document = {"".join(parts): ["".join(parts)]}
    text = harmless_json(json.dumps(document))
    assert json.loads(text) == document
    assert not re.search(r"##(vso)?\[", text, re.IGNORECASE)


def test_nothing_in_a_cell_is_markdown() -> None:
    text = cell("a | b\n<script>`x` [l](u) **b** @all #1 &amp;")
    assert not set(text) & set("|`[]*@\n")
    assert "<script" not in text
    assert text.count("<br>") == 1


def test_a_block_is_one_line_without_markdown() -> None:
    assert block("a\n\n* b") == "<pre>a&#10;&#10;&#42; b</pre>"


def test_a_failed_parity_is_told_as_such(github: GitHubActions, tmp_path: Path) -> None:
    report_failure(github, "check", ParityFailed("3 of 10 rows differ", hint="Look at parity.html."))
    found = github_outputs((tmp_path / "output").read_text())
    assert found == {"exit-code": "3", "error": "parity-failed", "parity-passed": "false"}
    assert "| Exit code | 3: parity failed |" in (tmp_path / "page").read_text()
