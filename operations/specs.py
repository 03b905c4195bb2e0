"""Specifications of deployments that were removed, kept where releases could be kept too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import IntegrityError, canonical_json
from onnxport.storage import BlobNotFound

from .azure import written

if TYPE_CHECKING:
    from onnxport.storage import BlobStore

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A specification.

    Attributes:
        document: The deployment as Azure ML takes it.
        traffic: Percent of the endpoint's requests that came to it.
    """

    document: Json
    traffic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Specs:
    """Where they are kept: `ENDPOINT/DEPLOYMENT.json`."""

    store: BlobStore

    @property
    def where(self) -> str:
        """The place, for messages."""
        return self.store.url

    def keep(self, endpoint: str, deployment: str, document: Json, traffic: int) -> None:
        """The specification is kept; an older one of the same deployment is replaced.

        Raises:
            Unreachable: The store does not answer, or refuses us.
        """
        data = canonical_json({"deployment": written(document), "traffic": traffic})
        key = f"{endpoint}/{deployment}.json"
        try:
            self.store.replace(key, data, self.store.read(key).etag)
        except BlobNotFound:
            self.store.create(key, data)

    def read(self, endpoint: str, deployment: str) -> Spec | None:
        """The specification that is kept, or `None`.

        Raises:
            IntegrityError: What is kept is none.
            Unreachable: The store does not answer, or refuses us.
        """
        key = f"{endpoint}/{deployment}.json"
        try:
            document = json.loads(self.store.read(key).data)
            return Spec(document=dict(document["deployment"]), traffic=int(document["traffic"]))
        except BlobNotFound:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"{key} in {self.where} is no specification of a deployment: {error}",
                hint="Restore it from a backup, or remove it and keep the deployment as it is.",
            ) from error

    def holds(self, endpoint: str, deployment: str, document: Json) -> bool:
        """Whether the specification that is kept is that of `document`."""
        spec = self.read(endpoint, deployment)
        return spec is not None and spec.document == written(document)
