"""Flags, environment, `onnxport.yaml`: a flag beats the environment, the environment beats the file."""

from __future__ import annotations

import getpass
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import UsageError


class Registry(StrEnum):
    """Where a trained model is registered: the values of `onnxport.sources.TrainAccess.registry`."""

    MLFLOW = "mlflow"
    AZUREML = "azureml"


class Auth(StrEnum):
    """How to sign in to Azure: the values of `onnxport.storage.Auth`."""

    WORKLOAD_IDENTITY = "workload-identity"
    MANAGED_IDENTITY = "managed-identity"
    ENVIRONMENT = "environment"
    CLI = "cli"


Options = set[str] | dict[str, "Options"]
"""The options of a command, or of the commands of a group by name."""
CONFIG_FILE = "onnxport.yaml"
DEFAULT_STORE = "./onnxport-store"
DEFAULT_TRACKING_URI = "sqlite:///mlflow.db"

# Sections of the same file that other parts of onnxport read.
_FOREIGN_SECTIONS = {"onnx", "services", "cache", "azure_ml", "endpoints"}
_SHARED_KEYS = {"store", "tracking_uri"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a configuration file says.

    Attributes:
        path: The file, or `None` when there is none.
        shared: Keys that many commands take: `store`, `tracking_uri`.
        commands: Option values by command, option names with underscores.
        azure_ml: The section of that name: workspace and endpoints.
        endpoints: The section of that name: what endpoints and computes should be.
        onnx_url: Where the scoring service is: `services.onnx_serving.url`.
        cache: The section of that name: the scoring service's caches.
        trusted_pickles: Sources whose pickles may be opened, as glob patterns (`trust: {pickle: [...]}`).
    """

    path: Path | None = None
    shared: dict[str, Any] = field(default_factory=dict[str, Any])
    commands: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    azure_ml: dict[str, Any] = field(default_factory=dict[str, Any])
    endpoints: dict[str, Any] = field(default_factory=dict[str, Any])
    onnx_url: str | None = None
    cache: dict[str, Any] = field(default_factory=dict[str, Any])
    trusted_pickles: tuple[str, ...] = ()

    def trusts(self, source: str) -> bool:
        """Whether the file allows pickles of `source`."""
        return any(source == pattern or fnmatch(source, pattern) for pattern in self.trusted_pickles)

    def default_map(self, options: Mapping[str, Options]) -> dict[str, dict[str, Any]]:
        """Defaults by command for those of its `options` that the file sets; a group's are for all its parts.

        Raises:
            UsageError: The file sets an option or names a command that does not exist.
        """
        defaults: dict[str, dict[str, Any]] = {}
        for command in self.commands:
            if command not in options:
                known = ", ".join(sorted({*options, *_SHARED_KEYS, "trust"}))
                raise _wrong(f"{self.path}: unknown key {command!r}; known are {known}")
        for command, names in options.items():
            own = {key.replace("-", "_"): value for key, value in self.commands.get(command, {}).items()}
            known_here = _names(names)
            if unknown := sorted(set(own) - known_here):
                raise _wrong(
                    f"{self.path}: {command} has no option {unknown[0]!r}; it has {', '.join(sorted(known_here))}",
                )
            defaults[command] = _for(names, self.shared | own)
        return defaults


def _names(options: Options) -> set[str]:
    return options if isinstance(options, set) else {name for part in options.values() for name in _names(part)}


def _for(options: Options, values: dict[str, Any]) -> dict[str, Any]:
    if isinstance(options, set):
        return {key: value for key, value in values.items() if key in options}
    return {name: _for(part, values) for name, part in options.items()}


def find_config(start: Path) -> Path | None:
    """The nearest `onnxport.yaml` in `start` or above."""
    return next(
        (folder / CONFIG_FILE for folder in (start, *start.parents) if (folder / CONFIG_FILE).is_file()), None
    )


def load_config(path: Path | None) -> Config:
    """The configuration in `path`, or in the nearest `onnxport.yaml` when `path` is `None`.

    Raises:
        UsageError: The file cannot be read, is no YAML mapping, or names an unset variable without a default.
    """
    path = path or find_config(Path.cwd())
    if path is None:
        return Config()
    import yaml

    try:
        document = yaml.safe_load(_substitute(path.read_text(encoding="utf-8"), path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(f"cannot read the configuration {path}: {error}") from error
    if document is None:
        return Config(path=path)
    if not isinstance(document, dict):
        raise _wrong(f"{path}: a mapping is expected at the top, found {type(document).__name__}")
    return _config(path, document)


def _config(path: Path, document: dict[str, Any]) -> Config:
    commands: dict[str, dict[str, Any]] = {}
    for key, value in document.items():
        if key in _SHARED_KEYS | _FOREIGN_SECTIONS | {"trust"}:
            continue
        if not isinstance(value, dict):
            raise _wrong(f"{path}: {key} is the section of a command, a mapping is expected, found {value!r}")
        commands[key] = value
    trust = document.get("trust") or {}
    pickles = trust.get("pickle", []) if isinstance(trust, dict) else None
    if not isinstance(pickles, list) or not all(isinstance(pattern, str) for pattern in pickles):
        raise _wrong(
            f"{path}: trust.pickle must be a list of sources, found {trust!r}",
            hint="For example: trust: {pickle: [models/win-probability.joblib]}",
        )
    url = _mapping(path, _mapping(path, document, "services"), "onnx_serving").get("url")
    return Config(
        path=path,
        shared={key: document[key] for key in _SHARED_KEYS if key in document},
        commands=commands,
        azure_ml=_mapping(path, document, "azure_ml"),
        cache=_mapping(path, document, "cache"),
        endpoints=_mapping(path, document, "endpoints"),
        onnx_url=None if url is None else str(url),
        trusted_pickles=tuple(pickles),
    )


def _mapping(path: Path, document: dict[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key) or {}
    if not isinstance(found, dict):
        raise _wrong(f"{path}: {key} must be a mapping, found {found!r}")
    return found


def _substitute(text: str, path: Path) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in environment():
            return environment()[name]
        if match[2] is None:
            raise _wrong(f"{path}: ${{{name}}} is not set and has no default", hint=f"Write ${{{name}:-default}}.")
        return str(match[2])

    return _VARIABLE.sub(value, text)


def environment() -> Mapping[str, str]:
    """The process's environment: the only place of the command line that reads it."""
    return os.environ  # ruff: ignore[TID251] - the one place


def git_commit(environ: Mapping[str, str]) -> str | None:
    """The commit that a CI run builds, or `None` elsewhere."""
    return environ.get("GITHUB_SHA") or environ.get("BUILD_SOURCEVERSION")


def actor(environ: Mapping[str, str]) -> str:
    """Who does this: a CI identity where there is one, else the user."""
    for name in ("ONNXPORT_ACTOR", "GITHUB_ACTOR", "BUILD_REQUESTEDFOR"):
        if environ.get(name):
            return environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _wrong(message: str, hint: str = "") -> UsageError:
    from onnxport.artifacts import UsageError

    return UsageError(message, hint=hint)
