"""Arithmetic on values of a graph that reads like the numpy code of the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import Column, Dtype
    from onnxport.exporters.graph import GraphBuilder

    from .foreign import Foreign, Operand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """A value of a graph under construction; operators add nodes, numbers become constants of the tensor's dtype.

    Attributes:
        builder: The graph.
        name: The value's name in it.
        dtype: Element type.
    """

    builder: GraphBuilder
    name: str
    dtype: Dtype

    def like(self, values: Operand) -> Tensor:
        """`values` as a tensor: itself, or a constant of this tensor's dtype."""
        if isinstance(values, Tensor):
            return values
        return self.constant(values, self.dtype)

    def constant(self, values: Operand, dtype: Dtype) -> Tensor:
        """A constant in the same graph."""
        return Tensor(builder=self.builder, name=self.builder.constant(values, dtype), dtype=dtype)

    def op(self, kind: str, *operands: Operand, dtype: Dtype | None = None, **attributes: Foreign) -> Tensor:
        """The output of node `kind` over this tensor and `operands`."""
        names = [self.like(operand).name for operand in operands]
        name = self.builder.add(kind, self.name, *names, **attributes)
        return Tensor(builder=self.builder, name=name, dtype=dtype or self.dtype)

    def cast(self, dtype: Dtype) -> Tensor:
        """This tensor as `dtype`."""
        if dtype == self.dtype:
            return self
        return Tensor(builder=self.builder, name=self.builder.cast(self.name, dtype), dtype=dtype)

    def __add__(self, other: Operand) -> Tensor:
        return self.op("Add", other)

    def __radd__(self, other: Operand) -> Tensor:
        return self.like(other).op("Add", self)

    def __sub__(self, other: Operand) -> Tensor:
        return self.op("Sub", other)

    def __rsub__(self, other: Operand) -> Tensor:
        return self.like(other).op("Sub", self)

    def __mul__(self, other: Operand) -> Tensor:
        return self.op("Mul", other)

    def __rmul__(self, other: Operand) -> Tensor:
        return self.like(other).op("Mul", self)

    def __truediv__(self, other: Operand) -> Tensor:
        return self.op("Div", other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return self.like(other).op("Div", self)

    def __pow__(self, other: Operand) -> Tensor:
        return self.op("Pow", other)

    def __matmul__(self, other: Operand) -> Tensor:
        return self.op("MatMul", other)

    def __neg__(self) -> Tensor:
        return self.op("Neg")

    def __lt__(self, other: Operand) -> Tensor:
        return self.op("Less", other, dtype="bool")

    def __le__(self, other: Operand) -> Tensor:
        return self.op("LessOrEqual", other, dtype="bool")

    def __gt__(self, other: Operand) -> Tensor:
        return self.op("Greater", other, dtype="bool")

    def __ge__(self, other: Operand) -> Tensor:
        return self.op("GreaterOrEqual", other, dtype="bool")

    def __and__(self, other: Tensor) -> Tensor:
        return self.op("And", other)

    def __or__(self, other: Tensor) -> Tensor:
        return self.op("Or", other)

    def __invert__(self) -> Tensor:
        return self.op("Not")

    def equals(self, other: Operand) -> Tensor:
        """Where both are equal; NaN is not."""
        return self.op("Equal", other, dtype="bool")

    def is_nan(self) -> Tensor:
        """Where this is NaN."""
        return self.op("IsNaN", dtype="bool")

    def exp(self) -> Tensor:
        """The exponential."""
        return self.op("Exp")

    def log(self) -> Tensor:
        """The natural logarithm."""
        return self.op("Log")

    def sqrt(self) -> Tensor:
        """The square root."""
        return self.op("Sqrt")

    def absolute(self) -> Tensor:
        """The absolute value."""
        return self.op("Abs")

    def where(self, true: Tensor, false: Operand) -> Tensor:
        """`true` where this holds, `false` elsewhere."""
        name = self.builder.add("Where", self.name, true.name, true.like(false).name)
        return Tensor(builder=self.builder, name=name, dtype=true.dtype)

    def clip(self, low: Operand, high: Operand) -> Tensor:
        """This tensor between `low` and `high`; NaN stays NaN."""
        raised = (self < low).where(self.like(low), self)
        answer: Tensor = (raised > high).where(self.like(high), raised)
        return answer

    def columns(self, indices: Sequence[int] | Column) -> Tensor:
        """The columns at `indices`, in that order."""
        return self.op("Gather", self.constant(np.asarray(indices, dtype=np.int64), "int64"), axis=1)

    def column(self, index: int) -> Tensor:
        """One column, shape `(n, 1)`."""
        return self.columns([index])

    def rows_of(self, table: Column) -> Tensor:
        """`table[self]` for indices of any shape: the shape of this tensor, then that of a row of `table`."""
        dtype: Dtype = "string" if table.dtype.kind in "OUS" else str(table.dtype)  # type: ignore[assignment]
        constant = self.constant(table, dtype)
        name = self.builder.add("Gather", constant.name, self.cast("int64").name, axis=0)
        return Tensor(builder=self.builder, name=name, dtype=dtype)

    def shaped(self, *shape: int) -> Tensor:
        """This tensor in another shape; one size may be -1."""
        return self.op("Reshape", self.constant(np.asarray(shape, dtype=np.int64), "int64"), allowzero=0)

    def flat(self) -> Tensor:
        """An `(n, 1)` tensor as `(n,)`."""
        return self.squeeze(1)

    def squeeze(self, axis: int) -> Tensor:
        """This tensor without the axis of size 1."""
        return self.op("Squeeze", self.constant([axis], "int64"))

    def unsqueeze(self, axis: int) -> Tensor:
        """This tensor with another axis of size 1."""
        return self.op("Unsqueeze", self.constant([axis], "int64"))

    def total(self, axis: int = 1, *, keep: bool = True) -> Tensor:
        """The sum over `axis`."""
        return self.op("ReduceSum", self.constant([axis], "int64"), keepdims=int(keep))

    def ordered_total(self, axis: int = 1) -> Tensor:
        """The sum over `axis`, added one after the other from the first on, without that axis."""
        sums = self.op("CumSum", self.constant(axis, "int64"))
        return sums.op("Gather", self.constant(-1, "int64"), axis=axis)

    def maximum(self, axis: int = 1, *, keep: bool = True) -> Tensor:
        """The largest value over `axis`."""
        return self.op("ReduceMax", self.constant([axis], "int64"), keepdims=int(keep))

    def argmax(self, axis: int = 1) -> Tensor:
        """The index of the largest value over `axis`, the first of several, without that axis."""
        return self.op("ArgMax", axis=axis, keepdims=0, dtype="int64")

    def sigmoid(self) -> Tensor:
        """1 / (1 + exp(-x)), without overflow."""
        return 1.0 / ((-self).exp() + 1.0)

    def sigmoid_of_negative(self) -> Tensor:
        """1 / (1 + exp(x)), without overflow."""
        return 1.0 / (self.exp() + 1.0)

    def softmax(self) -> Tensor:
        """The softmax of each row."""
        powers = (self - self.maximum()).exp()
        return powers / powers.total()


def join(parts: Sequence[Tensor], axis: int = 1) -> Tensor:
    """The parts side by side, all of one dtype."""
    first, *others = parts
    return first if not others else first.op("Concat", *others, axis=axis)
