"""What a Booster predicts with, read from the bytes that XGBoost saves: its text dumps lose what matters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from onnxport.artifacts import IntegrityError
from onnxport.exporters.refused import Refused

from .saved import TreeArrays, saved_parts
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from onnxport.artifacts import Column
    from xgboost import Booster


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The forest of a `gbtree` or `dart` model.

    Attributes:
        arrays: The trees' arrays; inner nodes have two children, leaves have -1 as left child.
        group: The output that each tree adds to, `(trees,)`; 0 where leaves hold a value for each output.
        rounds: How many trees there are after each boosting round, `(rounds + 1,)`, from 0.
        weights: What `dart` multiplies each tree with, `(trees,)`; `None` for `gbtree`.
        vocabularies: The categories by code of each feature, as the training data had them; `None` for a feature
            that has none. Empty where the model holds no vocabulary at all.
    """

    arrays: TreeArrays
    group: Column
    rounds: Column
    weights: Column | None
    vocabularies: tuple[Vocabulary | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A `gblinear` model.

    Attributes:
        weights: `(features, outputs)`, float32.
        bias: `(outputs,)`, float32.
    """

    weights: Column
    bias: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A Booster as numbers.

    Attributes:
        objective: `binary:logistic`, …
        outputs: How many margins a row has.
        classes: `num_class`; 0 where the objective has none.
        intercept: The base score of each output as it is stored, `(outputs,)`, float32.
        intercept_is_margin: Whether XGBoost takes the intercept as it is, without the objective's inverse link.
        features: How many columns a row has.
        feature_names: Their names, where the training data had some.
        feature_types: `float`, `int`, `i`, `q`, `c`, … where known; `c` is categorical.
        core: Trees or weights.
    """

    objective: str
    outputs: int
    classes: int
    intercept: Column
    intercept_is_margin: bool
    features: int
    feature_names: tuple[str, ...] | None
    feature_types: tuple[str, ...] | None
    core: Trees | Linear

    @property
    def kind(self) -> Literal["gbtree", "dart", "gblinear"]:
        """The booster's name."""
        if isinstance(self.core, Linear):
            return "gblinear"
        return "gbtree" if self.core.weights is None else "dart"


def read_booster(booster: Booster, step: str) -> Model:
    """`booster` as numbers; `step` is its path in the source, for refusals.

    Raises:
        Refused: It is a kind of booster that we do not know.
        IntegrityError: XGBoost saved what we cannot read.
    """
    try:
        return _read(saved_parts(booster), step)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{step}: XGBoost saved a model in a form that is not known: {error!r}") from error


def _read(parts: Iterator[Mapping[str, Any]], step: str) -> Model:
    first = next(parts)
    parameters = first["learner_model_param"]
    classes, targets = int(parameters["num_class"]), int(parameters.get("num_target", "1"))
    outputs = max(classes, targets, 1)
    features = int(parameters["num_feature"])
    match first["gradient_booster"]["name"]:
        case "gbtree" | "dart":
            trees = _trees(chain([first], parts))
            core: Trees | Linear = trees
            fitted = len(trees.group) > 0
        case "gblinear":
            values = np.array(first["gradient_booster"]["model"]["weights"], dtype=np.float32)
            values = values.reshape(features + 1, outputs)
            core, fitted = Linear(weights=values[:-1], bias=values[-1]), True
        case name:
            raise Refused(step, f"booster {name!r} is not known", "Train with gbtree, dart or gblinear.")
    return Model(
        objective=first["objective"]["name"],
        outputs=outputs,
        classes=classes,
        intercept=_intercept(parameters["base_score"], outputs),
        intercept_is_margin=not fitted and int(parameters.get("boost_from_average", "0")) != 0,
        features=features,
        feature_names=tuple(first.get("feature_names", ())) or None,
        feature_types=tuple(first.get("feature_types", ())) or None,
        core=core,
    )


def _intercept(text: str, outputs: int) -> Column:
    """XGBoost up to 3.0 writes a number, later ones a list of one number or one an output."""
    values = np.array([np.float32(part) for part in text.strip("[]").split(",")], dtype=np.float32)
    if len(values) not in {1, outputs}:
        raise ValueError(f"base_score {text!r} for {outputs} outputs")
    return np.broadcast_to(values, (outputs,))


def _trees(parts: Iterable[Mapping[str, Any]]) -> Trees:
    arrays = TreeArrays()
    groups: list[int] = []
    rounds = [0]
    weights: list[float] | None = None
    vocabularies: tuple[Vocabulary | None, ...] = ()
    for part in parts:
        booster = part["gradient_booster"]
        if "weight_drop" in booster:
            weights = [*(weights or ()), *booster["weight_drop"]]
        model = booster["gbtree"]["model"] if "gbtree" in booster else booster["model"]
        arrays.add(model["trees"])
        rounds += [rounds[-1] + int(end) for end in model["iteration_indptr"][1:]]
        groups += model["tree_info"]
        vocabularies = tuple(map(Vocabulary.read, model.get("cats", {}).get("enc", ())))
    return Trees(
        arrays=arrays,
        group=np.array(groups, dtype=np.int64),
        rounds=np.array(rounds, dtype=np.int64),
        weights=None if weights is None else np.array(weights, dtype=np.float32),
        vocabularies=vocabularies,
    )
