"""Profiles and tolerance files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import UsageError
from onnxport.validation import DEFAULT, STRICT, default_tolerances, load_tolerances
from onnxport.validation.tolerances import PROFILES, resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("profile", PROFILES)
def test_every_number_of_a_profile_has_a_reason(profile: str) -> None:
    for tolerance in (PROFILES[profile].probabilities, PROFILES[profile].prediction):
        assert len(tolerance.reason) > 40


def test_strict_allows_less_than_the_default_everywhere() -> None:
    for strict, plain in ((STRICT.probabilities, DEFAULT.probabilities), (STRICT.prediction, DEFAULT.prediction)):
        assert strict.atol < plain.atol
        assert strict.rtol < plain.rtol
    assert default_tolerances() is DEFAULT
    assert DEFAULT.label_flips == DEFAULT.threshold_flips == 0


def test_profiles_are_found_by_name() -> None:
    assert load_tolerances("strict") is STRICT


def test_a_file_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "allowed.yaml"
    path.write_text(
        "profile: strict\nlabel_flips: 2\noutputs: {margin: {atol: 0.5, rtol: 0}}\nthresholds: [0.2, 0.7]\n"
    )
    found = load_tolerances(str(path))
    assert found.label_flips == 2
    assert found.thresholds == (0.2, 0.7)
    assert found.for_output("margin").atol == 0.5
    assert found.probabilities == STRICT.probabilities


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "allowed.json"
    path.write_text('{"probabilities": {"atol": 1e-3, "rtol": 0}}')
    assert load_tolerances(str(path)).probabilities.atol == 1e-3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "must hold a mapping"),
        ("a: [", "cannot be read"),
        ("profile: loose", "no profile 'loose'"),
        ("probability: {atol: 1}", "unknown 'probability'"),
        ("probabilities: {atol: -1, rtol: 0}", "probabilities.atol"),
        ("probabilities: {atol: .inf, rtol: 0}", "probabilities.atol"),
        ("label_flips: many", "label_flips"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "allowed.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_tolerances(str(path))


def test_what_is_neither_profile_nor_file_is_refused() -> None:
    with pytest.raises(UsageError, match="neither a tolerance profile nor a file"):
        load_tolerances("lenient")


def test_resolving_scales_only_what_is_scaled() -> None:
    found = resolve(DEFAULT, 1e7)
    assert found.prediction.atol == pytest.approx(10)
    assert not found.prediction.scaled
    assert found.probabilities == DEFAULT.probabilities
    assert resolve(found, 1e7) == found
