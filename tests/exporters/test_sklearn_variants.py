"""Other parameters than an estimator's own are exact too, or refused by what makes them inexact."""

from __future__ import annotations

import warnings

import pytest
from exporting import refusal
from sklearn_estimators import TRAINED
from sklearn_parity import compare
from sklearn_variants import REFUSED, VARIANTS, fitted, rows


@pytest.mark.parametrize("name", VARIANTS)
def test_the_variant_answers_the_same_from_its_graph(name: str) -> None:
    build, goal = VARIANTS[name]
    data = rows(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compared = compare(fitted(build, goal, data), data[:TRAINED], data[TRAINED:])
    assert compared.wrong == 0, compared


@pytest.mark.parametrize("name", REFUSED)
def test_the_variant_is_refused_with_the_reason_and_what_to_do_instead(name: str) -> None:
    build, goal, reason = REFUSED[name]
    data = rows(name)
    refused = refusal(fitted(build, goal, data), data[:TRAINED])
    assert reason in refused.reason
    assert refused.instead
