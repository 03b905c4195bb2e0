"""A source model opened beside the rows that it is proven on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import UsageError
from onnxport.sources import frame_of, load, read_sample, rows_of, select_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from onnxport.artifacts import Rows, SourceModel
    from onnxport.sources import SourceAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A source model and its sample.

    Attributes:
        source: The model.
        frame: The sample with exactly the model's feature columns, in the model's order.
        rows: The same as plain columns.
    """

    source: SourceModel
    frame: pd.DataFrame
    rows: Rows


def open_source(
    uri: str,
    sample: Path | None,
    access: SourceAccess,
    features: Sequence[str] | None = None,
) -> Opened:
    """The model at `uri` beside the rows in `sample`.

    Raises:
        UsageError: The source or the sample is not what it should be, or a feature column is missing.
        UntrustedModel: Opening the model would run code that nobody allowed.
        UnsupportedModel: It is no model that onnxport knows.
        Unreachable: The registry does not answer.
    """
    frame = None if sample is None else read_sample(sample)
    source = load(uri, access)
    if frame is None:
        if source.sample is None:
            raise UsageError(f"{uri} brings no sample of its own", hint="Give real rows with --sample DATA.")
        frame = frame_of(source.sample)
    selected = select_features(source, frame, features)
    return Opened(source=source, frame=selected, rows=rows_of(selected))
