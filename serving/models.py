"""The models that the service answers for, and the release that each has at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from .answers import ENDPOINT, default_answer
from .cache.memory import Memory
from .dialects import Replier
from .fallback.shadow import Shadow
from .fault import unavailable
from .joining import Joiner
from .metrics import DURATION, PREDICTIONS

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest

    from .fallback.endpoint import Endpoint
    from .fault import Fault
    from .loading import Loaded
    from .metrics import Counter, Histogram, Metrics
    from .settings import Cache
    from .settings import Model as ModelSettings
    from .wire import Turn


class Meter:
    """What is counted for answers of one release by one of those who answer."""

    __slots__ = ("duration", "head", "rows")

    def __init__(self, metrics: Metrics, model: str, version: str, digest: str, served_by: str) -> None:  # ruff: ignore[PLR0917] - labels
        self.duration: Histogram = metrics.histogram(DURATION, model=model, version=version, served_by=served_by)
        self.rows: Counter = metrics.counter(PREDICTIONS, model=model, version=version, served_by=served_by)
        release = f"{model}:{version}" if version else model
        self.head = (
            f"HTTP/1.1 200 OK\r\nx-onnxport-release: {release}\r\nx-onnxport-digest: {digest or '-'}\r\n"
            f"x-onnxport-served-by: {served_by}\r\n"
        ).encode()


class Served:
    """A release that answers."""

    def __init__(
        self, loaded: Loaded, settings: ModelSettings, *, cache: Cache, metrics: Metrics, turn: Turn
    ) -> None:
        manifest = loaded.manifest
        self.loaded: Final = loaded
        self.features: Final = loaded.features
        self.joiner: Final = Joiner(loaded.engine, turn)
        self.outputs: Final = tuple(output.name for output in manifest.signature.outputs)
        self.memory: Memory | None = None
        if cache.mode != "off" and cache.memory_mb:
            vector = 40 * len(loaded.features.names)
            self.memory = Memory(cache.memory_mb, vector, loaded.row_us if cache.mode == "auto" else None)
        self._metrics = metrics
        self._meters: dict[str, Meter] = {}
        self.replier: Final = Replier(
            name=manifest.model.name,
            version=manifest.model.version,
            digest=manifest.digest,
            signature=manifest.signature,
            wanted=settings.answer or default_answer(manifest.signature),
            wrap=settings.wrap,
        )

    def meter(self, served_by: str) -> Meter:
        """What is counted for its answers by `onnx`, `cache` or `azureml`."""
        found = self._meters.get(served_by)
        if found is None:
            version = str(self.replier.version)
            found = Meter(self._metrics, self.replier.name, version, self.replier.digest, served_by)
            self._meters[served_by] = found
        return found


class Model:
    """A model that the service answers for.

    Attributes:
        name: Its name.
        settings: How it is served.
        served: The release that answers; `None` while there is none.
        stale: Whether that release comes from the local copy because the store does not answer.
        problem: Why the newest release does not answer, or the store; empty when all is well.
        manifest: What its reference means, whether it answers or not; `None` while nobody knows.
        endpoint: The Azure ML endpoint that may stand in, or `None`.
        shadow: Compares with it, or `None`.
        replier: For answers while no release is loaded.

    """

    def __init__(
        self, name: str, settings: ModelSettings, metrics: Metrics, endpoint: Endpoint | None = None
    ) -> None:
        self.manifest: Manifest | None = None
        self.endpoint: Final = endpoint
        self.shadow: Final = Shadow(endpoint, settings.shadow, metrics) if endpoint and settings.shadow else None
        self._metrics = metrics
        self.name = name
        self.settings = settings
        self.served: Served | None = None
        self.stale = False
        self.problem = "loading"
        self.replier = Replier(
            name=name,
            version=None,
            digest="",
            signature=None,
            wanted=settings.answer or "prediction",
            wrap=settings.wrap,
        )

    @property
    def meter(self) -> Meter:
        """For answers of the endpoint while no release is loaded."""
        return Meter(self._metrics, self.name, "", "", ENDPOINT)

    def stand_in(self) -> Endpoint | None:
        """The endpoint, if it may answer for the model."""
        if self.endpoint is not None and self.endpoint.stands_in_for(self.manifest):
            return self.endpoint
        return None

    def missing(self) -> Fault:
        """Why nobody answers."""
        return unavailable("no-release", f"no release of {self.name} is loaded: {self.problem}")

    def state(self) -> dict[str, object]:
        """What `/health/ready` tells."""
        found: dict[str, object] = {"ready": self.served is not None, "reference": self.settings.reference}
        if self.served is not None:
            manifest = self.served.loaded.manifest
            found |= {"version": manifest.model.version, "digest": manifest.digest, "stale": self.stale}
        return found | ({"problem": self.problem} if self.problem else {})


def readiness(models: dict[str, Model], *, draining: bool) -> tuple[bool, bytes]:
    """Whether requests are welcome, and the document that says why."""
    ready = not draining and all(model.served is not None for model in models.values())
    document = {"ready": ready, "models": {name: model.state() for name, model in models.items()}}
    return ready, orjson.dumps(document | ({"draining": True} if draining else {}))
