"""Bare ASGI under uvicorn with httptools and uvloop."""

import os
from typing import Any

import numpy as np
import onnxruntime
import orjson

MODEL = os.environ["MODEL"]  # ruff: ignore[TID251] - uvicorn passes no arguments on
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])


async def app(scope: Any, receive: Any, send: Any) -> None:  # ruff: ignore[ANN401] - ASGI's own
    """Answers whatever path was asked."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    rows = np.array(orjson.loads(body or b'{"input_data":{"data":[]}}')["input_data"]["data"], dtype=np.float32)
    found = session.run(["probabilities"], {"features": rows})[0] if rows.size else rows
    answer = orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer})
