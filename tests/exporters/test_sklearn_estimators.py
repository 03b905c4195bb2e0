"""Every estimator of scikit-learn is exact or refused; there is no third state."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from exporting import refusal
from onnxport.exporters.from_sklearn.refusals import REASONS
from onnxport.exporters.from_sklearn.registry import converters
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn_estimators import TRAINED, estimators, features, models
from sklearn_parity import compare

ALL = estimators()
_FITS = {"GaussianProcessClassifier", "LatentDirichletAllocation", "LocallyLinearEmbedding", "NMF"}


def test_every_estimator_is_either_converted_or_refused_with_a_reason() -> None:
    assert set(converters()) & set(REASONS) == set()
    assert set(ALL) - set(converters()) == set(REASONS)


def test_172_estimators_have_a_converter() -> None:
    assert len(set(ALL) & set(converters())) >= 172


@pytest.mark.parametrize("name", sorted(set(ALL) - set(REASONS)))
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
    assert refused.reason.endswith(REASONS[name][0])
    assert refused.instead == REASONS[name][1]


def test_texts_are_refused_with_what_to_do_instead() -> None:
    frame = pd.DataFrame({"text": ["Größe und Éclat", "", "a b c"] * 20})
    for vectorizer in (CountVectorizer(), TfidfVectorizer(), HashingVectorizer()):
        columns = ColumnTransformer([("words", vectorizer, "text")])
        refused = refusal(make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1, 1] * 20), frame)
        assert refused.step == "model.columntransformer.words"
        assert "cuts a text by a pattern" in refused.reason
        assert "TfidfTransformer" in refused.instead
