"""Where the parts of a model's releases lie in a store: the one place that builds keys and reads names.

::

    NAME/objects/<sha256>              files, by content
    NAME/releases/7/manifest.json      the commit point of release 7
    NAME/aliases/production.json       where the alias points, replaced by compare-and-swap
    NAME/history/production/00000012.json   its moves, append-only
    policy.json                        what the store demands of releases
"""

from __future__ import annotations

import re

from onnxport.artifacts import UsageError, check_name

MANIFEST_FILE = "manifest.json"
POLICY_FILE = "policy.json"
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def objects_folder(name: str) -> str:
    """The folder of the model's files."""
    return f"{_model(name)}/objects"


def object_key(name: str, digest: str) -> str:
    """The key of the file with this SHA-256."""
    return f"{objects_folder(name)}/{digest}"


def releases_folder(name: str) -> str:
    """The folder that holds a folder for each version."""
    return f"{_model(name)}/releases"


def manifest_key(name: str, version: int) -> str:
    """The key of a release's manifest."""
    return f"{releases_folder(name)}/{version}/{MANIFEST_FILE}"


def aliases_folder(name: str) -> str:
    """The folder of the model's aliases."""
    return f"{_model(name)}/aliases"


def alias_key(name: str, alias: str) -> str:
    """The key of an alias."""
    return f"{aliases_folder(name)}/{check_name('an alias', alias)}.json"


def history_folder(name: str, alias: str) -> str:
    """The folder of an alias's moves."""
    return f"{_model(name)}/history/{check_name('an alias', alias)}"


def move_key(name: str, alias: str, sequence: int) -> str:
    """The key of the alias's move number `sequence`; keys sort as their numbers do."""
    return f"{history_folder(name, alias)}/{sequence:08d}.json"


def model_in(child: str) -> str | None:
    """The model that a child of the store may stand for; `None` where it stands for none."""
    return child if is_name(child) and child != POLICY_FILE else None


def version_in(child: str) -> int | None:
    """The version that a child of the releases folder stands for; `None` where it stands for none."""
    return int(child) if _VERSION.fullmatch(child) else None


def alias_in(child: str) -> str | None:
    """The alias that a child of the aliases folder stands for; `None` where it stands for none."""
    alias = child.removesuffix(".json")
    return alias if alias != child and is_name(alias) else None


def is_name(text: str) -> bool:
    """Whether `text` can name a model or an alias."""
    try:
        check_name("a model", text)
    except UsageError:
        return False
    return True


def is_file_name(text: str) -> bool:
    """Whether a release may hold a file of this name: a plain one on every system, and not the manifest's."""
    return _FILE.fullmatch(text) is not None and text != MANIFEST_FILE


def _model(name: str) -> str:
    if name == POLICY_FILE:
        raise UsageError(f"{name!r} cannot name a model: the store's policy has this name")
    return check_name("a model", name)
