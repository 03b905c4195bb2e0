"""Every estimator of scikit-learn is exact or refused; there is no third state."""

from __future__ import annotations

import warnings

import pytest
from exporting import refusal
from onnxport.exporters.from_sklearn.registry import converters
from sklearn_estimators import REFUSED, TRAINED, estimators, features, models
from sklearn_parity import compare

ALL = estimators()
_FITS = {"GaussianProcessClassifier", "Isomap", "LatentDirichletAllocation", "NMF", "PolynomialCountSketch"}


def test_every_estimator_is_either_converted_or_refused_with_a_reason() -> None:
    assert set(converters()) & set(REFUSED) == set()
    assert set(ALL) - set(converters()) == set(REFUSED)


def test_170_estimators_have_a_converter() -> None:
    assert len(set(ALL) & set(converters())) >= 170


@pytest.mark.parametrize("name", sorted(set(ALL) - set(REFUSED)))
def test_the_estimator_answers_the_same_from_its_graph(name: str) -> None:
    rows = features(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in models(name):
            compared = compare(model, rows[:TRAINED], rows[TRAINED:])
            assert compared.wrong == 0, compared


@pytest.mark.parametrize("name", sorted(_FITS))
def test_an_estimator_without_a_converter_is_refused_by_its_path(name: str) -> None:
    refused = refusal(models(name)[0], features(name)[:TRAINED])
    assert refused.step.startswith("model")
    assert name in refused.reason
    assert refused.instead
