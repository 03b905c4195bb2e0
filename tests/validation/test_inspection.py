"""A graph that is not whole in itself, or brings operators of its own, is never opened."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper
from onnxport.artifacts import IntegrityError
from onnxport.validation import check_graph

from tests.serving.support import quote, win_probability


def model(node: onnx.NodeProto, *initializers: onnx.TensorProto, domain: str = "") -> bytes:
    tensor = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])
    graph = helper.make_graph([node], "g", [tensor], [tensor], list(initializers))
    made: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 1)]).SerializeToString()
    return made


def external(name: str) -> onnx.TensorProto:
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def test_ordinary_graphs_pass() -> None:
    check_graph(win_probability().model)
    check_graph(quote().model)


@pytest.mark.parametrize("domain", ["com.evil", "com.microsoft"])
def test_operators_of_other_domains_are_refused(domain: str) -> None:
    with pytest.raises(IntegrityError, match=domain):
        check_graph(model(helper.make_node("Run", ["x"], ["y"], domain=domain)))
    with pytest.raises(IntegrityError, match=domain):
        check_graph(model(helper.make_node("Identity", ["x"], ["y"]), domain=domain))


def test_data_in_other_files_is_refused_wherever_it_hides() -> None:
    plain = helper.make_node("Identity", ["x"], ["y"])
    constant = helper.make_node("Constant", [], ["y"], value=external("hidden"))
    values = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])
    branch = helper.make_graph([constant], "branch", [], [values])
    nested = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    trees = helper.make_node("Identity", ["x"], ["y"], ids=list(range(5000)), modes=["BRANCH_LT"] * 5000)
    trees.attribute.append(helper.make_attribute("value", external("behind long attributes")))
    for bad in (model(plain, external("w")), model(constant), model(nested), model(trees)):
        with pytest.raises(IntegrityError, match="other files"):
            check_graph(bad)


@pytest.mark.parametrize("data", [b"", b"not a graph", b"\x08\x08", b"\x3a\xff", b"\x3a\x05\x0a"])
def test_what_is_no_graph_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="no ONNX file"):
        check_graph(data)
