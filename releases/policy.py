"""What a store demands of the releases that its aliases may point at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import Document, LostRace
from onnxport.storage import BlobChanged, BlobExists, BlobNotFound
from pydantic import Field, model_validator

from . import layout

if TYPE_CHECKING:
    from typing import Self

    from onnxport.storage import BlobStore

POLICY_SCHEMA_VERSION = 1


class Trust(Document):
    """Whose signatures count: those of any of the keys, and those of certificates that lead to any of the roots.

    Attributes:
        public_keys: Elliptic-curve public keys, PEM.
        roots: Self-signed certificates that certificates must lead to, PEM.
        identities: Names of which a certificate must carry one (subject alternative name or common name); empty
            where each certificate that leads to a root will do.
    """

    public_keys: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.public_keys and not self.roots:
            raise ValueError("no key and no root: nobody's signature would count")
        if self.identities and not self.roots:
            raise ValueError("identities stand in certificates: name a root that they lead to")
        return self


class Policy(Document):
    """`policy.json`, what a store demands; a store without one demands nothing.

    It guards against releases that went round the pipeline, not against somebody who may write the whole store and
    so the policy: whoever does not trust the store gives `verify` a key of their own.

    Attributes:
        schema_version: Version of this format.
        require_signature: Whose signature a release needs to be promoted and to verify; `None` demands none.
    """

    schema_version: int = Field(default=POLICY_SCHEMA_VERSION, ge=1, le=POLICY_SCHEMA_VERSION)
    require_signature: Trust | None = None


def read_policy(store: BlobStore) -> Policy:
    """What the store demands.

    Raises:
        IntegrityError: The policy is damaged, or of a newer format: nobody knows what it demands.
    """
    try:
        return Policy.parse(store.read(layout.POLICY_FILE).data, name=layout.POLICY_FILE)
    except BlobNotFound:
        return Policy()


def write_policy(store: BlobStore, policy: Policy) -> None:
    """The store demands what `policy` says, and nothing that it demanded before.

    Raises:
        LostRace: Somebody else changed the policy at the same time; theirs stands.
    """
    try:
        try:
            etag = store.read(layout.POLICY_FILE).etag
        except BlobNotFound:
            store.create(layout.POLICY_FILE, policy.to_bytes())
        else:
            store.replace(layout.POLICY_FILE, policy.to_bytes(), etag)
    except (BlobExists, BlobChanged) as error:
        raise LostRace(
            f"somebody else changed {layout.POLICY_FILE} of {store.url} at the same time; theirs stands",
            hint="See what it demands now: onnxport policy.",
        ) from error
