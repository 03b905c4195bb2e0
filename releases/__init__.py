"""Which versions of a model exist, what proves them, and where its aliases point."""

from .bundles import Signer, open_signer, read_trust
from .draft import Draft
from .policy import Policy, Trust
from .pruning import SHORTEST_GRACE
from .pulling import read_pulled
from .reading import ListedRelease
from .releases import Releases
from .signing import Statement
from .verifying import Verification

__all__ = [
    "SHORTEST_GRACE",
    "Draft",
    "ListedRelease",
    "Policy",
    "Releases",
    "Signer",
    "Statement",
    "Trust",
    "Verification",
    "open_signer",
    "read_pulled",
    "read_trust",
]
