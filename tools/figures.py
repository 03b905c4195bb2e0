"""Draw the figures of docs/how-parity-works.md from an experiment that is done here: `make figures`.

A MinMaxScaler in front of an XGBClassifier, amounts of 1,000,000 give or take 10,000: the source scales in
float64, the damaged graph in float32, as a usual converter writes it. Everything else is the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from xgboost import XGBClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from sklearn.pipeline import Pipeline

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
ROWS, FEATURES, TRIALS = 40_000, 6, 1_000
MEANS, SCALES = np.array([1e6, 0, 50, 1e5, 0, 3]), np.array([1e4, 1, 20, 500, 2, 1])
WHOLE, STEPS = [0, 2, 5], [100, 1, 1]  # columns that come in steps
GOOD, BAD = "#2a6fb0", "#c0392b"
TOLERANCE = 1e-5


def rows(generator: np.random.Generator, count: int) -> np.ndarray:
    """Opportunities as they come, `(count, features)`: amounts in hundreds, days and counts in whole numbers."""
    values = generator.normal(size=(count, FEATURES)) * SCALES + MEANS
    values[:, WHOLE] = values[:, WHOLE] // STEPS * STEPS
    return values


def damaged(model: Pipeline, values: np.ndarray) -> np.ndarray:
    """What a graph answers that scales in float32, `(n,)`."""
    scaler = model[0]
    narrow = values.astype(np.float32) * scaler.scale_.astype(np.float32) + scaler.min_.astype(np.float32)
    return np.asarray(model[-1].predict_proba(narrow)[:, 1])


def wrong(model: Pipeline, values: np.ndarray) -> np.ndarray:
    """Which rows the damaged graph answers otherwise than the source, `(n,)`."""
    source = model.predict_proba(values)[:, 1]
    return np.abs(source - damaged(model, values)) > TOLERANCE + TOLERANCE * source


def main() -> None:
    """Train, damage, and draw."""
    mpl.rcParams.update({"svg.hashsalt": "onnxport", "font.size": 10, "axes.spines.top": False})
    mpl.rcParams["axes.spines.right"] = False
    generator = np.random.default_rng(0)
    train = rows(generator, ROWS)
    standard = (train - MEANS) / SCALES
    labels = standard[:, 0] + standard[:, 1] * standard[:, 3] + generator.normal(size=ROWS) > 0
    model = make_pipeline(MinMaxScaler(), XGBClassifier(n_estimators=200, max_depth=6, n_jobs=2))
    model.fit(train, labels.astype(int))
    fresh = rows(generator, ROWS)
    _draw("parity-scatter", lambda axes: _scatter(axes, model, fresh))
    _draw("parity-detection", lambda axes: _detection(axes, model, fresh, generator))
    _draw("parity-threshold", lambda axes: _threshold(axes, model))


def _draw(name: str, paint: Callable[[Axes], None]) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    paint(axes)
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None}, facecolor="white")
    plt.close(figure)


def _scatter(axes: Axes, model: Pipeline, fresh: np.ndarray) -> None:
    source, graph = model.predict_proba(fresh)[:, 1], damaged(model, fresh)
    off = wrong(model, fresh)
    shown = np.concatenate([np.flatnonzero(~off)[:1500], np.flatnonzero(off)[:1500]])
    colours = np.where(off[shown], BAD, GOOD)
    axes.scatter(source[shown], graph[shown], s=5, c=colours, linewidths=0)
    axes.set(xlabel="probability of the source", ylabel="probability of the float32 graph")
    worst = np.abs(source - graph).max()
    axes.set_title(f"{off.mean():.1%} of fresh rows are wrong, the worst by {worst:.2f}", loc="left")


def _detection(axes: Axes, model: Pipeline, fresh: np.ndarray, generator: np.random.Generator) -> None:
    normal = generator.normal(size=(100_000, FEATURES))
    counts = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
    for name, colour, off in (
        ("rows of the user", GOOD, wrong(model, fresh)),
        ("random normal rows", BAD, wrong(model, normal)),
    ):
        drawn = generator.choice(off, size=(TRIALS, counts[-1]))
        found = [100 * drawn[:, :count].any(axis=1).mean() for count in counts]
        axes.plot(counts, found, marker="o", color=colour, label=name)
    axes.set(xscale="log", xlabel="rows in the check", ylabel="checks that find the damage, %", ylim=(-3, 103))
    axes.legend(frameon=False, loc="center right")
    axes.set_title(f"{TRIALS:,} checks of each size", loc="left")


def _threshold(axes: Axes, model: Pipeline) -> None:
    """One split seen at float32 resolution: `<`, as the source asks it, and `<=`."""
    table = model[-1].get_booster().trees_to_dataframe()
    split = table[(table["Tree"] == 0) & (table["Node"] == 0)].iloc[0]
    threshold = np.float32(split["Split"])
    steps = np.arange(-4, 5)
    places = (threshold.view(np.int32) + steps * int(np.sign(threshold))).astype(np.int32).view(np.float32)
    values = np.zeros((len(places), FEATURES), dtype=np.float32)
    values[:, int(split["Feature"].removeprefix("f"))] = places
    source = model[-1].predict_proba(values)[:, 1]
    axes.step(steps, source, where="mid", color=GOOD, marker="o", label="source: value < threshold")
    moved = np.where(places <= threshold, source[0], source[-1])
    axes.step(steps, moved, where="mid", color=BAD, marker="x", linestyle="--", label="graph: value ≤ threshold")
    axes.set(xlabel="steps of one float32 from the threshold", ylabel="probability", xticks=steps)
    axes.legend(frameon=False)
    axes.set_title("the two differ at one value out of four billion", loc="left")


if __name__ == "__main__":
    main()
