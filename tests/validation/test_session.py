"""Graphs in a child process and in this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxport.artifacts import UsageError
from onnxport.validation import GraphAborted, GraphRefused, GraphUnloadable, LocalGraph, open_graph

from tests.validation import models


@pytest.fixture
def bytes_of(regression: Any) -> bytes:
    return regression.artifact().model


def test_the_child_process_answers_as_this_one(regression: Any, bytes_of: bytes) -> None:
    local = LocalGraph(bytes_of, regression.signature)
    with open_graph(bytes_of, regression.signature) as graph:
        assert (graph(regression.sample)["prediction"] == local(regression.sample)["prediction"]).all()


def test_columns_are_found_by_name(regression: Any, bytes_of: bytes) -> None:
    local = LocalGraph(bytes_of, regression.signature)
    turned = regression.sample.select(reversed(regression.names))
    assert (local(turned)["prediction"] == local(regression.sample)["prediction"]).all()


@pytest.mark.parametrize("opener", [open_graph, LocalGraph])
def test_bytes_that_are_no_graph_do_not_load(regression: Any, opener: Any) -> None:
    with pytest.raises(GraphUnloadable, match="does not load"):
        opener(b"no graph", regression.signature)


def _fixed() -> Any:
    """A graph that takes two rows at a time and nothing else."""
    return models.model_of(
        [helper.make_node("Add", ["features", "two"], ["prediction"])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        {"two": np.ones((2, 1), np.float32)},
    ).SerializeToString()


@pytest.mark.parametrize("local", [True, False])
def test_rows_that_the_runtime_refuses_are_an_error_and_the_graph_goes_on(local: bool) -> None:
    signature = models.matrix_signature(["a"], models.PREDICTION)
    graph: Any = LocalGraph(_fixed(), signature) if local else open_graph(_fixed(), signature)
    rows = models.Rows(columns={"a": np.zeros(3, np.float32)})
    with pytest.raises(GraphRefused, match="refuses the rows"):
        graph(rows)
    assert len(graph(rows.take(slice(0, 2)))["prediction"]) == 2
    if not local:
        graph.__exit__(None, None, None)


@pytest.mark.parametrize("local", [True, False])
def test_a_missing_column_is_named(regression: Any, bytes_of: bytes, local: bool) -> None:
    rows = regression.sample.select(regression.names[1:])
    graph: Any = (
        LocalGraph(bytes_of, regression.signature) if local else open_graph(bytes_of, regression.signature)
    )
    with pytest.raises(UsageError, match="missing column 'column 0'"):
        graph(rows)
    if not local:
        graph.__exit__(None, None, None)


def test_a_child_that_dies_is_an_error_and_the_next_call_works(regression: Any, bytes_of: bytes) -> None:
    with open_graph(bytes_of, regression.signature) as graph:
        before = graph(regression.sample)["prediction"]
        os.kill(graph._host._child.process.pid, signal.SIGABRT)  # ruff: ignore[SLF001] - the seam has no handle
        with pytest.raises(GraphAborted, match=r"aborted \(signal 6\)"):
            graph(regression.sample)
        assert (graph(regression.sample)["prediction"] == before).all()


def test_a_child_that_hangs_is_ended(regression: Any, bytes_of: bytes) -> None:
    with open_graph(bytes_of, regression.signature, timeout=5) as graph:
        os.kill(graph._host._child.process.pid, signal.SIGSTOP)  # ruff: ignore[SLF001] - the seam has no handle
        with pytest.raises(GraphAborted, match="no answer in 5 s"):
            graph(regression.sample)


def test_a_graph_beside_another_outlives_an_abort(regression: Any, bytes_of: bytes) -> None:
    with open_graph(bytes_of, regression.signature) as graph, graph.beside(bytes_of) as other:
        os.kill(graph._host._child.process.pid, signal.SIGKILL)  # ruff: ignore[SLF001] - the seam has no handle
        with pytest.raises(GraphAborted):
            graph(regression.sample)
        assert len(other(regression.sample)["prediction"]) == len(regression.sample)


def test_no_child_is_left_behind(regression: Any, bytes_of: bytes) -> None:
    with open_graph(bytes_of, regression.signature) as graph:
        child = graph._host._child  # ruff: ignore[SLF001] - the seam has no handle
    assert child.process.poll() is not None


def test_serving_needs_the_runtime_and_numpy_alone() -> None:
    script = (
        "import sys\n"
        "banned = {'onnx', 'pandas', 'sklearn', 'xgboost', 'matplotlib', 'jinja2', 'scipy'}\n"
        "class Ban:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in banned:\n"
        "            raise ImportError(f'{name} is not there')\n"
        "sys.meta_path.insert(0, Ban())\n"
        "from onnxport.validation import LocalGraph, replay_golden, golden_rows, open_graph, measure\n"
        "import onnxport.validation.compare, onnxport.validation.runtime, onnxport.validation.gate\n"
        "print(sorted(banned & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
