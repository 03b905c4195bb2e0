"""The tree ensembles of a graph as arrays, whatever operator holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import onnx
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

LEAF: Final = "LEAF"
MEMBER: Final = "BRANCH_MEMBER"
ORDERED: Final = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT")
_MODES: Final = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", MEMBER, LEAF)
_SIGNS: Final = ("<=", "<", ">=", ">", "==", "!=", "in", "")
_CODE: Final = {name: code for code, name in enumerate(_MODES)}
_CLASSIC: Final = frozenset({"TreeEnsembleRegressor", "TreeEnsembleClassifier"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """The trees of one node of the graph: `m` tree nodes, leaves included, and `t` trees.

    Attributes:
        node: Name of the graph's node.
        tensor: Its input tensor, `(n, k)`.
        tree: Number of the tree, `(m,)`, as the graph counts them.
        number: Number of the node inside its tree, `(m,)`.
        feature: Column of the tensor that it looks at, `(m,)`.
        threshold: What it compares with, `(m,)`, float64 (exact for float32 too).
        mode: Index into the comparison names of `mode_names`, `(m,)`.
        yes: Where it goes when the comparison holds, `(m,)`: an index into these arrays.
        no: Where it goes otherwise, `(m,)`.
        missing_yes: Whether a missing value goes to `yes`, `(m,)`.
        roots: Index of the root of each tree, `(t,)`.
        members: The values of each set-membership node, by index.
        weight: What each leaf adds to the sum, `(m,)`; `None` where there are several targets or no sum.
    """

    node: str
    tensor: str
    tree: Integers
    number: Integers
    feature: Integers
    threshold: NDArray[np.float64]
    mode: NDArray[np.int8]
    yes: Integers
    no: Integers
    missing_yes: Mask
    roots: Integers
    members: Mapping[int, NDArray[np.float64]]
    weight: NDArray[np.float64] | None = None

    @property
    def leaf(self) -> Mask:
        """Which nodes are leaves, `(m,)`."""
        return np.asarray(self.mode == _CODE[LEAF], dtype=np.bool_)

    @property
    def ordered(self) -> Integers:
        """The indices of the nodes that compare with `<`, `<=`, `>` or `>=`."""
        return np.flatnonzero(self.mode < len(ORDERED))

    def ordered_only(self, nodes: Integers) -> Mask:
        """Which of `nodes` compare with `<`, `<=`, `>` or `>=`."""
        return np.asarray(self.mode[nodes] < len(ORDERED), dtype=np.bool_)

    def above(self, nodes: Integers) -> Mask:
        """Whether a value equal to the threshold falls on the side of greater values, for each of `nodes`."""
        return np.isin(self.mode[nodes], [_CODE["BRANCH_LT"], _CODE["BRANCH_GTE"]])

    def greater(self, nodes: Integers) -> Mask:
        """Whether `yes` is the side of the greater values, for each of `nodes`."""
        return np.isin(self.mode[nodes], [_CODE["BRANCH_GTE"], _CODE["BRANCH_GT"]])

    def parents(self) -> Integers:
        """The node above each node, `(m,)`; -1 for roots."""
        parent = np.full(len(self.feature), -1, dtype=np.int64)
        inner = np.flatnonzero(~self.leaf)
        parent[self.yes[inner]] = inner
        parent[self.no[inner]] = inner
        return parent

    def levels(self, values: NDArray[Any]) -> Iterator[Integers]:
        """The tree nodes that each row visits, `(n, t)`, level by level; a leaf stays where it is.

        Args:
            values: Rows of the input tensor, `(n, k)`, in the tensor's own dtype.
        """
        node = np.broadcast_to(self.roots, (len(values), len(self.roots))).copy()
        row = np.arange(len(values))[:, None]
        leaf = self.leaf
        yield node
        while not leaf[node].all():
            goes = self.decide(values[row, self.feature[node]], node)
            node = np.where(leaf[node], node, np.where(goes, self.yes[node], self.no[node]))
            yield node

    def decide(self, values: NDArray[Any], nodes: Integers) -> Mask:
        """Whether each value goes to `yes` at its node; both of one shape."""
        threshold = self.threshold[nodes].astype(values.dtype if values.dtype.kind == "f" else np.float64)
        mode = self.mode[nodes]
        holds = np.select(
            [mode == code for code in range(6)],
            [
                values <= threshold,
                values < threshold,
                values >= threshold,
                values > threshold,
                values == threshold,
                values != threshold,
            ],
            default=False,
        )
        for index, members in self.members.items():
            here = nodes == index
            holds[here] = np.isin(values[here], members)
        return np.asarray(np.where(np.isnan(values), self.missing_yes[nodes], holds), dtype=np.bool_)

    def sign(self, index: int) -> str:
        """How node `index` compares, as a sign."""
        return _SIGNS[int(self.mode[index])]

    def describe(self, index: int) -> str:
        """Tree and node `index` in words."""
        return f"tree {self.tree[index]}, node {self.number[index]}"


def read_forests(model: onnx.ModelProto) -> tuple[Forest, ...]:
    """The tree ensembles of the main graph, in its order."""
    forests: list[Forest] = []
    for position, node in enumerate(model.graph.node):
        if node.domain != "ai.onnx.ml":
            continue
        name = node.name or f"{node.op_type} {position}"
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type in _CLASSIC:
            forests.append(_classic(name, node.input[0], attributes))
        elif node.op_type == "TreeEnsemble":
            forests.append(_modern(name, node.input[0], attributes))
    return tuple(forests)


def _array(attributes: Mapping[str, Any], name: str, default: NDArray[Any] | Sequence[int]) -> NDArray[Any]:
    tensor = attributes.get(f"{name}_as_tensor")
    if tensor is not None:
        return np.asarray(numpy_helper.to_array(tensor.t))
    if name not in attributes:
        return np.asarray(default)
    value = helper.get_attribute_value(attributes[name])
    return numpy_helper.to_array(value) if hasattr(value, "data_type") else np.asarray(value)


def _classic(name: str, tensor: str, attributes: Mapping[str, Any]) -> Forest:
    tree = _array(attributes, "nodes_treeids", []).astype(np.int64)
    number = _array(attributes, "nodes_nodeids", []).astype(np.int64)
    count = len(tree)
    modes = [mode.decode() for mode in attributes["nodes_modes"].strings] if count else []
    mode = np.array([_CODE[text] for text in modes], dtype=np.int8)
    width = int(number.max(initial=0)) + 1
    keys = tree * width + number
    order = np.argsort(keys, kind="stable")

    def index_of(child: NDArray[Any]) -> Integers:
        wanted = tree * width + child.astype(np.int64)
        found = order[np.clip(np.searchsorted(keys, wanted, sorter=order), 0, max(0, count - 1))]
        return np.where(mode == _CODE[LEAF], np.arange(count), found)

    yes, no = (index_of(_array(attributes, f"nodes_{side}nodeids", number)) for side in ("true", "false"))
    inner = mode != _CODE[LEAF]
    child = np.zeros(count, dtype=np.bool_)
    child[yes[inner]] = True
    child[no[inner]] = True
    return Forest(
        node=name,
        tensor=tensor,
        tree=tree,
        number=number,
        feature=_array(attributes, "nodes_featureids", np.zeros(count)).astype(np.int64),
        threshold=_array(attributes, "nodes_values", np.zeros(count)).astype(np.float64),
        mode=mode,
        yes=yes,
        no=no,
        missing_yes=_flags(_array(attributes, "nodes_missing_value_tracks_true", np.zeros(count)), count),
        roots=np.flatnonzero(~child),
        members={},
        weight=_classic_weights(attributes, (order, keys, width), count),
    )


def _classic_weights(
    attributes: Mapping[str, Any], index: tuple[Integers, Integers, int], count: int
) -> NDArray[np.float64] | None:
    """What each leaf of a one-target sum adds, `(m,)`."""
    order, keys, width = index
    tree = _array(attributes, "target_treeids", []).astype(np.int64)
    aggregate = attributes.get("aggregate_function")
    summed = aggregate is None or aggregate.s == b"SUM"
    if not len(tree) or not summed or _array(attributes, "target_ids", []).any():
        return None
    wanted = tree * width + _array(attributes, "target_nodeids", []).astype(np.int64)
    place = order[np.clip(np.searchsorted(keys, wanted, sorter=order), 0, count - 1)]
    weight = np.zeros(count)
    weight[place] = _array(attributes, "target_weights", []).astype(np.float64)
    return weight


def _flags(values: NDArray[Any], count: int) -> Mask:
    return values.astype(np.bool_) if len(values) == count else np.zeros(count, dtype=np.bool_)


def _modern(name: str, tensor: str, attributes: Mapping[str, Any]) -> Forest:
    """`TreeEnsemble` of ai.onnx.ml 5: leaves have numbers of their own and come after the inner nodes here."""
    feature = _array(attributes, "nodes_featureids", []).astype(np.int64)
    inner, leaves = len(feature), len(_array(attributes, "leaf_targetids", []))
    places = np.arange(inner, inner + leaves)

    def child(side: str) -> Integers:
        ids = _array(attributes, f"nodes_{side}nodeids", []).astype(np.int64)
        at_leaf = _array(attributes, f"nodes_{side}leafs", []).astype(np.bool_)
        return np.concatenate([np.where(at_leaf, ids + inner, ids), places])

    mode = np.concatenate([_array(attributes, "nodes_modes", []), np.full(leaves, _CODE[LEAF])]).astype(np.int8)
    yes, no = child("true"), child("false")
    roots = _array(attributes, "tree_roots", []).astype(np.int64)
    lonely = _array(attributes, "nodes_truenodeids", []) == _array(attributes, "nodes_falsenodeids", [])
    lonely &= _flags(_array(attributes, "nodes_trueleafs", []), inner)
    lonely &= _flags(_array(attributes, "nodes_falseleafs", []), inner)
    mode[:inner][lonely] = _CODE[LEAF]
    zeros = np.zeros(leaves)
    return Forest(
        node=name,
        tensor=tensor,
        tree=_spread_roots(roots, yes, no, mode),
        number=np.arange(inner + leaves),
        feature=np.concatenate([feature, zeros]).astype(np.int64),
        threshold=np.concatenate([_array(attributes, "nodes_splits", []), zeros]).astype(np.float64),
        mode=mode,
        yes=yes,
        no=no,
        missing_yes=np.concatenate(
            [_flags(_array(attributes, "nodes_missing_value_tracks_true", []), inner), zeros.astype(np.bool_)]
        ),
        roots=roots,
        members=_members(mode, _array(attributes, "membership_values", [])),
        weight=_modern_weights(attributes, inner),
    )


def _modern_weights(attributes: Mapping[str, Any], inner: int) -> NDArray[np.float64] | None:
    aggregate = attributes.get("aggregate_function")
    if _array(attributes, "leaf_targetids", []).any() or (aggregate is not None and aggregate.i != 1):
        return None
    weights = _array(attributes, "leaf_weights", []).astype(np.float64)
    return np.concatenate([np.zeros(inner), weights])


def _spread_roots(roots: Integers, yes: Integers, no: Integers, mode: NDArray[np.int8]) -> Integers:
    """The number of the tree of each node: that of its root, handed down level by level."""
    tree = np.full(len(mode), -1, dtype=np.int64)
    tree[roots] = np.arange(len(roots))
    front = roots
    while len(front):
        front = front[mode[front] != _CODE[LEAF]]
        tree[yes[front]] = tree[no[front]] = tree[front]
        front = np.unique(np.concatenate([yes[front], no[front]]))
    return tree


def _members(mode: NDArray[np.int8], values: NDArray[Any]) -> dict[int, NDArray[np.float64]]:
    """The sets of the membership nodes: one after the other, NaN after each."""
    sets = np.split(values.astype(np.float64), np.flatnonzero(np.isnan(values)) + 1)
    nodes = np.flatnonzero(mode == _CODE[MEMBER]).tolist()
    return {node: members[~np.isnan(members)] for node, members in zip(nodes, sets, strict=False)}
