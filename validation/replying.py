"""The other end of a child process's pipe: every message is answered until the parent goes."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any

from .wire import read_message, write_message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnxport.artifacts import Outputs

    Answer = tuple[dict[str, Any], Outputs]
    Operation = Callable[[dict[str, Any], Outputs], Answer]


def reply(
    operations: Mapping[str, Operation],
    told: Callable[[Exception], dict[str, Any]],
    requests: IO[bytes],
    answers: IO[bytes],
) -> None:
    """Every request is answered by the operation that its `op` names, until there are no more.

    What an operation raises is its answer, as `told` tells it.
    """
    while True:
        try:
            header, arrays = read_message(requests)
        except EOFError:
            return
        try:
            answer, outputs = operations[header["op"]](header, arrays)
        except Exception as error:  # ruff: ignore[BLE001] - models and runtimes have no common base for errors
            answer, outputs = told(error), {}
        write_message(answers, answer, outputs)


def reply_on_pipes(operations: Mapping[str, Operation], told: Callable[[Exception], dict[str, Any]]) -> None:
    """`reply` on standard input and output; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reply(operations, told, sys.stdin.buffer, answers)
