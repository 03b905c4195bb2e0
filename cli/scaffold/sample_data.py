"""Sales opportunities, generated: the same rows for the same seed. Put your own data in their place.

Run `python sample_data.py data/sample.csv` to write them again.
"""

from __future__ import annotations

import csv
import io
import math
import random
import sys
from pathlib import Path

COLUMNS = ("amount", "days_open", "contacts", "activity_30d", "sentiment", "won", "risk")


def csv_text(rows: int, seed: int) -> str:
    """`rows` opportunities: five features, one with missing values, and a target for each kind of model."""
    chance = random.Random(seed)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for _ in range(rows):
        amount = round(math.exp(chance.gauss(10.3, 1.0)), 2)
        days_open, contacts = chance.randint(0, 240), 1 + int(chance.expovariate(0.5))
        activity = int(chance.expovariate(0.2))
        sentiment = round(math.tanh(chance.gauss(0.1, 0.6)), 4)
        score = 1.5 * sentiment + 0.2 * contacts + 0.08 * activity - 0.008 * days_open - 0.3
        won = int(chance.random() < 1 / (1 + math.exp(-score)))
        risk = round(1 / (1 + math.exp(score + chance.gauss(0, 0.3))), 4)
        known = "" if chance.random() < 0.1 else sentiment  # nobody asked
        writer.writerow((amount, days_open, contacts, activity, known, won, risk))
    return file.getvalue()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(csv_text(rows=2000, seed=7), encoding="utf-8")
