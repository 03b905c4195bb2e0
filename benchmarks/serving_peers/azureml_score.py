"""The entry script of an Azure ML endpoint: the joblib file and a DataFrame."""

import json
import os
from typing import Any

import joblib
import pandas as pd

LOADED: dict[str, Any] = {}


def init() -> None:
    """The model is loaded."""
    LOADED["model"] = joblib.load(os.environ["SOURCE"])  # ruff: ignore[TID251] - the server passes no arguments on


def run(raw: str) -> list[list[float]]:
    """The probabilities."""
    split = json.loads(raw)["input_data"]
    frame = pd.DataFrame(split["data"], columns=split["columns"])
    return LOADED["model"].predict_proba(frame).tolist()
