"""What a source text says: a path, or a model in a registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from onnxport.artifacts import UsageError

Scheme = Literal["file", "models", "runs", "azureml"]

FORMS = (
    "a path (*.joblib, *.pkl, *.skops, XGBoost's *.json or *.ubj, LightGBM's *.lgb, CatBoost's *.cbm, "
    "a folder with an MLmodel file), models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN/PATH, "
    "azureml:NAME:VERSION or azureml:NAME@LABEL"
)
_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(/(?P<version>[^/@]+)|@(?P<alias>[^/@]+))")
_LOGGED = re.compile(r"models:/m-[0-9a-f]{32}")
_RUN = re.compile(r"runs:/(?P<run>[0-9a-zA-Z_-]+)/(?P<path>[^/].*)")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):(/|[^\\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A source as the user named it.

    Attributes:
        scheme: Which loader opens it.
        text: What the user wrote.
        path: The file or folder, for scheme `file`; else `None`.
        name: Registered name, or run for `runs`; empty for files.
        inside: For `runs`, the path inside of the run.
        version: Version or `latest`; `None` where there is none.
        alias: Alias or label; `None` where there is none.
    """

    scheme: Scheme
    text: str
    path: Path | None = None
    name: str = ""
    inside: str = ""
    version: str | None = None
    alias: str | None = None


def parse(text: str) -> SourceText:
    """What `text` names.

    Raises:
        UsageError: It names no source.
    """
    if text.startswith("models:"):
        return _models(text)
    if text.startswith("runs:"):
        found = _RUN.fullmatch(text)
        if found is None or ".." in found["path"].split("/"):
            raise UsageError(
                f"{text!r} names no model of a run", hint="Write runs:/RUN_ID/PATH, such as runs:/3f2a…/model."
            )
        return SourceText(scheme="runs", text=text, name=found["run"], inside=found["path"].rstrip("/"))
    if text.startswith("azureml:"):
        return SourceText(scheme="azureml", text=text)
    if text.startswith("file:"):
        return SourceText(scheme="file", text=text, path=Path(unquote(urlsplit(text).path)))
    if not text or (_SCHEME.match(text) and not Path(text).exists()):
        raise UsageError(f"{text!r} is not a source", hint=f"A source is {FORMS}.")
    return SourceText(scheme="file", text=text, path=Path(text))


def _models(text: str) -> SourceText:
    if _LOGGED.fullmatch(text):
        return SourceText(scheme="models", text=text, name=text.removeprefix("models:/"))
    found = _REGISTERED.fullmatch(text)
    version = found["version"] if found else None
    if found is None or (version is not None and not re.fullmatch(r"[1-9][0-9]*|latest", version)):
        raise UsageError(
            f"{text!r} names no registered model",
            hint="Write models:/NAME/3, models:/NAME/latest or models:/NAME@ALIAS.",
        )
    return SourceText(scheme="models", text=text, name=found["name"], version=version, alias=found["alias"])
