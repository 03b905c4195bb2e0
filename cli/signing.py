"""From the options `--sign-with`, `--certificate`, `--chain` to a signer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Signer


def open_signer(key: Path | None, certificate: Path | None, chain: Path | None) -> Signer | None:
    """The signer that the options name, its key opened and tried; `None` where they name none.

    Raises:
        UsageError: Something is missing, or is not what it should be.
    """
    from onnxport.artifacts import UsageError
    from onnxport.releases import open_signer as opened

    if key is not None:
        return opened(key, certificate, chain)
    if certificate is not None or chain is not None:
        raise UsageError("a certificate signs with its private key", hint="Give the key: --sign-with KEY.pem.")
    return None
