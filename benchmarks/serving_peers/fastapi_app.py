"""FastAPI with a pydantic model of the body: what most people write."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

MODEL = os.environ["MODEL"]  # ruff: ignore[TID251] - uvicorn passes no arguments on
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Split(BaseModel):
    """Columns and rows."""

    columns: list[str]
    data: list[list[float]]


class Body(BaseModel):
    """The form of Azure ML."""

    input_data: Split


@app.post("/score")
async def score(body: Body) -> list[list[float]]:
    """The probabilities."""
    (found,) = session.run(["probabilities"], {"features": np.array(body.input_data.data, dtype=np.float32)})
    return found.tolist()
