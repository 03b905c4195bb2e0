"""What the tests of the exporters share."""

from __future__ import annotations

import sys
from pathlib import Path

# the tests of one folder share helper modules; --import-mode=importlib puts no folder on the path
sys.path.insert(0, str(Path(__file__).parent))
