"""Names for what comes from libraries that ship no types."""

from __future__ import annotations

from typing import Any, TypeAlias

Estimator: TypeAlias = Any
"""A fitted estimator, or a fitted part of one: a tree, a calibrator, a spline."""

Foreign: TypeAlias = Any
"""Another value of scikit-learn's, SciPy's or pandas': a parameter, a function, a dtype."""

Operand: TypeAlias = Any
"""A tensor, an array or a number."""
