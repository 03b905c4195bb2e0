"""Under which key an answer is kept."""

from __future__ import annotations

from onnxport.artifacts import digest_bytes


def key_of(model: str, digest: str, tenant: bytes, vector: bytes) -> bytes:
    """`ml:{model}:{digest}:{tenant}:{SHA-256 of the canonical feature vector}`."""
    return b"ml:%b:%b:%b:%b" % (model.encode(), digest.encode(), tenant, digest_bytes(vector).encode())
