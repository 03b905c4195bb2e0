"""What the user sees: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from .ci import harmless, harmless_json

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from onnxport.artifacts import Progress
    from rich.progress import Progress as Bars

_STDOUT, _STDERR = 1, 2
_WIDTH = 120  # columns of a table that goes to a file or a CI log


class Screen:
    """Where results go.

    With `in_ci`, nothing of what stands there is an order to the CI agent, which reads both streams.
    With `as_json`, standard output carries exactly one JSON document: until `close`, whatever libraries print
    there, from Python or from C, goes to standard error.
    """

    def __init__(self, *, as_json: bool, in_ci: bool = False) -> None:
        self.as_json = as_json
        self._in_ci = in_ci
        self._out: TextIO = sys.stdout
        self._stdout = -1
        if as_json:
            sys.stdout.flush()
            self._stdout = os.dup(_STDOUT)
            self._out = os.fdopen(os.dup(_STDOUT), "w", encoding="utf-8")
            os.dup2(_STDERR, _STDOUT)

    def close(self) -> None:
        """Standard output is as it was."""
        if self._stdout >= 0:
            sys.stdout.flush()
            self._out.close()
            os.dup2(self._stdout, _STDOUT)
            os.close(self._stdout)
            self._stdout = -1

    def show(self, document: Any, human: Callable[[], object]) -> None:  # ruff: ignore[ANN401] - any JSON value
        """The result stands on standard output: `document` as JSON, or what `human` returns, rendered."""
        if self.as_json:
            text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
            self._out.write((harmless_json(text) if self._in_ci else text) + "\n")
            self._out.flush()
            return
        from rich.console import Console

        width = None if self._out.isatty() else _WIDTH
        console = Console(file=self._out, soft_wrap=True, width=width)
        with console.capture() as captured:
            console.print(human())
        self._out.write(self._safe(captured.get()))

    def complain(self, text: str, hint: str) -> None:
        """An error stands on standard error."""
        from rich.console import Console

        console = Console(stderr=True, soft_wrap=True)
        console.print("error:", style="bold red", end=" ", highlight=False)
        console.print(self._safe(text), highlight=False, markup=False)
        if hint:
            console.print(self._safe(f"hint: {hint}"), style="dim", highlight=False, markup=False)

    def explain(self, error: Exception) -> None:
        """The traceback of `error` stands on standard error."""
        sys.stderr.write(self._safe("".join(traceback.format_exception(error))))

    def _safe(self, text: str) -> str:
        return harmless(text) if self._in_ci else text


@contextmanager
def progress_bars() -> Generator[Progress]:
    """A `Progress` that draws bars on standard error when that is a terminal, and is silent otherwise."""
    from onnxport.artifacts import Silent

    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def step(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)
