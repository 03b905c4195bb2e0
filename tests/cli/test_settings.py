"""Flags beat the environment, the environment beats `onnxport.yaml`; mistakes in the file are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import UsageError
from onnxport.cli.settings import actor, find_config, load_config

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {"export": {"store", "alias", "runtime"}, "list": {"store"}}


def write(folder: Path, text: str) -> Path:
    path = folder / "onnxport.yaml"
    path.write_text(text)
    return path


def test_the_nearest_file_above_the_working_folder_counts(tmp_path: Path) -> None:
    outer = write(tmp_path, "store: outer")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_config(below) == outer
    inner = write(tmp_path / "a", "store: inner")
    assert find_config(below) == inner


def test_without_a_file_there_are_no_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(None).default_map(OPTIONS) == {}.fromkeys(OPTIONS, {})


def test_a_shared_key_reaches_the_commands_that_have_the_option(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "store: az://models\ntracking_uri: http://localhost:1\n"))
    assert config.default_map(OPTIONS) == {"export": {"store": "az://models"}, "list": {"store": "az://models"}}


def test_a_command_s_own_section_beats_the_shared_key(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "store: a\nexport: {store: b, alias: production}\n"))
    assert config.default_map(OPTIONS)["export"] == {"store": "b", "alias": "production"}
    assert config.default_map(OPTIONS)["list"] == {"store": "a"}


def test_variables_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNXPORT_TEST_STORE", "from-environment")
    monkeypatch.delenv("ONNXPORT_TEST_UNSET", raising=False)
    text = "store: ${ONNXPORT_TEST_STORE}\ntracking_uri: ${ONNXPORT_TEST_UNSET:-sqlite:///x.db}\n"
    assert load_config(write(tmp_path, text)).shared == {
        "store": "from-environment",
        "tracking_uri": "sqlite:///x.db",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store: ${ONNXPORT_TEST_UNSET}", "ONNXPORT_TEST_UNSET"),
        ("exprt: {store: a}", "unknown key 'exprt'"),
        ("export: {stor: a}", "no option 'stor'"),
        ("export: production", "a mapping is expected"),
        ("- a\n- b", "a mapping is expected at the top"),
        ("store: [", "cannot read"),
        ("trust: {pickle: yes}", "trust.pickle must be a list"),
    ],
)
def test_a_mistake_in_the_file_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    said: str,
) -> None:
    monkeypatch.delenv("ONNXPORT_TEST_UNSET", raising=False)
    with pytest.raises(UsageError) as raised:
        load_config(write(tmp_path, text)).default_map(OPTIONS)
    assert said in raised.value.message
    assert "onnxport.yaml" in raised.value.message


def test_sections_of_the_serving_layer_are_left_alone(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "onnx: {enabled: true}\ncache: {redis: {enabled: false}}\n"))
    assert config.commands == {}


def test_pickles_are_trusted_by_source(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "trust: {pickle: ['models/*.joblib', 'models:/win/1']}"))
    assert config.trusts("models/win.joblib")
    assert config.trusts("models:/win/1")
    assert not config.trusts("models:/win/2")


def test_a_ci_identity_is_the_actor() -> None:
    assert actor({"GITHUB_ACTOR": "octo"}) == "octo"
    assert actor({"ONNXPORT_ACTOR": "me", "GITHUB_ACTOR": "octo"}) == "me"
    assert actor({})
