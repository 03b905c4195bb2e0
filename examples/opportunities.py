"""Sales opportunities, generated: the same rows for the same seed, on every machine.

Run `python examples/opportunities.py OUT.parquet --rows 5000 --seed 7`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

NUMERIC = [
    "amount",
    "probability",
    "days_to_close",
    "stage_encoded",
    "industry_encoded",
    "days_since_last_activity",
    "activity_count_30d",
    "stakeholder_count",
    "days_in_stage",
    "competitor_count",
    "sentiment_score",
    "product_fit_score",
]
"""The feature columns that both models take, in the order in which they were trained."""

CATEGORICAL = ["stage", "industry", "region"]
STAGES = ["prospecting", "qualification", "proposal", "negotiation"]
INDUSTRIES = ["automotive", "banking", "chemicals", "energy", "healthcare", "public sector", "retail", "software"]
REGIONS = ["DACH", "Benelux", "Île-de-France", "Nordics", "UK & Ireland"]
TENANTS = 40
LARGE = 100_000
FIRST_DAY = np.datetime64("2024-01-01")
DAYS = 720

Numbers = np.ndarray[Any, np.dtype[Any]]


def generate(rows: int, seed: int) -> pd.DataFrame:
    """`rows` opportunities: features with missing values, `created_at`, `tenant_id`, and the two targets."""
    random = np.random.default_rng(seed)
    stage = random.choice(len(STAGES), size=rows, p=[0.35, 0.3, 0.2, 0.15])
    industry = random.integers(len(INDUSTRIES), size=rows)
    frame = pd.DataFrame(
        {
            "tenant_id": [f"tenant-{number:03d}" for number in random.integers(TENANTS, size=rows)],
            "created_at": FIRST_DAY + np.sort(random.integers(DAYS, size=rows)),
            "amount": np.round(np.exp(random.normal(10.3 + 0.15 * stage, 1.1)), 2),
            "probability": np.clip(np.round(10 + 22 * stage + random.normal(0, 12, rows)), 0, 100) / 100,
            "days_to_close": random.integers(-30, 240, size=rows),
            "stage_encoded": stage,
            "industry_encoded": industry,
            "days_since_last_activity": np.round(random.exponential(14, rows)),
            "activity_count_30d": random.poisson(4 + stage),
            "stakeholder_count": 1 + random.poisson(1.5 + 0.8 * stage),
            "days_in_stage": np.round(random.gamma(2.0, 15, rows)).astype(np.int64),
            "competitor_count": random.poisson(1.2, rows),
            "sentiment_score": np.round(np.tanh(random.normal(0.1, 0.6, rows)), 4),
            "product_fit_score": np.round(random.beta(4, 2, rows), 4),
            "stage": np.array(STAGES, dtype=object)[stage],
            "industry": np.array(INDUSTRIES, dtype=object)[industry],
            "region": random.choice(np.array(REGIONS, dtype=object), size=rows, p=[0.4, 0.15, 0.15, 0.1, 0.2]),
        }
    )
    frame["target_win"] = (random.random(rows) < _sigmoid(_win_score(frame))).astype(np.int64)
    frame["target_risk"] = np.round(_sigmoid(_risk_score(frame) + random.normal(0, 0.4, rows)), 4)
    return _forget(frame, random)


def _win_score(frame: pd.DataFrame) -> Numbers:
    score = (
        -1.6
        + 2.2 * frame["probability"]
        + 0.9 * frame["sentiment_score"]
        + 1.8 * (frame["product_fit_score"] - 0.6)
        + 0.12 * frame["stakeholder_count"]
        + 0.05 * frame["activity_count_30d"]
        - 0.25 * frame["competitor_count"]
        - 0.02 * frame["days_since_last_activity"]
        - 0.5 * ((frame["amount"] > LARGE) & (frame["competitor_count"] > 1))
    )
    return score.to_numpy()


def _risk_score(frame: pd.DataFrame) -> Numbers:
    score = (
        -0.4
        + 0.03 * frame["days_since_last_activity"]
        + 0.012 * frame["days_in_stage"]
        + 0.3 * frame["competitor_count"]
        - 0.9 * frame["sentiment_score"]
        - 0.08 * frame["activity_count_30d"]
        + 0.4 * (frame["days_to_close"] < 0)
    )
    return score.to_numpy()


def _sigmoid(score: Numbers) -> Numbers:
    return 1.0 / (1.0 + np.exp(-score))


def _forget(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Values go missing as they do in a CRM: nobody was asked, or nobody wrote it down."""
    shares = {
        "days_since_last_activity": 0.05,
        "sentiment_score": 0.15,
        "product_fit_score": 0.1,
        "industry": 0.04,
        "region": 0.02,
    }
    for column, share in shares.items():
        gone = random.random(len(frame)) < share
        frame.loc[gone, column] = None if column in CATEGORICAL else np.nan
    return frame


def write(frame: pd.DataFrame, path: Path) -> None:
    """`frame` lies in the Parquet file `path`; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)


def main() -> None:
    """Write the file that the command line names."""
    parser = argparse.ArgumentParser(description="Write generated sales opportunities to a Parquet file.")
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    parser.add_argument("--rows", type=int, default=5000, help="how many opportunities (default: 5000)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same rows (default: 7)")
    asked = parser.parse_args()
    write(generate(asked.rows, asked.seed), asked.out)
    print(f"{asked.rows} opportunities in {asked.out}")


if __name__ == "__main__":
    main()
