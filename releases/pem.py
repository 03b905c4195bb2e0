"""Public keys and certificates, and the names by which signatures call them."""

from __future__ import annotations

import base64
import contextlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from onnxport.artifacts import digest_bytes

_CURVES = {"secp256r1", "secp384r1", "secp521r1"}


def fingerprint(pem: str) -> str:
    """The SHA-256 of the public key's canonical PEM, by which bundles name keys.

    Raises:
        ValueError: It is no EC public key on P-256, P-384 or P-521.
    """
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise ValueError("it is of another kind")
    canonical = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return digest_bytes(canonical)


def check_certificates(pem: str) -> None:
    """`pem` holds certificates.

    Raises:
        ValueError: It holds none, or something else.
    """
    x509.load_pem_x509_certificates(pem.encode())


def names(certificate: str) -> set[str]:
    """Common and alternative names of a certificate, DER in Base64.

    Raises:
        ValueError: It is none.
    """
    parsed = x509.load_der_x509_certificate(base64.b64decode(certificate))
    found = {str(name.value) for name in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    with contextlib.suppress(x509.ExtensionNotFound):
        alternatives = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found |= set(alternatives.get_values_for_type(x509.RFC822Name))
        found |= set(alternatives.get_values_for_type(x509.DNSName))
        found |= set(alternatives.get_values_for_type(x509.UniformResourceIdentifier))
    return found
