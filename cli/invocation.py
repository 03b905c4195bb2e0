"""What every command has at hand: the screen, the configuration, and the way to stores and sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .settings import actor, environment

if TYPE_CHECKING:
    import typer
    from onnxport.artifacts import Progress
    from onnxport.releases import Releases, Signer
    from onnxport.sources import AzureAccess, SourceAccess
    from onnxport.storage import StoreAccess

    from .ci import Ci
    from .groups import SourceFlags, WorkspaceFlags
    from .screen import Screen
    from .settings import Auth, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a command.

    Attributes:
        screen: Where its result goes.
        config: What `onnxport.yaml` says.
        ci: The CI system that reads outputs and summaries.
    """

    screen: Screen
    config: Config
    ci: Ci

    def releases(
        self, store: str, progress: Progress, signer: Signer | None = None, auth: Auth | None = None
    ) -> Releases:
        """The releases in `store`, moved and published in the name of the user or CI identity; `signer` signs.

        `auth` signs in to a store over the network where the environment holds no secret for it.
        """
        from onnxport.releases import Releases
        from onnxport.storage import open_store

        environ = environment()
        return Releases(
            store=open_store(store, self.store_access(auth)),
            clock=lambda: datetime.now(UTC),
            actor=actor(environ),
            progress=progress,
            signer=signer,
        )

    def source_access(self, source: str, flags: SourceFlags) -> SourceAccess:
        """How `source` may be opened: pickles when the flag or the configuration allows them.

        Raises:
            UsageError: The Azure ML workspace is named in part only, or a module cannot be allowed.
        """
        from onnxport.sources import AzureAccess, SourceAccess

        return SourceAccess(
            allow_pickle=flags.allow_pickle or self.config.trusts(source),
            allow_modules=tuple(flags.allow_module or ()),
            tracking_uri=flags.tracking_uri,
            azure=self.azure_access(flags) if source.startswith("azureml:") else AzureAccess(),
        )

    def store_access(self, auth: Auth | None) -> StoreAccess:
        """How to get at Blob storage: as the environment says; `auth` signs in where it holds no secret."""
        from onnxport.storage import store_access

        return store_access(environment(), None if auth is None else auth.value)

    def azure_access(self, flags: WorkspaceFlags) -> AzureAccess:
        """How to get at Azure ML: workspace and sign-in.

        Raises:
            UsageError: The workspace is named in part only.
        """
        from onnxport.sources import AzureAccess, resolve_workspace
        from onnxport.storage import choose_auth, identity_client_id

        environ = environment()
        auth = choose_auth(environ) if flags.auth is None else flags.auth.value
        return AzureAccess(
            workspace=resolve_workspace(flags.named_workspace(), self.config.azure_ml, environ, Path.cwd()),
            auth=auth,
            identity_client_id=identity_client_id(auth, environ),
        )


def current(context: typer.Context) -> Invocation:
    """The invocation that `context` belongs to."""
    invocation = context.obj
    if not isinstance(invocation, Invocation):
        raise TypeError("a command runs through onnxport.cli.main.run")
    return invocation
