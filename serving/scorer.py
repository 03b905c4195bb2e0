"""A release in this process: the same code as the service, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import ReleaseRef, UsageError
from onnxport.releases import Releases
from onnxport.storage import open_store, store_access

from .fault import Fault
from .loading import fetch, load
from .settings import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnxport.artifacts import Column, Manifest, Outputs
    from onnxport.storage import BlobStore, StoreAccess

    from .loading import Loaded


class RowsRefused(UsageError):
    """The model does not take these rows.

    Attributes:
        fault: What is wrong, and where.
    """

    code = "rows-refused"

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.path}: {fault.message}")
        self.fault = fault


class Scorer:
    """A proven release that answers rows; safe among threads."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._features = loaded.features
        self._engine = loaded.engine

    @classmethod
    def open(cls, store: str | Path | BlobStore, reference: str, access: StoreAccess | None = None) -> Scorer:
        """The release that `reference` means (`NAME@ALIAS`, `NAME:VERSION`), verified, proven and warm.

        Args:
            store: Where releases live: a folder, a Blob URL, `az://CONTAINER/PREFIX`, or an open store.
            reference: The release; an alias is looked up once.
            access: Credentials; by default from the usual environment variables.

        Raises:
            UsageError: There is no such release, or the runtime here is too old for it.
            IntegrityError: A file is not what the manifest says, or the graph answers otherwise here.
            Unreachable: The store does not answer.
        """
        return cls(load(fetch(releases_in(store, access), ReleaseRef.parse(reference))))

    @property
    def manifest(self) -> Manifest:
        """What the release is."""
        return self._loaded.manifest

    def score(self, rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any] | Column]) -> Outputs:
        """The outputs for `rows`: an array for each, a row for each row.

        Args:
            rows: Records by column name, or a list or array for each column. Missing values are `None` or NaN.

        Raises:
            RowsRefused: A column is unknown, missing or twice there, or a value does not fit.
            IntegrityError: The graph fails on them.
        """
        features = self._features
        if type(rows) is list:
            table = features.from_records(rows, "$") if len(rows) != 1 else features.from_record(rows[0], "$[0]")
        elif isinstance(rows, dict):
            table = features.from_columns(rows, "$")
        else:
            raise UsageError(
                f"rows are a list of records or a dict of columns, found {type(rows).__name__}",
                hint="With pandas: frame.to_dict('records'), or {name: frame[name].to_numpy() for name in frame}.",
            )
        if isinstance(table, Fault):
            raise RowsRefused(table)
        return self._engine(table.tensors)

    def score_matrix(self, matrix: Column) -> Outputs:
        """The outputs for `matrix`, shape `(n, features)`: the fastest way, for callers whose rows are so.

        A matrix has no names: its columns are in the order of `manifest.signature.columns`, and the caller answers
        for that. Values are checked as in `score`.

        Raises:
            RowsRefused: The model takes columns of several types, the shape or dtype is another, or a value does
                not fit.
            IntegrityError: The graph fails on the rows.
        """
        table = self._features.from_whole(matrix)
        if isinstance(table, Fault):
            raise RowsRefused(table)
        return self._engine(table.tensors)


def releases_in(store: str | Path | BlobStore, access: StoreAccess | None = None) -> Releases:
    """The releases in a store, for reading.

    Raises:
        UsageError: The location is none.
    """
    if isinstance(store, str | Path):
        store = open_store(str(store), access or store_access(environment()))
    return Releases(store=store, clock=lambda: datetime.now(UTC), actor="onnxport serving")
