"""The two models as the product team has them today, before any recipe.

Run `python examples/legacy_models.py OUT --rows 5000 --seed 7`; it writes to the folder OUT:

* `win-probability.joblib`: the dict `{"model": CalibratedClassifierCV(XGBClassifier), "feature_columns": [...]}`;
* `model.json`: risk-scoring, an XGBoost `Booster` that was trained on a DataFrame with real column names;
* `opportunities.parquet`: the rows that they were trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import xgboost
from opportunities import NUMERIC, generate, write
from sklearn.calibration import CalibratedClassifierCV

if TYPE_CHECKING:
    import pandas as pd


def train_win_probability(frame: pd.DataFrame, seed: int) -> dict[str, object]:
    """The bundle that the scoring script of win-probability unpacks."""
    classifier = xgboost.XGBClassifier(
        n_estimators=120, max_depth=4, learning_rate=0.08, subsample=0.9, random_state=seed, n_jobs=1
    )
    model = CalibratedClassifierCV(classifier, method="isotonic", cv=5)
    model.fit(frame[NUMERIC], frame["target_win"])
    return {"model": model, "feature_columns": list(NUMERIC)}


def train_risk_scoring(frame: pd.DataFrame, seed: int) -> xgboost.Booster:
    """The Booster of risk-scoring; its scoring script clips what it predicts to [0, 1]."""
    parameters = {
        "objective": "reg:squarederror",
        "max_depth": 5,
        "eta": 0.1,
        "subsample": 0.9,
        "seed": seed,
        "nthread": 1,
    }
    return xgboost.train(parameters, xgboost.DMatrix(frame[NUMERIC], frame["target_risk"]), num_boost_round=150)


def main() -> None:
    """Write the files to the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Train the two models as the product team has them.")
    parser.add_argument("out", type=Path, help="the folder to write to")
    parser.add_argument("--rows", type=int, default=5000, help="how many opportunities (default: 5000)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same models (default: 7)")
    asked = parser.parse_args()
    frame = generate(asked.rows, asked.seed)
    write(frame, asked.out / "opportunities.parquet")
    joblib.dump(train_win_probability(frame, asked.seed), asked.out / "win-probability.joblib")
    train_risk_scoring(frame, asked.seed).save_model(asked.out / "model.json")
    print(f"win-probability.joblib, model.json and opportunities.parquet in {asked.out}")


if __name__ == "__main__":
    main()
