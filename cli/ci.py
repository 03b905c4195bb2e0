"""What a CI system reads of a command: step outputs, a job summary, and no line that it takes for an order."""

from __future__ import annotations

import re
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the agents take for orders, wherever it comes from. GitHub Actions: `::order::` at the start of a line, and
# `##[order]`; Azure Pipelines: `##vso[order]` and `##[order]` anywhere in a line. Both read both streams.
_AT_START = re.compile(r"((?:\A|[\r\n])\s*):(?=:)")
_ANYWHERE = re.compile(r"##(vso)?\[", re.IGNORECASE)


def harmless(text: str) -> str:
    """`text` as a person reads it, with no part of it an order to a CI agent."""
    return _AT_START.sub(r"\1: ", _ANYWHERE.sub(r"##\1 [", text))


def harmless_json(text: str) -> str:
    """The JSON document `text` with the same value and no part of it an order to a CI agent."""
    return _ANYWHERE.sub(r"##\1\\u005b", text)  # `##` stands only inside strings; no line starts with a colon


class Ci(Protocol):
    """The CI system that runs the command."""

    @property
    def present(self) -> bool:
        """Whether there is one."""
        ...

    def outputs(self, values: Mapping[str, str]) -> None:
        """Later steps can read `values`.

        Raises:
            UsageError: The system's file cannot be written.
        """
        ...

    def summary(self, title: str, markdown: str) -> None:
        """The run's page shows `markdown`.

        Raises:
            UsageError: The system's file cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCi:
    """A terminal or a script: nobody reads outputs and summaries."""

    present: bool = False

    def outputs(self, values: Mapping[str, str]) -> None:
        """Nothing happens."""

    def summary(self, title: str, markdown: str) -> None:
        """Nothing happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubActions:
    """Files that the runner reads when the step ends.

    Attributes:
        output: `$GITHUB_OUTPUT`, or `None` where the runner gives none.
        page: `$GITHUB_STEP_SUMMARY`, likewise.
        present: It is there.
    """

    output: Path | None
    page: Path | None
    present: bool = True

    def outputs(self, values: Mapping[str, str]) -> None:
        """Each value stands between two lines that nobody can guess, so that it cannot end itself."""
        lines: list[str] = []
        for name, value in values.items():
            end = f"end-{secrets.token_hex(16)}"
            lines += [f"{name}<<{end}", value, end]
        _append(self.output, "".join(f"{line}\n" for line in lines))

    def summary(self, title: str, markdown: str) -> None:
        """The summary ends with a title and `markdown`."""
        _append(self.page, f"## {title}\n\n{markdown}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class AzurePipelines:
    """Lines that the agent reads on standard error, so that standard output keeps its one JSON document.

    Attributes:
        folder: Where a summary is kept until the agent has sent it.
        present: It is there.
    """

    folder: Path
    present: bool = True

    def outputs(self, values: Mapping[str, str]) -> None:
        """The step's output variables are set; a dash in a name is written as an underscore."""
        for name, value in values.items():
            _order("task.setvariable", {"variable": name.replace("-", "_"), "isOutput": "true"}, value)

    def summary(self, title: str, markdown: str) -> None:
        """The run's page gets a section."""
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=self.folder, prefix="onnxport-", suffix=".md", delete=False, encoding="utf-8"
            ) as file:
                file.write(f"## {title}\n\n{markdown}\n")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        _order("task.uploadsummary", {}, file.name)


def ci_of(environ: Mapping[str, str]) -> Ci:
    """The CI system that `environ` is of."""
    if environ.get("GITHUB_ACTIONS") == "true":
        output, page = environ.get("GITHUB_OUTPUT"), environ.get("GITHUB_STEP_SUMMARY")
        return GitHubActions(output=Path(output) if output else None, page=Path(page) if page else None)
    if environ.get("TF_BUILD", "").lower() == "true":
        return AzurePipelines(folder=Path(environ.get("AGENT_TEMPDIRECTORY") or tempfile.gettempdir()))
    return NoCi()


def _append(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error) from error


def _order(name: str, properties: Mapping[str, str], value: str) -> None:
    """One order on a line of its own, escaped as the agent's own task library does it."""
    given = ";".join(f"{key}={_property(text)}" for key, text in properties.items())
    print(f"##vso[{name}{' ' if given else ''}{given}]{_data(value)}", file=sys.stderr, flush=True)  # ruff: ignore[T201] - to the agent


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace("]", "%5D").replace(";", "%3B")


def _unwritable(path: Path, error: OSError) -> Exception:
    from onnxport.artifacts import UsageError

    return UsageError(
        f"cannot write {path}, which the CI system names: {error.strerror or error}",
        hint="The work itself is done; running the same command again is a no-op that reports once more.",
    )
