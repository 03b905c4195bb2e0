"""Scoring script of an Azure ML batch endpoint or parallel job: `init` once a process, `run` once a mini-batch.

The model is a release as `onnxport pull NAME@production --out FOLDER` leaves it, registered as a `custom_model`.
It is verified and proven on its golden rows before the first row. A file of a mini-batch is Parquet, CSV or Arrow;
the answer has a row for each of its rows, with the columns that are no features, and the file it came from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from onnxport.pipelines.batch import BatchScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

_state: dict[str, BatchScorer] = {}


def init() -> None:
    """The release in `AZUREML_MODEL_DIR` is ready to answer."""
    _state["scorer"] = BatchScorer.open(Path(os.environ["AZUREML_MODEL_DIR"]))  # ruff: ignore[TID251] - Azure ML says it so


def run(mini_batch: Sequence[str]) -> pd.DataFrame:
    """The answers for the files of the mini-batch, one row for each of theirs."""
    frames = [_state["scorer"](Path(path)).to_pandas().assign(file=Path(path).name) for path in mini_batch]
    return pd.concat(frames, ignore_index=True)
