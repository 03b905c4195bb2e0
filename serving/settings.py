"""Flags, environment and `onnxport.yaml` of the scoring service: the only place of it that reads the last two."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from onnxport.artifacts import ReleaseRef, UsageError, is_digest
from onnxport.storage import StoreAccess, store_access
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_FILE: Final = "onnxport.yaml"
DEFAULT_STORE: Final = "./onnxport-store"
DEFAULT_PORT: Final = 8080
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

Answer = Literal["label", "probabilities", "positive", "prediction"]
"""What the dialects of other servers answer a row with; `positive` is the last class's probability."""
Text = Annotated[str, StringConstraints(min_length=1)]
_MIB: Final = 1 << 20


class Section(BaseModel):
    """A part of the configuration; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), defer_build=True)


class Endpoint(Section):
    """`azure_ml.endpoints.<model>`: an Azure ML online endpoint that serves the source model.

    Attributes:
        url: Its scoring URL.
        key: Its key, for `auth: key`.
        auth: How requests are signed: with the key, an Entra ID token, or not at all.
        deployment: Sent as `azureml-model-deployment`.
        source_sha256: Digest of the model that it serves; it is asked only for releases of that source.
        compatible: Declares that it may stand in for every release of the model.
        answer: What its list of answers holds.
        timeout_seconds: How long a caller waits for it.
    """

    url: Text
    key: str | None = Field(default=None, repr=False)
    auth: Literal["key", "entra", "none"] = "key"
    deployment: str | None = None
    source_sha256: str | None = None
    compatible: bool = False
    answer: Answer = "prediction"
    timeout_seconds: float = Field(default=5.0, gt=0, le=300)

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
            raise ValueError("must be an http or https URL")
        return value

    @field_validator("source_sha256")
    @classmethod
    def _is_hex(cls, value: str | None) -> str | None:
        if value is not None and not is_digest(value):
            raise ValueError("must be a SHA-256 in lower-case hex")
        return value


class Model(Section):
    """`onnx.models.<name>`: how a model is served.

    Attributes:
        reference: `NAME@ALIAS`, followed as it moves, or `NAME:VERSION`.
        answer: What the Azure ML and MLflow routes answer a row with; by default what the model's `predict` gives.
        wrap: Name of the member that holds the Azure ML route's list; by default the list stands alone.
        shadow: Share of requests that also go to the Azure ML endpoint, for comparison.
    """

    reference: str = ""
    answer: Answer | None = None
    wrap: str | None = None
    shadow: float = Field(default=0.0, ge=0, le=1)


class Limits(Section):
    """`onnx.limits`: what one caller may ask for.

    Attributes:
        body_bytes: Largest body.
        rows: Most rows of a request.
        header_bytes: Largest request line with headers.
        connections: Most open connections of a worker.
        pipelined: Most requests of a connection that wait for an answer.
        request_seconds: For a request to arrive as a whole.
        idle_seconds: How long a connection may stay open without a request.
        drain_seconds: For requests under way when the service stops.
        per_second: Requests a second of one caller (by key, token or address) and worker; 0 is no limit.
    """

    body_bytes: int = Field(default=16 * _MIB, gt=0)
    rows: int = Field(default=10_000, gt=0)
    header_bytes: int = Field(default=32 * 1024, gt=0)
    connections: int = Field(default=4_096, gt=0)
    pipelined: int = Field(default=64, gt=0)
    request_seconds: float = Field(default=30.0, gt=0)
    idle_seconds: float = Field(default=75.0, gt=0)
    drain_seconds: float = Field(default=20.0, ge=0)
    per_second: float = Field(default=0.0, ge=0)


class ApiKey(Section):
    """`onnx.security.api_keys[]`: a key, known by its digest.

    Attributes:
        name: Who uses it; stands in logs.
        sha256: SHA-256 of the key, in hex: `printf %s "$KEY" | sha256sum`.
        models: The models that it may use; `*` is all of them.
    """

    name: Text
    sha256: str
    models: tuple[str, ...] = ("*",)

    @field_validator("sha256")
    @classmethod
    def _is_hex(cls, value: str) -> str:
        if not is_digest(value):
            raise ValueError("must be a SHA-256 in lower-case hex, not the key itself")
        return value


class Entra(Section):
    """`onnx.security.entra`: which Entra ID tokens are accepted.

    Attributes:
        tenant: The directory's id.
        audience: The application's id or URI.
        roles: Application role to the models that it may use.
        issuer: Who must have issued a token; by default the tenant, v2.0.
        keys_url: Where its public keys are; by default the tenant's.
    """

    tenant: Text
    audience: Text
    roles: dict[str, tuple[str, ...]] = Field(min_length=1)
    issuer: str = ""
    keys_url: str = ""


class Tls(Section):
    """`onnx.security.tls`: certificate chain and private key, PEM."""

    certificate: Path
    private_key: Path


class Security(Section):
    """`onnx.security`: who may ask; without keys and tokens everybody who reaches the address."""

    api_keys: tuple[ApiKey, ...] = ()
    entra: Entra | None = None
    tls: Tls | None = None


class Redis(Section):
    """`cache.redis`.

    Attributes:
        enabled: Whether Redis is used at all.
        url: `redis://HOST:PORT/DB`, `rediss://…`, `unix://…`.
        ttl_seconds: How long an answer is kept.
        budget_ms: How long a request waits for Redis.
    """

    enabled: bool = False
    url: Text = "redis://127.0.0.1:6379/0"
    ttl_seconds: int = Field(default=3600, gt=0)
    budget_ms: float = Field(default=5.0, gt=0, le=1000)


class Cache(Section):
    """`cache`.

    Attributes:
        mode: `auto` measures and uses what pays; `on` uses every tier; `off` none.
        memory_mb: Bytes for answers in this process, MiB.
        redis: The tier behind it.
    """

    mode: Literal["auto", "on", "off"] = "auto"
    memory_mb: float = Field(default=16.0, ge=0)
    redis: Redis = Redis()


class Onnx(Section):
    """`onnx`.

    Attributes:
        enabled: Whether ONNX answers; if not, the Azure ML endpoints do.
        model_path: The store, where `--store` does not say it.
        models: By name; those that `--model` does not name are served too.
        state: Folder for copies of releases, from which the service starts when the store is down.
        poll_seconds: How often aliases are looked at.
        workers: Processes.
        limits: What one caller may ask for.
        security: Who may ask.
        log: What is logged of requests: nothing, those that failed, or all.
        tracing: Whether requests become OpenTelemetry spans; `OTEL_TRACES_EXPORTER=otlp` says so too.
    """

    enabled: bool = True
    model_path: str | None = None
    models: dict[str, Model] = Field(default_factory=dict)
    state: Path | None = None
    poll_seconds: float = Field(default=10.0, gt=0)
    workers: int = Field(default=1, ge=1, le=256)
    limits: Limits = Limits()
    security: Security = Security()
    log: Literal["none", "failures", "all"] = "failures"
    tracing: bool = False


class Settings(Section):
    """All that the service must know.

    Attributes:
        store: Where releases live.
        access: Credentials for it.
        host: Address to listen on.
        port: Port to listen on; 0 is any free one.
        onnx: The `onnx` section, its models completed by flags.
        cache: The `cache` section.
        endpoints: `azure_ml.endpoints`, by model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    store: str
    access: StoreAccess = Field(default_factory=StoreAccess)
    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535)
    onnx: Onnx = Onnx()
    cache: Cache = Cache()
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)


def load_settings(config: Path | None = None, **flags: Any) -> Settings:  # ruff: ignore[ANN401] - values of flags
    """The settings by flags, environment and `config`, or the nearest `onnxport.yaml`; a flag beats the others.

    Args:
        config: The file; `None` looks upwards from the working folder.
        flags: Any of `store`, `models` (references), `host`, `port`, `workers`, `cache` (a mode), `state`, `poll`;
            `None` is not given.

    Raises:
        UsageError: The file cannot be read, has an unknown key or a wrong value, or no model is named.
    """
    environ = environment()
    path = config or _find_config(Path.cwd())
    document = _read(path, environ) if path is not None else {}
    given = {name: value for name, value in flags.items() if value is not None}
    sections = _sections(document, given, environ)
    try:
        settings = Settings.model_validate({**sections, "access": store_access(environ)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path or 'the flags'}: {where}: {first['msg']}", hint="See docs/serving.md.") from None
    return _with_models(settings, given.get("models") or ())


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ  # ruff: ignore[TID251] - the one place of the service


def default_state(environ: Mapping[str, str]) -> Path:
    """The folder for copies of releases where nobody names one."""
    base = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "onnxport" / "serving"


def _find_config(start: Path) -> Path | None:
    found = (folder / CONFIG_FILE for folder in (start, *start.parents))
    return next((path for path in found if path.is_file()), None)


def _read(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    import yaml  # ruff: ignore[PLC0415] - most processes in containers have flags and no file

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        given: str | None = default
        found = environ.get(name, given)
        if found is None:
            raise UsageError(f"{path}: ${{{name}}} is not set and has no default", hint=f"Write ${{{name}:-…}}.")
        return found

    try:
        document = yaml.safe_load(_VARIABLE.sub(value, path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read the configuration {path}: {error}") from error
    if not isinstance(document, dict | None):
        raise UsageError(f"{path}: a mapping is expected at the top, found {type(document).__name__}")
    return document or {}


def _sections(document: dict[str, Any], flags: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    onnx, cache = dict(_mapping(document, "onnx")), dict(_mapping(document, "cache"))
    for flag, key in {"workers": "workers", "state": "state", "poll": "poll_seconds"}.items():
        if flag in flags:
            onnx[key] = flags[flag]
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        onnx["tracing"] = False
    elif environ.get("OTEL_TRACES_EXPORTER") == "otlp":
        onnx["tracing"] = True
    if "cache" in flags:
        cache["mode"] = flags["cache"]
    endpoints = _mapping(_mapping(document, "azure_ml"), "endpoints")
    url = _mapping(_mapping(document, "services"), "onnx_serving").get("url")
    sections: dict[str, Any] = {
        "store": flags.get("store")
        or environ.get("ONNXPORT_STORE")
        or onnx.get("model_path")
        or document.get("store")
        or DEFAULT_STORE,
        "onnx": onnx,
        "cache": cache,
        "endpoints": {name: {"url": one} if isinstance(one, str) else one for name, one in endpoints.items()},
        "port": flags.get("port", _port(url)),
    }
    return sections | ({"host": flags["host"]} if "host" in flags else {})


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(f"{key} in the configuration must be a mapping, found {found!r}")
    return found


def _port(url: Any) -> int:  # ruff: ignore[ANN401] - whatever the file says
    try:
        return (urlsplit(url).port or DEFAULT_PORT) if isinstance(url, str) else DEFAULT_PORT
    except ValueError:
        raise UsageError(f"services.onnx_serving.url is no URL: {url!r}") from None


def _with_models(settings: Settings, references: tuple[str, ...] | list[str]) -> Settings:
    """Every model with a reference: from its flag, its section, or `NAME@production`."""
    given = {ReleaseRef.parse(text).name: text for text in references}
    names = dict.fromkeys([*given, *settings.onnx.models])
    if not names:
        raise UsageError(
            "no model is named", hint="Give --model NAME@production, or onnx.models in onnxport.yaml."
        )
    models: dict[str, Model] = {}
    for name in names:
        model = settings.onnx.models.get(name, Model())
        reference = given.get(name) or model.reference or f"{name}@production"
        if ReleaseRef.parse(reference).name != name:
            raise UsageError(f"onnx.models.{name}.reference is {reference!r}, which is about another model")
        models[name] = model.model_copy(update={"reference": reference})
    return settings.model_copy(update={"onnx": settings.onnx.model_copy(update={"models": models})})
