"""Why a request is not answered: a "no" that a caller can act on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
WRONG_METHOD: Final = 405
TIMEOUT: Final = 408
TOO_LARGE: Final = 413
WRONG_TYPE: Final = 415
UNFIT: Final = 422
TOO_MANY: Final = 429
HEADERS_TOO_LARGE: Final = 431
INTERNAL: Final = 500
UNAVAILABLE: Final = 503
OFTEN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a request is not answered.

    Attributes:
        status: HTTP status on the product's own routes; other dialects may say it as their server does.
        code: Stable, for programs: `unknown-column`, `missing-value`, `too-many-rows`.
        message: What was found and what was allowed; holds no feature values.
        path: JSON path of the fault in the body, `$` for the body as a whole.
        details: More for programs: the lists of unknown and missing columns.
        retry_after: Seconds after which trying again may help; `None` where it does not.
    """

    status: int
    code: str
    message: str
    path: str = "$"
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retry_after: int | None = None

    @property
    def header_lines(self) -> bytes:
        """The header lines that tell a caller what to do next."""
        if self.status == UNAUTHORIZED:
            return b'www-authenticate: Bearer realm="onnxport"\r\n'
        return b"" if self.retry_after is None else b"retry-after: %d\r\n" % self.retry_after


def unfit(code: str, message: str, path: str, **details: Any) -> Fault:  # ruff: ignore[ANN401] - JSON values
    """The body is JSON, and not what the model takes."""
    return Fault(status=UNFIT, code=code, message=message, path=path, details=details)


def unavailable(code: str, message: str) -> Fault:
    """Nobody can answer at the moment."""
    return Fault(status=UNAVAILABLE, code=code, message=message, retry_after=OFTEN)


def member(path: str, name: str) -> str:
    """The JSON path of the member `name` of the object at `path`."""
    if name.isidentifier():
        return f"{path}.{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{escaped}']"
