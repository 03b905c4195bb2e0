"""Nothing that onnxport starts reports to anybody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["onnxport.validation.runtime", "onnxport.serving.engine"])
@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("0", "0")], ids=["default", "what the user said"])
def test_the_runtime_is_silenced_before_it_is_imported(module: str, given: str | None, found: str) -> None:
    code = f"""
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
import {module}
"""
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    if given is not None:
        environment["ORT_DISABLE_TELEMETRY"] = given
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [found]
