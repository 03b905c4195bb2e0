"""Sigstore bundles over folders: the seam with OpenSSF `model-signing`, offline modes only.

Limits that come with offline signatures: nothing proves when one was made, so a chain is checked as of the day on
which its first certificate became valid, and a revoked certificate still counts.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from onnxport.artifacts import IntegrityError, UsageError, digest_file

from .policy import Trust

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from types import ModuleType


class _Signing(Protocol):
    """`model_signing.signing.Config`, once it knows its key."""

    def sign(self, model_path: Path, signature_path: Path) -> None: ...


class _Verifying(Protocol):
    """`model_signing.verifying.Config`."""

    def use_elliptic_key_verifier(self, *, public_key: Path) -> object: ...

    def use_certificate_verifier(self, *, certificate_chain: Sequence[Path]) -> object: ...

    def verify(self, model_path: Path, signature_path: Path) -> None: ...


_CURVES = "an EC key on P-256, P-384 or P-521, PEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key that signs folders, opened and tried.

    Attributes:
        config: The library's signing configuration.
        material: What its bundles say about the key: the hash of its public half, or the certificates.
    """

    config: _Signing
    material: dict[str, Any]

    def sign(self, folder: Path) -> bytes:
        """A Sigstore bundle, JSON, that binds names and contents of all files in `folder`."""
        return _sign(self.config, folder)

    def signed(self, bundle: bytes) -> bool:
        """Whether `bundle` says that this key made it; says nothing about whether it did."""
        try:
            return bool(json.loads(bundle)["verificationMaterial"] == self.material)
        except (ValueError, KeyError, TypeError):
            return False


def open_signer(key: Path, certificate: Path | None = None, chain: Path | None = None) -> Signer:
    """The signer with the private key in `key`, in the name of `certificate` where there is one.

    Args:
        key: An elliptic-curve private key without password, PEM.
        certificate: The key's certificate, PEM.
        chain: The certificates that lead from it to a root, PEM.

    Raises:
        UsageError: The extra `sign` is not installed, a file is not what it should be, or the certificate is
            not the key's.
    """
    if (certificate is None) != (chain is None):
        raise UsageError("a certificate and its chain go together", hint="Give both --certificate and --chain.")
    config: Any = _library().signing.Config()
    try:
        if certificate is None or chain is None:
            config.use_elliptic_key_signer(private_key=key)
        else:
            config.use_certificate_signer(
                private_key=key, signing_certificate=certificate, certificate_chain=[chain]
            )
        with TemporaryDirectory(prefix="onnxport-sign-") as trial:
            (Path(trial) / "trial").touch()
            material = json.loads(_sign(config, Path(trial)))["verificationMaterial"]
    except Exception as error:  # the library lets out whatever its parsers raise
        given = ", ".join(str(path) for path in (key, certificate, chain) if path is not None)
        raise UsageError(
            f"cannot sign with {given}: {error}",
            hint=f"The key must be {_CURVES}, without a password, and the certificate its own.",
        ) from error
    return Signer(config=config, material=material)


def read_trust(keys: Sequence[Path], roots: Sequence[Path], identities: Sequence[str]) -> Trust:
    """Whose signatures count, from PEM files of public keys and root certificates.

    Raises:
        UsageError: A file is not what it should be, there is none at all, or an identity comes without a root.
    """
    from .pem import check_certificates, fingerprint  # ruff: ignore[PLC0415] - loads only when needed

    pems = tuple(_read(path) for path in keys)
    for path, pem in zip(keys, pems, strict=True):
        try:
            fingerprint(pem)
        except Exception as error:  # of several kinds, by what else the file holds
            raise UsageError(f"{path} is no public key: {error}", hint=f"Give {_CURVES}.") from error
    certificates = tuple(_read(path) for path in roots)
    for path, pem in zip(roots, certificates, strict=True):
        try:
            check_certificates(pem)
        except ValueError as error:
            raise UsageError(f"{path} holds no certificate: {error}", hint="Give certificates as PEM.") from error
    try:
        return Trust(public_keys=pems, roots=certificates, identities=tuple(identities))
    except ValueError as error:
        raise UsageError(
            "nobody's signature would count, or an identity has no root that its certificate leads to",
            hint="Give --key PUB.pem, or --certificate-chain ROOT.pem with or without --identity NAME.",
        ) from error


def check_bundle(folder: Path, bundle: bytes, trust: Trust) -> str:
    """Who signed the files in `folder`, all of them and no others: one that `trust` names.

    Raises:
        IntegrityError: Nobody that `trust` names did, or the files are not those that were signed.
        UsageError: The extra `sign` is not installed.
    """
    config: _Verifying = _library().verifying.Config()
    try:
        document = json.loads(bundle)
        material = document["verificationMaterial"]
        resources = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))["predicate"]["resources"]
        signed = {resource["name"]: resource["digest"] for resource in resources}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("the signature is no Sigstore bundle of model-signing") from error
    found = {path.name: digest_file(path) for path in folder.iterdir()}
    if differing := {name for name, _ in signed.items() ^ found.items()}:
        raise IntegrityError(
            f"the signature is not over these files: {_listed(differing)}",
            hint="Do not use the release: it, or its signature, is not what its publisher made.",
        )
    with TemporaryDirectory(prefix="onnxport-trust-") as scratch:
        if "publicKey" in material:
            who = _trust_key(config, trust, material, Path(scratch))
        else:
            who = _trust_certificate(config, trust, material, Path(scratch))
        (Path(scratch) / "bundle").write_bytes(bundle)
        try:
            with _quiet():
                config.verify(folder, Path(scratch) / "bundle")
        except Exception as error:
            raise IntegrityError(
                f"the signature does not hold: {str(error) or type(error).__name__}",
                hint="Do not use the release: it, or its signature, is not what its publisher made.",
            ) from error
    return who


def _trust_key(config: _Verifying, trust: Trust, material: dict[str, Any], scratch: Path) -> str:
    """The key that the bundle names is what `config` verifies with."""
    from .pem import fingerprint  # ruff: ignore[PLC0415] - as above

    hint = material["publicKey"].get("hint")
    known = {fingerprint(pem): pem for pem in trust.public_keys}
    if hint not in known:
        raise IntegrityError(
            f"signed with the key {hint}, which is none of those that count: {_listed(known)}",
            hint="These are SHA-256 digests of public keys as PEM.",
        )
    (scratch / "key.pem").write_text(known[hint])
    config.use_elliptic_key_verifier(public_key=scratch / "key.pem")
    return f"key {hint}"


def _trust_certificate(config: _Verifying, trust: Trust, material: dict[str, Any], scratch: Path) -> str:
    """The chain that the bundle brings must lead to a root that `config` verifies with."""
    from .pem import names  # ruff: ignore[PLC0415] - as above

    if not trust.roots:
        raise IntegrityError("signed with a certificate, but only the signatures of keys count")
    try:
        first = material["x509CertificateChain"]["certificates"][0]["rawBytes"]
        called = names(first)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise IntegrityError("the signature names neither a key nor a certificate") from error
    if trust.identities and not called & set(trust.identities):
        raise IntegrityError(
            f"signed with a certificate of {_listed(called)}, which is none of those that count: "
            f"{_listed(trust.identities)}"
        )
    (scratch / "roots.pem").write_text("\n".join(trust.roots))
    config.use_certificate_verifier(certificate_chain=[scratch / "roots.pem"])
    return f"certificate of {_listed(called)}"


def _sign(config: _Signing, folder: Path) -> bytes:
    with TemporaryDirectory(prefix="onnxport-sign-") as scratch, _quiet():
        config.sign(folder, Path(scratch) / "bundle")
        return (Path(scratch) / "bundle").read_bytes()


def _library() -> ModuleType:
    try:
        with _quiet():
            return importlib.import_module("model_signing")
    except ImportError as error:
        raise UsageError(
            f"signatures need {error.name or 'model_signing'}, which is not installed: "
            "pip install 'onnxport[sign]'",
        ) from error


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """What the library prints goes to standard error; its warnings are about its own past formats."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="Give a PEM file.") from error


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
