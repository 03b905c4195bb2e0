"""Sales opportunities of every kind of column, seeded: the rows of the pipelines' cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

TRAINED = 300
ROWS = 2_000

NUMBERS = ["amount", "age in years", "f3", "f1"]
MIXED = [*NUMBERS, "count", "flag"]
TEXTS = ["stage", "region", "city"]


def frame() -> pd.DataFrame:
    """Features and targets: `win` and `class` to classify, `value` and `positive` to predict."""
    rng = np.random.default_rng(7)
    size = TRAINED + ROWS
    data = pd.DataFrame(
        {
            "amount": rng.normal(1e6, 1e4, size),
            "age in years": rng.normal(40, 10, size),
            "f3": rng.exponential(3, size),
            "f1": rng.integers(0, 9, size).astype(float),
            "epoch": 1.7e9 + rng.normal(0, 1e6, size),
            "count": rng.integers(0, 50, size),
            "flag": rng.random(size) < 0.4,
            "stage": rng.choice(["lead", "won", "lost", "négocié"], size, p=[0.5, 0.2, 0.25, 0.05]),
            "region": pd.Series(rng.choice(["EU", "US", "APAC"], size)).astype("category"),
            "city": pd.Series(rng.choice([f"c{index}" for index in range(20)], size), dtype=object),
            "shop": rng.choice([3, 17, 23, 99], size),
        }
    )
    data["small"] = data["f3"].astype("float32")
    data["single"] = data["amount"].astype("float32")
    score = (data["amount"] - 1e6) / 1e4 + data["f3"] * 0.3 - data["f1"] * 0.2 + (data["stage"] == "won") * 2
    data["win"] = (rng.random(size) < 1 / (1 + np.exp(-score - data["flag"] + 0.5))).astype(int)
    data["class"] = np.digitize(score, [-1, 1])
    data["name"] = np.array(["low", "medium", "high"])[data["class"]]
    data["value"] = score + rng.normal(0, 0.1, size)
    data["positive"] = np.exp(data["value"] * 0.3)
    data["other"] = (data["f3"] > 3).astype(int)
    data["clean"] = data["age in years"]
    data.loc[rng.random(size) < 0.1, "age in years"] = np.nan
    data.loc[rng.random(size) < 0.1, "city"] = np.nan
    data.loc[rng.random(size) < 0.05, "stage"] = None
    for name in ("stage", "city"):
        data[f"{name} category"] = data[name].astype("category")
    return data
