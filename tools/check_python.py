"""Say clearly when Python is too old, before anything else fails unclearly."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)

if not OLDEST <= sys.version_info[:2] <= NEWEST:
    sys.exit(
        f"onnxport needs Python 3.11 to 3.13, found {sys.version.split()[0]} as {sys.executable}; "
        "say `make PYTHON=python3.12 …`"
    )
