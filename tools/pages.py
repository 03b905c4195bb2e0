"""Write the pages of docs/ that come from the cases of the tests, and the JSON Schemas.

Run `python tools/pages.py` after a change to the cases; `--check` fails when a page is not up to date.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "exporters")]


def coverage() -> str:
    """What is exact, and what is refused with which reason."""
    from catboost_cases import CASES as CATBOOST
    from lightgbm_cases import CASES as LIGHTGBM
    from onnxport.exporters.from_sklearn.refusals import REASONS
    from sklearn_cases import encoded, imputed, scaled
    from sklearn_estimators import estimators
    from sklearn_variants import REFUSED, VARIANTS
    from sklearn_wholes import cases as wholes
    from xgboost_cases import CASES as XGBOOST

    pipelines = dict.fromkeys([*scaled(), *imputed(), *encoded(), *wholes()])
    known = estimators()
    exact = sorted(set(known) - set(REASONS))
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, reason in REASONS.items():
        reasons[reason].append(name)
    parts = [
        "# Coverage: exact, or refused with a reason",
        "There is no third state. Written by `tools/pages.py` from the cases that `tests/exporters` runs; each "
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
        f"## CatBoost: {len(CATBOOST)} cases, in double precision",
        "The extra `catboost`. Refused: categories, texts and embeddings among the features, a wrapper with its own "
        "`predict`, a classifier with an objective of one's own.",
        bullets(CATBOOST),
        f"## Pipelines: {len(pipelines)} cases",
        bullets(pipelines),
        f"## scikit-learn's own estimators: {len(exact)} of {len(known)} exact",
        "Transformers stand in front of a model.",
        ", ".join(f"`{name}`" for name in exact) + ".",
        f"## With other parameters than their own: {len(VARIANTS)} cases",
        f"{bullets(VARIANTS)}. Refused: {bullets(REFUSED)}.",
        "## Refused, and why",
        "\n".join(
            ["| estimators | reason | instead |", "|---|---|---|"]
            + [
                f"| {', '.join(f'`{name}`' for name in sorted(names))} | {reason} | {instead} |"
                for (reason, instead), names in reasons.items()
            ]
        ),
        "Texts: the standard operators lower-case ASCII alone where no locale is installed (`StringNormalizer`), say whether "
        "a text matches but not where (`RegexFullMatch`), and split at fixed strings (`StringSplit`); Python's words and "
        "lower case are Unicode's. The runtime's own `Tokenizer` is no part of ONNX, and a graph with such operators is "
        "not trusted when it is pulled.",
        "What is refused names the step's path in the pipeline, the reason, and what to do instead (exit 4).",
    ]
    return "\n\n".join(parts) + "\n"


def damage() -> str:
    """Every kind of damage that a check must find, and what its explanation must say."""
    from tests.validation.test_damage_to_steps import CATEGORY, CLASSES, SCALED
    from tests.validation.test_damage_to_trees import REGRESSION

    families = {
        "a regressor of trees": REGRESSION,
        "a scaler in front of a classifier of trees": SCALED,
        "categories in front of trees": CATEGORY,
        "three classes": CLASSES,
    }
    count = sum(map(len, families.values()))
    lines = [
        "# Damage that a check finds",
        "",
        f"{count} kinds, written by `tools/pages.py` from `tests/validation/test_damage_to_*.py`: each is done to a good "
        "graph, `check` must fail, and its explanation must hold these words.",
        "",
        "| damage | to | the explanation says |",
        "|---|---|---|",
    ]
    for family, kinds in families.items():
        for name, (_, words) in kinds.items():
            lines.append(f"| {name} | {family} | {' … '.join(words)} |".replace("<", "&lt;"))
    return "\n".join(lines) + "\n"


def bullets(names: Iterable[str]) -> str:
    """The names, separated by points, in one paragraph."""
    return " · ".join(str(name).replace("|", "\\|").replace("*", "\\*").replace("_", "\\_") for name in names)


def schemas() -> dict[str, str]:
    """File name to JSON Schema of each document that onnxport writes."""
    from onnxport.cli.schema import documents

    return {
        f"schemas/{name}.schema.json": json.dumps(document.model_json_schema(), indent=2, sort_keys=True) + "\n"
        for name, document in documents().items()
    }


def main() -> None:
    """Write the pages, or with `--check` leave with an error when one is not up to date."""
    for name, made in {"coverage.md": coverage(), "damage.md": damage(), **schemas()}.items():
        page = DOCS / name
        page.parent.mkdir(exist_ok=True)
        if "--check" not in sys.argv:
            page.write_text(made, encoding="utf-8")
        elif not page.is_file() or page.read_text(encoding="utf-8") != made:
            sys.exit(f"docs/{name} is not up to date: run tools/pages.py")


if __name__ == "__main__":
    main()
