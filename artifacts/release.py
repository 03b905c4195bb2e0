"""References to releases, aliases, and the entries of their history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from .document import Document
from .errors import UsageError

if TYPE_CHECKING:
    from .manifest import Manifest

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?")


def check_name(kind: str, name: str) -> str:
    """`name`, if it can name a model or an alias in every store.

    Raises:
        UsageError: It cannot: it has other characters, is too long, or holds `..`.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise UsageError(
            f"{name!r} cannot name {kind}",
            hint="Use 1 to 100 lower-case letters, digits, '-', '_' and '.', with a letter or digit at both ends.",
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRef:
    """What `NAME:VERSION`, `NAME@ALIAS` or `NAME` says; exactly one of `version` and `alias` is set, or neither.

    Law: `ReleaseRef.parse(str(ref)) == ref`.
    """

    name: str
    version: int | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> ReleaseRef:
        """The reference in `text`.

        Raises:
            UsageError: It is none.
        """
        name, mark, rest = text.partition("@")
        if mark:
            return cls(name=check_name("a model", name), alias=check_name("an alias", rest))
        name, mark, rest = text.partition(":")
        if not mark:
            return cls(name=check_name("a model", name))
        if not re.fullmatch(r"[1-9][0-9]{0,8}", rest):
            raise UsageError(f"{text!r} has no version number after ':'", hint="Write NAME:3 or NAME@production.")
        return cls(name=check_name("a model", name), version=int(rest))

    def __str__(self) -> str:
        if self.alias is not None:
            return f"{self.name}@{self.alias}"
        return self.name if self.version is None else f"{self.name}:{self.version}"


class Move(Document):
    """One move of an alias: `history/<alias>/<sequence>.json`, append-only.

    Attributes:
        sequence: 1, 2, 3, … without gaps.
        from_version: Where the alias pointed before; `None` for the first move.
        to_version: Where it points since.
        at: RFC 3339, UTC.
        by: User or CI identity.
        reason: Why; empty when nobody said.
    """

    sequence: int = Field(ge=1)
    from_version: int | None = None
    to_version: int = Field(ge=1)
    at: str
    by: str
    reason: str = ""


class Alias(Document):
    """`aliases/<alias>.json`: the truth about where an alias points, with its last move.

    Attributes:
        schema_version: Version of this format.
        model: Name of the model.
        alias: Name of the alias.
        version: The release that it points at.
        digest: That release's digest.
        updated_at: RFC 3339, UTC.
        updated_by: User or CI identity.
        reason: Why it was moved.
        sequence: Number of the last move.
        move: The last move, as it stands or will stand in the history.
    """

    schema_version: int = 1
    model: str
    alias: str
    version: int = Field(ge=1)
    digest: str
    updated_at: str
    updated_by: str
    reason: str = ""
    sequence: int = Field(ge=1)
    move: Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as it stands in a store.

    Attributes:
        manifest: What it is.
        created: Whether this call made it; false when it was there already.
    """

    manifest: Manifest
    created: bool = False
