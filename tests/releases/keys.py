"""Real keys and certificates, made for a test and written as PEM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A private key and its public half."""

    private: Path
    public: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A key with a certificate, which an intermediate authority issued, which the root issued."""

    private: Path
    certificate: Path
    chain: Path
    root: Path


def write_pair(folder: Path, curve: ec.EllipticCurve | None = None) -> Pair:
    """A fresh key pair in `folder`."""
    folder.mkdir()
    key = ec.generate_private_key(curve or ec.SECP256R1())
    pair = Pair(private=folder / "key.pem", public=folder / "pub.pem")
    _write_key(pair.private, key)
    public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pair.public.write_bytes(key.public_key().public_bytes(*public))
    return pair


def write_publisher(folder: Path, email: str = "release@example.com") -> Publisher:
    """A fresh root, an authority under it, and a publisher's certificate under that, in `folder`."""
    folder.mkdir()
    root_key, authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = _certificate("root", root_key, "root", root_key, authority=True)
    authority = _certificate("authority", authority_key, "root", root_key, authority=True)
    certificate = _certificate("publisher", key, "authority", authority_key, email=email)
    publisher = Publisher(
        private=folder / "key.pem",
        certificate=folder / "cert.pem",
        chain=folder / "chain.pem",
        root=folder / "root.pem",
    )
    _write_key(publisher.private, key)
    for path, one in (
        (publisher.certificate, certificate),
        (publisher.chain, authority),
        (publisher.root, root),
    ):
        path.write_bytes(one.public_bytes(serialization.Encoding.PEM))
    return publisher


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*form))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool = False,
    email: str | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    if email is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
