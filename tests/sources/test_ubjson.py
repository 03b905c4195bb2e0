from __future__ import annotations

import numpy as np
import pytest
from onnxport.sources.ubjson import MalformedUbjson, decode


def test_a_document_of_every_kind_is_read() -> None:
    data = (
        b"{U\x01a[$l#U\x02\x00\x00\x00\x01\xff\xff\xff\xff"
        b"U\x01b[#U\x02SU\x02hiT"
        b"U\x01c{U\x01dd\x3f\x80\x00\x00}"
        b"U\x01e[FZI\x01\x00]}"
    )
    found = decode(data)
    assert found["a"].tolist() == [1, -1]
    assert found["b"] == ["hi", True]
    assert found["c"] == {"d": 1.0}
    assert found["e"] == [False, None, 256]


def test_typed_arrays_keep_their_width() -> None:
    assert decode(b"[$D#U\x01" + np.array([1.5], dtype=">f8").tobytes()).dtype == np.dtype(">f8")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{U\x05a",
        b"[$l#U\x02\x00\x00\x00\x01",
        b"[$x#U\x02",
        b"[$l",
        b"SU\xff",
        b"Si\xff",
        b"?",
        b"\xff",
        b"T trailing",
        b"{d\x00\x00\x00\x00T}",
        b"SU\x01\xff",
        b"[" * 1000,
    ],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedUbjson):
        decode(data)
