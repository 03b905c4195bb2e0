"""Run graphs in the oldest runtime: `python run_on_floor.py FOLDER`; needs nothing but numpy and onnxruntime.

FOLDER holds `N.onnx` and `N.npz` (the tensors, strings as unicode arrays); `N.answers.npz` comes beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime


def main(folder: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for model in sorted(folder.glob("*.onnx")):
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        with np.load(model.with_suffix(".npz")) as stored:
            feeds = {name: stored[name] for name in stored.files}
        feeds = {
            name: values.astype(object) if values.dtype.kind == "U" else values for name, values in feeds.items()
        }
        names = [output.name for output in session.get_outputs()]
        answers = dict(zip(names, session.run(names, feeds)))  # ruff: ignore[B905] - as old as the runtime
        plain = {
            name: values.astype(str) if values.dtype == object else values for name, values in answers.items()
        }
        np.savez(model.with_suffix(".answers.npz"), **plain)
    sys.stdout.write(onnxruntime.__version__)


main(Path(sys.argv[1]))
