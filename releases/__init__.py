"""Which versions of a model exist, what proves them, and where its aliases point."""

from .draft import Draft
from .pruning import SHORTEST_GRACE
from .reading import ListedRelease
from .releases import Releases
from .verifying import Verification

__all__ = ["SHORTEST_GRACE", "Draft", "ListedRelease", "Releases", "Verification"]
