"""The one door to MLflow: quiet, bounded in time, and with onnxport's errors only."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import OnnxportError, Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator

_RETRIES = 2
_SECRET = re.compile(r"//[^/@\s]*@")
_SQLITE = "sqlite:///"
_LOGGERS = ("mlflow", "alembic", "sqlalchemy")
_REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_WRONG = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "BAD_REQUEST", "NOT_FOUND"}


@contextlib.contextmanager
def connected(tracking_uri: str, registry_uri: str | None, timeout_seconds: int) -> Generator[Any]:
    """An `MlflowClient`; what goes wrong inside leaves as an error of onnxport.

    Inside, MLflow writes nothing to the screen, sends no telemetry, and gives up after three tries.

    Raises:
        UsageError: What was asked for does not exist.
        Unreachable: MLflow does not answer, refuses us, or answers with an error of its own.
    """
    if (
        tracking_uri.startswith(_SQLITE)
        and not Path(tracking_uri.removeprefix(_SQLITE)).absolute().parent.is_dir()
    ):
        raise UsageError(
            f"the folder of the MLflow database {tracking_uri} does not exist",
            hint="Make it, or correct --tracking-uri.",
        )
    # MLflow decides when it is imported, and from the environment alone, whether it reports on its users.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # ruff: ignore[TID251] - see above; nothing is read here
    from mlflow import MlflowClient  # ruff: ignore[PLC0415] - takes seconds: loads only when MLflow is asked
    from mlflow.exceptions import MlflowException  # ruff: ignore[PLC0415] - as above

    with _quiet(), _bounded(timeout_seconds):
        try:
            yield MlflowClient(_absolute(tracking_uri), _absolute(registry_uri or tracking_uri))
        except OnnxportError:
            raise
        except MlflowException as error:
            raise _translated(error, tracking_uri) from error
        except ModuleNotFoundError as error:
            raise UsageError(
                f"MLflow at {shown(tracking_uri)} needs the module {error.name!r}, which is not installed here"
            ) from error
        except Exception as error:
            if not _is_connection(error):
                raise
            raise _unreachable(tracking_uri, error) from error


def _absolute(uri: str) -> str:
    """`uri` with the whole path of an SQLite file: MLflow keeps an open database by this text, not by its file."""
    path = uri.removeprefix(_SQLITE)
    return f"{_SQLITE}{Path(path).absolute()}" if uri.startswith(_SQLITE) and path != ":memory:" else uri


def _is_connection(error: Exception) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in {
        "requests",
        "urllib3",
        "sqlalchemy",
    }


def _translated(error: Any, uri: str) -> OnnxportError:  # ruff: ignore[ANN401] - an MlflowException
    if error.error_code in _WRONG and "API request to" not in str(error):
        return UsageError(
            f"MLflow at {shown(uri)}: {_line(error)}", hint="`mlflow models` and its web pages list what there is."
        )
    if error.error_code in _REFUSED:
        return Unreachable(
            f"MLflow at {shown(uri)} refuses us: {_line(error)}",
            hint="Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    return _unreachable(uri, error)


def _unreachable(uri: str, error: Exception) -> Unreachable:
    return Unreachable(
        f"MLflow at {shown(uri)} does not answer: {_line(error)}",
        hint="Check the address (--tracking-uri) and that the server runs.",
    )


def _line(error: Exception) -> str:
    return shown(" ".join(str(error).split()))[:300]


def shown(text: str) -> str:
    """`text` without the passwords of the addresses in it."""
    return _SECRET.sub("//", text)


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _bounded(timeout_seconds: int) -> Generator[None]:
    from mlflow import environment_variables as settings  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    wanted = {
        settings.MLFLOW_HTTP_REQUEST_TIMEOUT: timeout_seconds,
        settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES: _RETRIES,
        settings.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: 1,
        settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: False,
    }
    changed = {setting: value for setting, value in wanted.items() if not setting.is_set()}
    for setting, value in changed.items():
        setting.set(value)
    try:
        yield
    finally:
        for setting in changed:
            setting.unset()
