"""Whether this machine can do its work: a probe for each thing that is needed, each bounded in time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from onnxport.artifacts import OnnxportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

State = Literal["fine", "warning", "broken", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a probe found.

    Attributes:
        name: What was probed.
        state: `broken`: what needs it fails; `warning`: it may; `skipped`: nothing here uses it.
        found: What there is.
        breaks: What fails without it; empty where it is fine.
        hint: The next step; empty where there is none.
        code: Of the error that commands would end with, for `broken`.
    """

    name: str
    state: State
    found: str
    breaks: str = ""
    hint: str = ""
    code: str = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question to this machine.

    Attributes:
        name: What is probed.
        breaks: What fails where it is broken.
        ask: Finds out; an `OnnxportError` that it raises is the reason why it is broken.
    """

    name: str
    breaks: str
    ask: Callable[[], Finding]


def examine(probes: Iterable[Probe], seconds: float) -> Iterator[Finding]:
    """The finding of each probe, in order; one that does not end after `seconds` is broken and left behind."""
    for probe in probes:
        findings: list[Finding] = []
        thread = threading.Thread(target=_ask, args=(probe, findings), daemon=True, name=f"probe {probe.name}")
        thread.start()
        thread.join(seconds)
        if findings:
            yield findings[0]
        else:
            yield Finding(
                name=probe.name,
                state="broken",
                found=f"no answer after {seconds:g} s",
                breaks=probe.breaks,
                hint="Check the address, the network and the firewall; --timeout waits longer.",
                code="unreachable",
            )


def _ask(probe: Probe, findings: list[Finding]) -> None:
    try:
        found = probe.ask()
    except OnnxportError as error:
        found = Finding(name=probe.name, state="broken", found=error.message, hint=error.hint, code=error.code)
    except ModuleNotFoundError as error:
        found = Finding(
            name=probe.name,
            state="broken",
            found=f"{error.name} is not installed",
            hint="`onnxport doctor` names the extra that brings it, under packages.",
        )
    except Exception as error:  # ruff: ignore[BLE001] - a probe of foreign software: whatever it raises is what is wrong
        found = Finding(
            name=probe.name, state="broken", found=f"{type(error).__name__}: {error}", code="unexpected"
        )
    findings.append(replace(found, breaks=found.breaks or (probe.breaks if found.state == "broken" else "")))
