"""The iterative imputer: its regressions one after the other, as it learned them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .columns import beside, numbers
from .converter import Converter
from .imputing import indicated, missing_mask
from .tensor import join

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


def _iterative(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if estimator.sample_posterior:
        raise scope.refuse("its answers are random", "Leave sample_posterior at False.")
    if estimator.keep_empty_features or estimator._is_empty_feature.any():  # ruff: ignore[SLF001] - no public name
        raise scope.refuse("a column had no value at all in training", "Leave such columns out.")
    x = scope.doubles(columns)
    given = numbers(x, columns.width)
    mask = missing_mask(scope, given.blocks[0], estimator.missing_values)
    filled = scope.at("initial_imputer_").transform(estimator.initial_imputer_, given).matrix("float64")
    state = [filled.column(index) for index in range(columns.width)]
    for number, step in enumerate(estimator.imputation_sequence_ if estimator.n_iter_ else ()):
        state[step.feat_idx] = _next(scope.at(f"imputation_sequence_[{number}]"), estimator, step, (state, mask))
    result = numbers(join(state), columns.width)
    if estimator.add_indicator:
        return beside([result, indicated(estimator.indicator_, [mask])])
    return result


def _next(scope: Scope, estimator: Estimator, step: Estimator, given: tuple[list[Tensor], Tensor]) -> Tensor:
    state, mask = given
    neighbours = join([state[int(index)] for index in step.neighbor_feat_idx])
    guess = scope.predict(step.estimator, numbers(neighbours, len(step.neighbor_feat_idx))).cast("float64")
    low, high = (float(bound[step.feat_idx]) for bound in (estimator._min_value, estimator._max_value))  # ruff: ignore[SLF001] - no public name
    return mask.column(int(step.feat_idx)).where(guess.unsqueeze(1).clip(low, high), state[step.feat_idx])


CONVERTERS = {"IterativeImputer": Converter(transform=_iterative)}
