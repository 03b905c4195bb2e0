"""What every command has at hand: the screen, the configuration, and the way to stores and sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .settings import actor, environment, store_access

if TYPE_CHECKING:
    import typer
    from onnxport.artifacts import Progress
    from onnxport.releases import Releases
    from onnxport.sources import SourceAccess

    from .screen import Screen
    from .settings import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a command.

    Attributes:
        screen: Where its result goes.
        config: What `onnxport.yaml` says.
    """

    screen: Screen
    config: Config

    def releases(self, store: str, progress: Progress) -> Releases:
        """The releases in `store`, moved and published in the name of the user or CI identity."""
        from onnxport.releases import Releases
        from onnxport.storage import open_store

        environ = environment()
        return Releases(
            store=open_store(store, store_access(environ)),
            clock=lambda: datetime.now(UTC),
            actor=actor(environ),
            progress=progress,
        )

    def source_access(self, source: str, *, allow_pickle: bool, tracking_uri: str) -> SourceAccess:
        """How `source` may be opened: pickles when the flag or the configuration allows them."""
        from onnxport.sources import SourceAccess

        return SourceAccess(allow_pickle=allow_pickle or self.config.trusts(source), tracking_uri=tracking_uri)


def current(context: typer.Context) -> Invocation:
    """The invocation that `context` belongs to."""
    invocation = context.obj
    if not isinstance(invocation, Invocation):
        raise TypeError("a command runs through onnxport.cli.main.run")
    return invocation
