"""The option groups that several commands take, each defined once with the value that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .expanding import OptionGroup
from .options import (
    RUNTIME,
    SEED,
    TOLERANCE,
    TRACKING_URI,
    Alias,
    AllowModule,
    AllowPickle,
    Breaking,
    Certificate,
    Chain,
    Clip,
    FirstRows,
    MaxBytes,
    MaxLoad,
    MaxP95,
    MaxRss,
    Reason,
    ResourceGroup,
    Runtime,
    Seed,
    SignIn,
    SignWith,
    Subscription,
    Tolerance,
    TrackingUri,
    Workspace,
)

if TYPE_CHECKING:
    from onnxport.exporters import ExportOptions
    from onnxport.pipelines.limits import Limits
    from onnxport.pipelines.publish import Promotion
    from onnxport.releases import Signer
    from onnxport.validation import CheckOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFlags(OptionGroup):
    """Which Azure ML workspace, and how to sign in: what `Invocation.azure_access` joins with the environment.

    Attributes:
        subscription: Azure subscription of the Azure ML workspace.
        resource_group: Its resource group.
        workspace: Its name.
        auth: How to sign in to Azure; `None`: as the environment is made for.
    """

    subscription: Subscription = None
    resource_group: ResourceGroup = None
    workspace: Workspace = None
    auth: SignIn = None

    def named_workspace(self) -> dict[str, str | None]:
        """The workspace under the keys of `onnxport.yaml`."""
        return {
            "subscription_id": self.subscription,
            "resource_group": self.resource_group,
            "workspace_name": self.workspace,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFlags(WorkspaceFlags):
    """How a source is opened: what `Invocation.source_access` joins with configuration and environment.

    Attributes:
        tracking_uri: MLflow's tracking server or database.
        allow_pickle: Whether its pickle may be opened.
        allow_module: Modules of the user's own that the pickle may use.
    """

    tracking_uri: TrackingUri = TRACKING_URI
    allow_pickle: AllowPickle = False
    allow_module: AllowModule = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionFlags(OptionGroup):
    """What the graph is asked to be.

    Attributes:
        clip: Range that the scores are clipped to, inside the graph.
        runtime: The oldest runtime that must load it.
    """

    clip: Clip = None
    runtime: Runtime = RUNTIME

    def options(self) -> ExportOptions:
        """The same for `exporters`."""
        from onnxport.exporters import ExportOptions

        return ExportOptions(clip=self.clip, runtime=self.runtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFlags(OptionGroup):
    """How the graph is proven.

    Attributes:
        tolerance: Profile or file that says how far outputs may be off.
        seed: Seed of the generated probes.
        rows: How many rows of the sample to take at most; `None` for all of them.
    """

    tolerance: Tolerance = TOLERANCE
    seed: Seed = SEED
    rows: FirstRows = None

    def options(self) -> CheckOptions:
        """The same for `validation`.

        Raises:
            UsageError: The tolerances cannot be read.
        """
        from onnxport.validation import CheckOptions, load_tolerances

        return CheckOptions(tolerances=load_tolerances(self.tolerance), seed=self.seed, rows=self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFlags(OptionGroup):
    """What follows a release.

    Attributes:
        alias: The alias to move to it, or `None`.
        reason: Why, for the alias's history.
        breaking: Whether it moves although its callers will fail.
    """

    alias: Alias = None
    reason: Reason = ""
    breaking: Breaking = False

    def promotion(self) -> Promotion | None:
        """The same for `pipelines`."""
        from onnxport.pipelines.publish import Promotion

        if self.alias is None:
            return None
        return Promotion(alias=self.alias, reason=self.reason, breaking=self.breaking)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningFlags(OptionGroup):
    """Who signs a release.

    Attributes:
        sign_with: Private key, or `None`: nobody signs.
        certificate: The key's certificate, or `None`: the bare key signs.
        chain: Certificates that lead from it to a root.
    """

    sign_with: SignWith = None
    certificate: Certificate = None
    chain: Chain = None

    def signer(self) -> Signer | None:
        """The signer that the options name, its key opened and tried; `None` where they name none.

        Raises:
            UsageError: Something is missing, or is not what it should be.
        """
        from onnxport.artifacts import UsageError
        from onnxport.releases import open_signer

        if self.sign_with is not None:
            return open_signer(self.sign_with, self.certificate, self.chain)
        if self.certificate is not None or self.chain is not None:
            raise UsageError("a certificate signs with its private key", hint="Give the key: --sign-with KEY.pem.")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFlags(OptionGroup):
    """What a release may cost; `None`: anything.

    Attributes:
        max_p95_us: Microseconds of one row, 95th percentile.
        max_load_ms: Milliseconds to load.
        max_rss_mb: MiB of memory that it adds.
        max_bytes: Size of the graph.
    """

    max_p95_us: MaxP95 = None
    max_load_ms: MaxLoad = None
    max_rss_mb: MaxRss = None
    max_bytes: MaxBytes = None

    def limits(self) -> Limits:
        """The same for `pipelines`."""
        from onnxport.pipelines.limits import Limits

        return Limits(
            p95_us=self.max_p95_us, load_ms=self.max_load_ms, rss_mb=self.max_rss_mb, bytes=self.max_bytes
        )
