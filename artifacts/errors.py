"""The errors that onnxport raises, each with a stable code that the command line maps to an exit code.

The tree::

    OnnxportError                    something could not be found out or done
     ├─ UsageError                   the call or the configuration is wrong
     ├─ ParityFailed                 the graph does not answer as the source does
     ├─ UnsupportedModel             the model cannot be converted exactly
     ├─ UntrustedModel               opening the model would run code that nobody allowed
     ├─ Unreachable                  a store, registry or service does not answer, or refuses us
     ├─ IntegrityError               bytes are not what their digest, size or schema says
     │   └─ SourceGone               the process that held the source model has ended
     ├─ LostRace                     somebody else moved the alias or took the version
     └─ OverBudget                   latency, size or memory is beyond what was allowed
"""

from __future__ import annotations

from typing import ClassVar


class OnnxportError(Exception):
    """Something could not be found out or done.

    Attributes:
        message: Names the thing, what was found and what was allowed.
        hint: The next step for the user; empty where there is none.
    """

    code: ClassVar[str] = "unexpected"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OnnxportError):
    """The call or the configuration is wrong."""

    code = "usage"


class ParityFailed(OnnxportError):
    """The graph does not answer as the source does."""

    code = "parity-failed"


class UnsupportedModel(OnnxportError):
    """The model cannot be converted exactly."""

    code = "unsupported-model"


class UntrustedModel(OnnxportError):
    """Opening the model would run code that nobody allowed."""

    code = "untrusted-model"


class Unreachable(OnnxportError):
    """A store, registry or service does not answer, or refuses us."""

    code = "unreachable"


class IntegrityError(OnnxportError):
    """Bytes are not what their digest, size or schema says."""

    code = "integrity"


class SourceGone(IntegrityError):
    """The process that held the source model has ended or answers nonsense: nothing more can be asked."""


class LostRace(OnnxportError):
    """Somebody else moved the alias or took the version."""

    code = "lost-race"


class OverBudget(OnnxportError):
    """Latency, size or memory is beyond what was allowed."""

    code = "over-budget"
