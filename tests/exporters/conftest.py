"""What the tests of the exporters share."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# the tests of one folder share helper modules; --import-mode=importlib puts no folder on the path
sys.path.insert(0, str(Path(__file__).parent))

# `--hypothesis-profile models`: as many random models as a release is worth
settings.register_profile("models", max_examples=600)
