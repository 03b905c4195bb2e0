"""What Azure's errors mean to the user, and how long Azure is waited for."""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from onnxport.artifacts import OnnxportError, Unreachable, UsageError
from onnxport.storage.azure_pipeline import one_line

if TYPE_CHECKING:
    from collections.abc import Generator


_ERRORS, _NOT_FOUND, _CONFLICT, _THROTTLED = 400, 404, 409, 429
_NO_WORKSPACE = {"ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound", "ParentResourceNotFound"}


@contextmanager
def translated(what: str) -> Generator[None]:
    """Lets none of Azure's errors out, and nothing that the SDK prints onto standard output.

    Args:
        what: What was asked for, for the message: `model m, version 3, in workspace w`.

    Raises:
        UsageError: `what` does not exist, or the request is not valid.
        Unreachable: Azure refuses us, does not answer, or fails.
    """
    try:
        with redirect_stdout(sys.stderr):  # pollers print dots
            yield
    except OnnxportError:
        raise
    except HttpResponseError as error:
        raise _from_answer(what, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Unreachable(
            f"Azure does not answer for {what}: {_transport(error)}",
            hint="Check the network and the proxy (HTTPS_PROXY), then run the same command again.",
        ) from error
    except AzureError as error:  # the SDK's own: validation, and what wraps an answer
        cause = next((found for found in _causes(error) if isinstance(found, HttpResponseError)), None)
        if cause is not None:
            raise _from_answer(what, cause) from error
        raise Unreachable(
            f"the Azure ML SDK makes no sense of the answer for {what}: {one_line(str(error.message))}",
            hint="A proxy on the way, or a newer Azure ML: pip install --upgrade azure-ai-ml.",
        ) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _garbled(what, error) from error  # the SDK takes any JSON for what it expects


def _garbled(what: str, error: Exception) -> Unreachable:
    return Unreachable(
        f"the answer for {what} broke off or is none of Azure's: {type(error).__name__}",
        hint="Run the same command again; a proxy or a sign-in page on the way answers like this.",
    )


def is_absent(error: BaseException | None) -> bool:
    """Whether `error` is Azure's answer 404."""
    return isinstance(error, HttpResponseError) and error.status_code == _NOT_FOUND


def is_taken(error: HttpResponseError) -> bool:
    """Whether a version was refused because others registered it: 409, or 400 "Asset paths cannot be updated."."""
    return error.status_code == _CONFLICT or "paths cannot be updated" in str(error.message)


def _from_answer(what: str, error: HttpResponseError) -> OnnxportError:
    status, said = error.status_code, describe(error)
    if status is None or status < _ERRORS:
        return _garbled(what, error)
    if isinstance(error, ClientAuthenticationError) or status == 401:  # ruff: ignore[PLR2004] - HTTP Unauthorized
        return Unreachable(
            f"Azure does not accept the sign-in for {what}: {said}",
            hint="Sign in again (`az login`), in the tenant of the subscription; --auth names another credential.",
        )
    if status == 403:  # ruff: ignore[PLR2004] - HTTP Forbidden
        return Unreachable(
            f"this identity may not read {what}: {said}",
            hint="Ask for the role AzureML Data Scientist on the workspace, and Storage Blob Data Reader on its "
            "storage account; a firewall or private endpoint answers the same.",
        )
    if status == _NOT_FOUND:
        return UsageError(f"there is no {what}: {said}", hint="Check name, version, workspace and subscription.")
    if status == _CONFLICT:
        return Unreachable(f"{what} is being changed by somebody else: {said}", hint="Run the same command again.")
    if status == _THROTTLED:
        return Unreachable(
            f"Azure throttles requests for {what}: {said}", hint="Run the same command again later."
        )
    if status < 500:  # ruff: ignore[PLR2004] - the caller's fault
        return UsageError(f"Azure refuses the request for {what}: {said}", hint="Check what was asked for.")
    return Unreachable(f"Azure failed on {what}: {said}", hint="Run the same command again; see status.azure.com.")


def names_no_workspace(error: HttpResponseError) -> bool:
    """Whether a 404 is about the workspace, its group or its subscription, and not about what is asked of it."""
    return getattr(error.error, "code", None) in _NO_WORKSPACE


def describe(error: HttpResponseError) -> str:
    """Status, code and first line of Azure's answer, without secrets."""
    code = getattr(error, "error_code", None) or getattr(error.error, "code", None) or error.reason or ""
    message = getattr(error.error, "message", None) or ""
    parts = (
        str(error.status_code),
        str(getattr(code, "value", code)),
        one_line(message),
    )  # storage's code is an enum
    return " ".join(part for part in parts if part)


def _transport(error: AzureError) -> str:
    """What failed; not the text of `error`, which may hold a URL with a signature."""
    inner = error.inner_exception
    return type(inner if inner is not None else error).__name__


def _causes(error: BaseException) -> Generator[BaseException]:
    seen = error.__cause__ or error.__context__ or getattr(error, "inner_exception", None)
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
