"""What `doctor` asks of this machine: versions, runtime, store, sign-in, Redis, MLflow."""

from __future__ import annotations

import platform
import re
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from onnxport.artifacts import IntegrityError, Unreachable, UsageError
from onnxport.storage import BlobChanged, BlobExists, BlobNotFound

from .doctor import Finding, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnxport.sources import AzureAccess
    from onnxport.storage import BlobStore

    Matrix = Mapping[str, Any]

_PROBES_FOLDER = "ONNXPORT-DOCTOR"  # capital letters: no model has such a name
_LEFT_BEHIND = timedelta(hours=1)
_NEEDS = {
    "": "every command",
    "export": "train, fetch, convert, check, export, diff",
    "azureml": "azureml: sources, and stores that are signed in to with a token",
    "batch": "predict on a cluster",
    "catboost": "CatBoost models",
    "lightgbm": "LightGBM models",
    "otel": "traces of the scoring service",
    "serve": "serve",
    "sign": "--sign-with, and policies that demand signatures",
}
# A graph that gives back the number it is given: ONNX operator set 17, IR version 8, made with onnx.helper.
_IDENTITY = bytes.fromhex(
    "080812003a3c0a100a017812017922084964656e746974791206646f63746f725a0f0a0178120a0a08080112040a020801620f0a0179"
    "120a0a08080112040a02080142040a001011"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is configured here.

    Attributes:
        matrix: The tested versions, as `cli/tested.json` has them.
        open_store: Opens the store that commands would use.
        azure: How to sign in to Azure.
        scopes: What tokens are needed for; empty: nothing here signs in to Azure with a token.
        redis_url: The scoring service's Redis, or `None`: it uses none.
        tracking_uri: MLflow's tracking server or database.
        seconds: How long one answer over the network may take.
    """

    matrix: Matrix
    open_store: Callable[[], BlobStore]
    azure: AzureAccess
    scopes: tuple[str, ...]
    redis_url: str | None
    tracking_uri: str
    seconds: float


def probes(machine: Machine) -> tuple[Probe, ...]:
    """Every probe, the cheapest first."""
    packages: Mapping[str, Matrix] = machine.matrix["packages"]
    return (
        Probe(name="python", breaks="every command", ask=lambda: _python(machine.matrix["python"])),
        *(
            Probe(name=f"packages {extra}".strip(), breaks=_NEEDS[extra], ask=_packages(extra, tested))
            for extra, tested in packages.items()
        ),
        Probe(name="onnxruntime", breaks="check, verify --golden, predict, serve", ask=_runtime),
        Probe(
            name="store",
            breaks="publish, export, promote, and all that reads releases",
            ask=lambda: _store(machine.open_store()),
        ),
        Probe(
            name="azure sign-in",
            breaks="azureml: sources and stores without a key",
            ask=lambda: _azure(machine.azure, machine.scopes),
        ),
        Probe(
            name="redis",
            breaks="the shared cache; predictions go on without it",
            ask=lambda: _redis(machine.redis_url, machine.seconds),
        ),
        Probe(
            name="mlflow",
            breaks="train, and models:/ and runs:/ sources",
            ask=lambda: _mlflow(machine.tracking_uri, machine.seconds),
        ),
    )


def _python(tested: Mapping[str, str]) -> Finding:
    found = platform.python_version()
    fits = _numbers(tested["lowest"]) <= _numbers(found) < _numbers(tested["below"])
    return Finding(
        name="python",
        state="fine" if fits else "broken",
        found=found,
        hint="" if fits else f"Use Python {tested['lowest']} or newer, below {tested['below']}.",
    )


def _packages(extra: str, tested: Matrix) -> Callable[[], Finding]:
    name = f"packages {extra}".strip()
    install = f"pip install --upgrade 'onnxport[{extra}]'" if extra else "pip install --upgrade onnxport"

    def ask() -> Finding:
        found = {package: _installed(package) for package in tested}
        missing = sorted(package for package, have in found.items() if have is None)
        have = {package: version for package, version in found.items() if version is not None}
        old = [
            f"{package} {version} (at least {tested[package]['lowest']})"
            for package, version in have.items()
            if _numbers(version) < _numbers(tested[package]["lowest"])
        ]
        new = [
            f"{package} {version} (tested with {', '.join(tested[package]['tested'])})"
            for package, version in have.items()
            if _numbers(version)[:1] > max(_numbers(text)[:1] for text in tested[package]["tested"])
        ]
        if old or (missing and not extra):
            said = ", ".join([*old, *(f"{package} is missing" for package in missing if not extra)])
            return Finding(name=name, state="broken", found=said, hint=f"{install}.")
        if missing:
            return Finding(
                name=name,
                state="skipped",
                found=f"not installed: {', '.join(missing)}",
                breaks=_NEEDS[extra],
                hint=f"Where it is wanted: {install}.",
            )
        if new:
            return Finding(
                name=name,
                state="warning",
                found=f"newer than what is tested: {', '.join(new)}",
                breaks=f"perhaps {_NEEDS[extra]}",
                hint="Prove it with `onnxport check`, or install the tested version.",
            )
        return Finding(name=name, state="fine", found=", ".join(f"{one} {number}" for one, number in have.items()))

    return ask


def _runtime() -> Finding:
    import numpy as np  # ruff: ignore[PLC0415] - loads only when it is asked for
    import onnxruntime  # ruff: ignore[PLC0415] - as above

    session = onnxruntime.InferenceSession(_IDENTITY, providers=["CPUExecutionProvider"])
    given = np.array([0.1], dtype=np.float32)
    if np.asarray(session.run(None, {"x": given})[0]).tobytes() != given.tobytes():
        raise IntegrityError(
            "onnxruntime does not give back the number that it is given", hint="Install it again."
        )
    return Finding(name="onnxruntime", state="fine", found=f"{version('onnxruntime')} loads and runs a graph")


def _store(store: BlobStore) -> Finding:
    """Write once, write once more, read, replace by etag, delete: the laws on which releases rest."""
    key = f"{_PROBES_FOLDER}/{uuid.uuid4().hex}"
    for left in store.list(_PROBES_FOLDER):  # by a run that was killed
        if datetime.now(UTC) - left.modified > _LEFT_BEHIND:
            store.delete(left)
    try:
        store.create(key, b"1")
        if not _refused(BlobExists, lambda: store.create(key, b"2")):
            raise _lawless(store, "lets a second writer take a blob that is there")
        first = store.read(key)
        store.replace(key, b"3", first.etag)
        if not _refused(BlobChanged, lambda: store.replace(key, b"4", first.etag)):
            raise _lawless(store, "lets a writer replace a blob that somebody else has changed")
        if (found := store.read(key).data) != b"3":
            raise _lawless(store, f"gives {found!r} for what was written as b'3'")
    finally:
        for info in store.list(_PROBES_FOLDER):
            if info.key == key:
                store.delete(info)
    if not _refused(BlobNotFound, lambda: store.read(key)):
        raise _lawless(store, "still has a blob that was deleted")
    return Finding(
        name="store", state="fine", found=f"{store.url}: written, read, replaced, deleted; conditions are kept"
    )


def _refused(kind: type[Exception], write: Callable[[], object]) -> bool:
    try:
        write()
    except kind:
        return True
    return False


def _lawless(store: BlobStore, what: str) -> IntegrityError:
    return IntegrityError(
        f"{store.url} {what}", hint="Do not publish there: releases could be lost. Use another store."
    )


def _azure(access: AzureAccess, scopes: tuple[str, ...]) -> Finding:
    if not scopes:
        return Finding(name="azure sign-in", state="skipped", found="nothing here signs in to Azure with a token")
    from onnxport.storage.azure_identity import sign_in  # ruff: ignore[PLC0415] - loads only where Azure is used

    signed_in = sign_in(access.auth, access.identity_client_id, access.patience)
    for scope in scopes:
        signed_in.get_token(scope)
    return Finding(name="azure sign-in", state="fine", found=f"{access.auth} gets a token for {', '.join(scopes)}")


def _redis(url: str | None, seconds: float) -> Finding:
    if url is None:
        return Finding(name="redis", state="skipped", found="cache.redis.enabled is not set")
    from redis import Redis, RedisError  # ruff: ignore[PLC0415] - in the extra `serve`

    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    try:
        with Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:  # pyright: ignore[reportUnknownMemberType]
            client.ping()  # pyright: ignore[reportUnknownMemberType]
    except ValueError as error:
        raise UsageError(f"cache.redis.url is no Redis URL: {error}") from None
    except (RedisError, OSError) as error:
        raise Unreachable(
            f"{shown} does not answer: {error}", hint="Start it, or correct cache.redis.url."
        ) from None
    return Finding(name="redis", state="fine", found=f"{shown} answers")


def _mlflow(uri: str, seconds: float) -> Finding:
    """Asks nothing of MLflow itself: its first use would make the database."""
    shown = re.sub(r"//[^/@\s]*@", "//", uri)
    if _installed("mlflow") is None:
        return Finding(name="mlflow", state="skipped", found="MLflow is not installed")
    if uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///")).absolute()
        return Finding(name="mlflow", state="fine", found=_database(file))
    if not uri.startswith(("http://", "https://")):
        return Finding(
            name="mlflow",
            state="warning",
            found=f"{shown} is not looked into",
            breaks="perhaps train, and models:/ and runs:/ sources",
            hint="Try it: onnxport fetch models:/NAME/latest --out DIR.",
        )
    status = _status(uri, seconds)
    if status >= 400:  # ruff: ignore[PLR2004] - HTTP's own limit between answers and errors
        raise Unreachable(f"{shown}/health answers {status}", hint="Check --tracking-uri and its credentials.")
    return Finding(name="mlflow", state="fine", found=f"{shown} answers")


def _database(file: Path) -> str:
    if not file.parent.is_dir():
        raise UsageError(f"the folder of the MLflow database {file} does not exist", hint="Make it.")
    if not file.exists():
        return f"{file} is made by the first training"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("select count(*) from alembic_version").fetchone()
    except sqlite3.Error as error:
        raise IntegrityError(
            f"{file} is no database of MLflow: {error}", hint="Name another --tracking-uri."
        ) from None
    return f"{file} is a database of MLflow"


def _status(uri: str, seconds: float) -> int:
    parts = urlsplit(uri)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=seconds)) as connection:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            return connection.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(
            f"MLflow at {parts.hostname}:{parts.port} does not answer: {error}", hint="Check --tracking-uri."
        ) from None


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """The version's numbers, up to its first part that is none."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
