"""Write docs/coverage.md from the cases that the tests run: what is exact, and what is refused with which reason.

Run `python tools/coverage_docs.py` after a change to the cases; `--check` fails when the page is not up to date.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "coverage.md"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "exporters")]


def page() -> str:
    """The whole page."""
    from lightgbm_cases import CASES as LIGHTGBM
    from sklearn_cases import encoded, imputed, scaled
    from sklearn_estimators import REFUSED, estimators
    from sklearn_wholes import cases as wholes
    from xgboost_cases import CASES as XGBOOST

    pipelines = dict.fromkeys([*scaled(), *imputed(), *encoded(), *wholes()])
    known = estimators()
    exact = sorted(set(known) - set(REFUSED))
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in REFUSED.items():
        reasons[reason].append(name)
    parts = [
        "# Coverage: exact, or refused with a reason",
        "There is no third state. Written by `tools/coverage_docs.py` from the cases that `tests/exporters` runs; each "
        "case is compared with its source on rows of its distribution, thresholds one unit below and above, missing "
        "values and extremes.",
        f"## XGBoost: {len(XGBOOST)} cases, margins equal to the last bit",
        "Margins of tree boosters are bit-identical on one thread; dart and gblinear within 2 units in the last place; "
        "2 more through the link function, 8 for `multi:softmax` probabilities. Refused: a wrapper with its own "
        "`predict`, an estimator that is not fitted, categories without a vocabulary in the model (trained on codes, "
        "or before XGBoost 3.1), non-ASCII categories in another order than in training, `missing` of 0 or more "
        "together with categories.",
        bullets(XGBOOST),
        f"## LightGBM: {len(LIGHTGBM)} cases, in double precision",
        "The extra `lightgbm`. Refused: linear trees, a wrapper with its own `predict`, a classifier with an objective "
        "of one's own or of one class, plain string columns.",
        bullets(LIGHTGBM),
        f"## Pipelines: {len(pipelines)} cases",
        bullets(pipelines),
        f"## scikit-learn's own estimators: {len(exact)} of {len(known)} exact",
        "Transformers stand in front of a model.",
        ", ".join(f"`{name}`" for name in exact) + ".",
        "## Refused, and why",
        "\n".join(
            ["| estimators | reason |", "|---|---|"]
            + [
                f"| {', '.join(f'`{name}`' for name in sorted(names))} | {reason} |"
                for reason, names in reasons.items()
            ]
        ),
        "What is refused names the step's path in the pipeline, the reason, and what to do instead (exit 4).",
    ]
    return "\n\n".join(parts) + "\n"


def bullets(names: Iterable[str]) -> str:
    """The names, separated by points, in one paragraph."""
    return " · ".join(str(name).replace("|", "\\|").replace("*", "\\*").replace("_", "\\_") for name in names)


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv:
        sys.exit(
            0 if PAGE.read_text(encoding="utf-8") == made else f"{PAGE.name} is not up to date: run {__file__}"
        )
    PAGE.write_text(made, encoding="utf-8")
