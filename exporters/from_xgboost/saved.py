"""What XGBoost saves of a Booster, part by part: the whole never exists at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .ubj import Table, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnxport.artifacts import Column
    from xgboost import Booster

_WHOLE_ROUNDS = 8
_WHOLE_BYTES = 1 << 21
"""A larger model of more rounds is read in parts; how large it is, its first round tells."""
_PARTS = 4
"""Saving holds a part three times over, before it is read."""

_MEMBERS = (
    "left_children",
    "right_children",
    "split_conditions",
    "split_indices",
    "default_left",
    "categories",
    "categories_nodes",
    "categories_segments",
    "categories_sizes",
    "leaf_weights",
)
"""The arrays that predictions depend on; the last only where leaves hold several values."""
_SEVERAL_BEFORE_3_1 = "base_weights"
"""Where XGBoost before 3.1 keeps several values, for each node and not for the leaves alone."""


class TreeArrays:
    """The arrays of many trees by member, one tree after the other."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Column]] = {}
        self._counts: dict[str, list[Column]] = {}

    def add(self, table: Table) -> None:
        """The trees of `table` stand at the end; its buffer is not kept.

        Raises:
            ValueError: Its trees have other members than those before.
        """
        members = [member for member in _MEMBERS if member in table.dtypes]
        if members and "leaf_weights" not in members:
            several = table.counts(_SEVERAL_BEFORE_3_1)
            members += [_SEVERAL_BEFORE_3_1] * (not np.array_equal(several, table.counts("left_children")))
        if self._parts and len(table.places) and list(self._parts) != members:
            raise ValueError("trees with different members")
        for member in members:
            self._parts.setdefault(member, []).append(table.joined(member))
            self._counts.setdefault(member, []).append(table.counts(member))

    def __contains__(self, member: str) -> bool:
        return member in self._parts

    def counts(self, member: str, trees: int) -> Column:
        """The length of the array `member` in each of the first `trees`, `(trees,)`."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._counts.get(member, [])])[:trees]

    def joined(self, member: str, trees: int, *, lead: int = 0) -> Column:
        """`lead` zeros, then the arrays `member` of the first `trees`; a copy.

        Raises:
            KeyError: There are trees, but none of this member.
        """
        if not trees:
            return np.zeros(lead, dtype=np.int32)
        parts = self._parts[member]
        whole = np.concatenate([np.zeros(lead, dtype=parts[0].dtype), *parts])
        return whole[: lead + int(self.counts(member, trees).sum())]


def saved_parts(booster: Booster) -> Iterator[Mapping[str, Any]]:
    """The `learner` of what XGBoost saves, over the rounds in order: the whole, or slices of it.

    Raises:
        IntegrityError: What it saves is not what we know.
    """
    rounds = booster.num_boosted_rounds()
    first = _slice(booster, 0, 1) if rounds > _WHOLE_ROUNDS else None
    if first is None or len(first.save_raw("ubj")) * rounds <= _WHOLE_BYTES:
        yield decode(booster.save_raw("ubj"))["learner"]
        return
    step = -(-rounds // _PARTS)
    for begin in range(0, rounds, step):
        yield decode(booster[begin : min(begin + step, rounds)].save_raw("ubj"))["learner"]


def _slice(booster: Booster, begin: int, end: int) -> Booster | None:
    """The rounds from `begin` to `end`, or `None`: linear models have no slices."""
    # ruff: ignore[PLC0415] - loads only when needed
    from xgboost.core import XGBoostError

    try:
        return booster[begin:end]
    except XGBoostError:
        return None
