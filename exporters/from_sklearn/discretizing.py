"""Bins: which interval between edges a value falls into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter
from .searching import count_below
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope


def _bins(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if estimator.dtype is not None and np.dtype(estimator.dtype) == np.float32:
        scope.numbers(columns)
        x = columns.matrix("float32").cast("float64")
    else:
        x = scope.doubles(columns)
    parts, width = [], 0
    for index, edges in enumerate(estimator.bin_edges_):
        place = count_below(x.column(index), edges[None, 1:-1], "right")
        if estimator.encode == "ordinal":
            parts.append(place)
            width += 1
        else:
            size = int(estimator.n_bins_[index])
            parts.append(place.equals(np.arange(size)[None, :]).cast("int64"))
            width += size
    origin = "float64" if estimator.dtype is None else np.dtype(estimator.dtype).name
    held: Dtype = "float32" if origin == "float32" else "float64"
    return numbers(join(parts).cast(held), width, sparse=estimator.encode == "onehot", origin=origin)


CONVERTERS = {"KBinsDiscretizer": Converter(transform=_bins)}
