"""Pickles live in a process of their own: what their code can see and change, and what its end is here."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = {
    "AZURE_CLIENT_SECRET": "s3cret-client",
    "AZURE_STORAGE_CONNECTION_STRING": "AccountKey=s3cret-connection",
    "AZURE_STORAGE_SAS_TOKEN": "sig=s3cret-sas",
    "AWS_SECRET_ACCESS_KEY": "s3cret-aws",
    "MLFLOW_TRACKING_PASSWORD": "s3cret-mlflow",
    "MLFLOW_TRACKING_TOKEN": "s3cret-token",
    "GITHUB_TOKEN": "s3cret-github",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret-actions",
    "HTTPS_PROXY": "http://user:s3cret-proxy@127.0.0.1:1",
    "SOME_NEW_SERVICE_KEY": "s3cret-that-no-list-knows",
}
HOUSE = '''
import json, os, signal, subprocess, sys
from pathlib import Path

def is_pipe(fd):
    return "pipe" in os.readlink(f"/proc/self/fd/{fd}") if Path(f"/proc/self/fd/{fd}").exists() else False

def answering(change):
    """The model answers what `change` makes of its answers."""
    from onnxport.pipelines import opened
    scorer = opened.scorer
    def changed(*arguments):
        ask = scorer(*arguments)
        return lambda rows: change(rows, ask(rows))
    opened.scorer = changed

class Guest:
    """Runs what its state says, where a pickle is opened."""

    def __setstate__(self, state):
        exec(state["code"], {"record": Path(state["record"]), **globals()})
'''


@pytest.fixture
def hosted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, onnxport: Callable[..., Any]
) -> Callable[..., tuple[Any, Path]]:
    """Export a good model whose pickle runs code of the user's module: the answer, and what the code recorded."""
    from xgboost import XGBClassifier

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "house.py").write_text(HOUSE)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "house", raising=False)
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(1000, 2)), columns=["a", "b"])
    frame.to_parquet("rows.parquet")
    model = XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(frame, frame["a"] > 0)

    def run(code: str, *options: str) -> tuple[Any, Path]:
        import house

        guest, record = house.Guest(), tmp_path / "record"
        guest.__dict__.update(code=code, record=str(record))
        joblib.dump({"model": model, "feature_columns": ["a", "b"], "guest": guest}, "model.joblib")
        allowed = ("--allow-pickle", "--allow-module", "house", *options)
        done = onnxport("export", "model.joblib", "--name", "m", "--sample", "rows.parquet", *allowed, "--json")
        return done, record

    return run


def test_code_in_a_pickle_sees_no_credential(
    hosted: Callable[..., tuple[Any, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    code = "record.write_text(json.dumps([dict(os.environ), os.getpid(), os.getcwd(), os.listdir(Path.home())]))"
    done, record = hosted(code)
    assert done.code == 0, done.err
    environ, pid, folder, home = json.loads(record.read_text())
    assert pid != os.getpid()
    assert not set(environ) & set(SECRETS)
    assert "s3cret" not in str(environ)
    assert environ["HOME"] == folder != os.environ["HOME"]
    assert home == []
    assert not Path(environ["AZURE_CONFIG_DIR"]).exists()
    assert not Path(folder).exists(), "its folder is gone with it"


def test_code_in_a_pickle_cannot_make_a_wrong_graph_pass(hosted: Callable[..., tuple[Any, Path]]) -> None:
    """It changes what the model answers, and every function that could judge, wherever it can reach."""
    code = """
import numpy
import onnxport.artifacts, onnxport.pipelines.proof, onnxport.validation.compare, onnxport.validation.gate
answering(lambda rows, found: {**found, "probabilities": found["probabilities"][:, ::-1]})
def passing(*_, **__):
    raise SystemExit("judged in the wrong process")
onnxport.validation.gate.check = onnxport.pipelines.proof.compare = onnxport.pipelines.proof.prove = passing
onnxport.validation.compare.agree = lambda found, *_: numpy.ones(found.shape, bool)
record.write_text("changed")
"""
    done, record = hosted(code)
    assert record.read_text() == "changed"
    assert done.code == 3, done.err
    assert done.document["error"]["code"] == "parity-failed"
    assert not Path("onnxport-store").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("print('no room left', file=sys.stderr, flush=True); os._exit(3)", "exit code 3: no room left"),
        ("os.closerange(0, 64); os.kill(os.getpid(), signal.SIGSTOP)", "signal 9"),
        ("[os.write(fd, bytes(64)) for fd in range(3, 64) if is_pipe(fd)]", "its answer is no message"),
    ],
    ids=["killed", "crashed", "ended", "mute", "babbling"],
)  # fmt: skip
def test_the_end_of_the_process_is_an_error_in_one_line_and_leaves_nothing(
    code: str,
    says: str,
    hosted: Callable[..., tuple[Any, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = tmp_path / "places"
    places.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(places))
    done, _ = hosted(code)
    assert done.code == 7, done.err
    error = done.document["error"]
    assert "the process that holds model.joblib" in error["message"]
    assert says in error["message"]
    assert "\n" not in error["message"]
    assert "Traceback" not in done.err
    assert list(places.iterdir()) == []
    assert not Path("onnxport-store").exists()


def test_an_end_in_the_middle_of_the_check_is_the_same(hosted: Callable[..., tuple[Any, Path]]) -> None:
    code = """
def once(rows, found):
    if len(rows) != 1000:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
answering(once)
"""
    done, _ = hosted(code)
    assert (done.code, done.document["error"]["code"]) == (7, "integrity"), done.err
    assert "signal 9" in done.document["error"]["message"]
    assert "memory" in done.document["error"]["hint"]


def test_what_the_code_starts_ends_with_its_process(hosted: Callable[..., tuple[Any, Path]]) -> None:
    code = "record.write_text(str(subprocess.Popen(['sleep', '600']).pid))"
    done, record = hosted(code)
    assert done.code == 0, done.err
    status = Path("/proc") / record.read_text() / "status"
    deadline = time.monotonic() + 30
    while status.exists() and "State:\tZ" not in status.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_a_model_that_raises_for_rows_is_told_from_one_that_is_gone(
    hosted: Callable[..., tuple[Any, Path]],
) -> None:
    """The model refuses missing values and the graph answers them: a failed check, with the model's own words."""
    code = """
def strict(rows, found):
    if any((column != column).any() for column in rows.columns.values()):
        raise ArithmeticError("no gaps, please")
    return found
answering(strict)
"""
    done, _ = hosted(code, "--out", "kept")
    assert done.code == 3, done.err
    assert "ArithmeticError: no gaps, please" in Path("kept/parity.json").read_text()


def test_without_permission_no_process_is_started_for_a_pickle(
    hosted: Callable[..., tuple[Any, Path]], onnxport: Callable[..., Any]
) -> None:
    hosted("record.write_text('ran')")
    Path("model.joblib").replace("other.joblib")
    done = onnxport("export", "other.joblib", "--name", "m", "--sample", "rows.parquet", "--json")
    assert (done.code, done.document["error"]["code"]) == (5, "untrusted-model")


def test_a_fetched_pickle_is_opened_apart_as_well(
    hosted: Callable[..., tuple[Any, Path]], onnxport: Callable[..., Any]
) -> None:
    _, record = hosted("record.write_text(str(os.getpid()))")
    record.unlink()
    allowed = ("--allow-pickle", "--allow-module", "house")
    done = onnxport("fetch", "model.joblib", "--out", "fetched", *allowed, "--json")
    assert done.code == 0, done.err
    assert int(record.read_text()) != os.getpid()
    assert Path("fetched/model.joblib").is_file()
