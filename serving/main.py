"""`onnxport-serve`: the service alone, for images without the rest of onnxport's command line."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_CODES: Final = {"usage": 2, "unreachable": 6, "integrity": 7}


def run(arguments: Sequence[str] | None = None) -> None:
    """Runs the service and leaves the process: 0 after a stop, else the code of `onnxport --help`'s table."""
    given = _parser().parse_args(arguments)
    if given.version:
        from importlib.metadata import version  # ruff: ignore[PLC0415] - reads the metadata of every package

        sys.stdout.write(f"onnxport {version('onnxport')}\n")
        return
    # looking for pydantic's plugins reads the metadata of every package; a process of ours has no use for them
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # ruff: ignore[TID251] - set, not read
    _serve(given)


def _serve(given: argparse.Namespace) -> None:
    from onnxport.artifacts import OnnxportError  # ruff: ignore[PLC0415] - after the environment is set

    from .settings import load_settings  # ruff: ignore[PLC0415]
    from .workers import serve  # ruff: ignore[PLC0415]

    try:
        serve(
            load_settings(
                given.config,
                store=given.store,
                models=given.model,
                host=given.host,
                port=given.port,
                workers=given.workers,
                cache=given.cache,
                state=given.state,
                poll=given.poll,
            )
        )
    except OnnxportError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        sys.exit(_EXIT_CODES.get(error.code, 1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="onnxport-serve", description="Serve proven releases over HTTP.")
    add = parser.add_argument
    add("--version", action="store_true", help="show the version and leave")
    add("--config", type=Path, metavar="FILE", help="default: the nearest onnxport.yaml")
    add("--store", help="where releases live: a folder, a Blob URL, az://CONTAINER/PREFIX")
    add(
        "--model",
        action="append",
        metavar="REF",
        help="NAME@ALIAS, followed as it moves, or NAME:VERSION; repeatable",
    )
    add("--host", help="address to listen on; default 127.0.0.1")
    add("--port", type=int, help="port to listen on; default 8080")
    add("--workers", type=int, help="processes; default 1")
    add("--cache", choices=["auto", "on", "off"], help="which caches are used; default auto")
    add("--state", type=Path, metavar="DIR", help="copies of releases, for starts without the store")
    add("--poll", type=float, metavar="SECONDS", help="how often aliases are looked at; default 10")
    return parser


if __name__ == "__main__":
    run()
