"""Triton (PyTriton) with the graph behind a Python function, as its documentation shows.

`pytriton_server.py MODEL PORT`
"""

import sys
from typing import Any

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

FEATURES, LARGEST = 20, 1024
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])


@batch
def infer(features: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - an array
    """The probabilities."""
    (found,) = session.run(["probabilities"], {"features": features})
    return {"probabilities": found}


port = int(sys.argv[2])
config = TritonConfig(http_port=port, http_address="127.0.0.1", allow_grpc=False, allow_metrics=False)
with Triton(config=config) as triton:
    triton.bind(
        model_name="bench",
        infer_func=infer,
        inputs=[Tensor(name="features", dtype=np.float32, shape=(FEATURES,))],
        outputs=[Tensor(name="probabilities", dtype=np.float32, shape=(2,))],
        config=ModelConfig(max_batch_size=LARGEST),
    )
    triton.serve()
