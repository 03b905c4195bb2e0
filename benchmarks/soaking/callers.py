"""Callers that know what the source of each release answers, and check every answer against it."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.serving.support import FEATURES, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.serving.support import Made

TIMEOUT_SECONDS = 20
SECONDS_OF_GRACE = 10.0
"""A request that began while it failed may wait for its deadline (5 s); then the breaker keeps away for 2."""
_KEPT_PROBLEMS = 50


@dataclass(slots=True)
class State:
    """What goes on at the moment, so that callers know which refusals are due.

    Attributes:
        port: Where the service listens.
        stop: Set at the end.
        restarting: While the service is down on purpose.
        restarts: How often it was restarted.
        endpoint_broken: While the Azure ML endpoint answers 500, and until when that is felt.
    """

    port: int
    stop: threading.Event = field(default_factory=threading.Event)
    restarting: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0
    endpoint_broken: bool = False
    felt_until: float = 0.0

    def endpoint_may_fail(self) -> bool:
        """Whether a 503 of the model without a release is due."""
        return self.endpoint_broken or time.monotonic() < self.felt_until


@dataclass(slots=True)
class Tally:
    """What callers saw.

    Attributes:
        kinds: Answers by route and outcome.
        releases: Checked answers by release.
        explained: Refusals that are due, by reason.
        problems: What may not happen.
        milliseconds: Of each answer.
    """

    kinds: Counter[str] = field(default_factory=Counter[str])
    releases: Counter[str] = field(default_factory=Counter[str])
    explained: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])
    milliseconds: list[float] = field(default_factory=list[float])

    def problem(self, text: str) -> None:
        """Something that may not happen did."""
        self.kinds["problems"] += 1
        if len(self.problems) < _KEPT_PROBLEMS:
            self.problems.append(text)


class Expected:
    """The answers of the source models, by digest of the release."""

    def __init__(self, sources: Mapping[str, Made], records: list[dict[str, Any]]) -> None:
        self.records = records
        self.by_digest = {
            digest: np.array(made.source(records)["probabilities"]) for digest, made in sources.items()
        }

    def differs(self, digest: str, indices: list[int], found: Any) -> str | None:  # ruff: ignore[ANN401] - JSON
        """Why `found` are not the probabilities of these records by that release."""
        known = self.by_digest.get(digest)
        if known is None:
            return f"a release that must not answer did: {digest}"
        wanted, got = known[indices], np.array(found, dtype=float)
        if got.shape != wanted.shape:
            return f"shape {got.shape} instead of {wanted.shape}"
        beyond = np.abs(got - wanted) > TOLERANCE.atol + TOLERANCE.rtol * np.abs(wanted)
        return f"{got[beyond][:3]} instead of {wanted[beyond][:3]}" if beyond.any() else None


class Caller(threading.Thread):
    """One caller: a request about every `pause` seconds, over one connection."""

    def __init__(self, number: int, state: State, expected: Expected, *, quotes: Made, pause: float) -> None:
        super().__init__(daemon=True, name=f"caller-{number}")
        self.tally = Tally()
        self._state = state
        self._expected = expected
        self._quotes = quotes
        self._pause = pause
        self._random = random.Random(number)  # ruff: ignore[S311] - repeatable, not secret
        self._connection: http.client.HTTPConnection | None = None
        self._connected_at = 0  # how many restarts there had been
        self._asks: list[Callable[[], None]] = [self._scored] * 4 + [self._record] * 3
        self._asks += [self._batch, self._split, self._tensor, self._binary, self._quote, self._broken]

    def run(self) -> None:
        """Until the end."""
        while not self._state.stop.is_set():
            if self._state.restarting.is_set():
                time.sleep(0.05)
                continue
            restarts = self._state.restarts
            if restarts != self._connected_at:
                self._connection, self._connected_at = None, restarts  # the process behind it is gone
            try:
                self._random.choice(self._asks)()
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                if restarts != self._state.restarts or self._state.restarting.is_set():
                    self.tally.explained["connection ended by the restart"] += 1
                else:
                    self.tally.problem(f"{type(error).__name__}: {error}")
            time.sleep(self._random.uniform(0.5, 1.5) * self._pause)

    # -- requests

    def _scored(self) -> None:
        (index,) = indices = self._some(1)
        row = [self._expected.records[index][name] for name in FEATURES]
        self._check("/score/win-probability", {"data": [row]}, indices, lambda found: found)

    def _record(self) -> None:
        indices = self._random.choices(range(20), k=1)  # callers who repeat themselves: the caches answer
        body = {"record": self._shuffled(indices[0])}
        headers = {"x-tenant-id": f"tenant-{self._random.randrange(5)}"}
        self._check(
            "/api/v1/predict/win-probability",
            body,
            indices,
            lambda found: [found["prediction"]["probabilities"]],
            headers=headers,
        )

    def _batch(self) -> None:
        indices = self._some(self._random.randint(2, 60))
        body = {"records": [self._shuffled(index) for index in indices]}
        self._check(
            "/api/v1/predict/batch/win-probability",
            body,
            indices,
            lambda found: [row["probabilities"] for row in found["predictions"]],
        )

    def _split(self) -> None:
        indices, names = self._some(3), self._random.sample(FEATURES, len(FEATURES))
        rows = [[self._expected.records[index][name] for name in names] for index in indices]
        body = {"dataframe_split": {"columns": names, "data": rows}}
        self._check("/invocations/win-probability", body, indices, lambda found: found["predictions"])

    def _tensor(self) -> None:
        indices = self._some(2)
        rows = [[self._expected.records[index][name] for name in FEATURES] for index in indices]
        tensor = {"name": "features", "shape": [2, len(FEATURES)], "datatype": "FP32", "data": rows}
        body = {"inputs": [tensor], "outputs": [{"name": "probabilities"}]}
        self._check(
            "/v2/models/win-probability/infer",
            body,
            indices,
            lambda found: np.reshape(found["outputs"][0]["data"], (2, -1)).tolist(),
        )

    def _binary(self) -> None:
        indices = self._some(4)
        rows = [[self._expected.records[index][name] for name in FEATURES] for index in indices]
        raw = np.array(rows, dtype="<f4").tobytes()
        tensor: dict[str, Any] = {"name": "features", "shape": [4, len(FEATURES)], "datatype": "FP32"}
        tensor["parameters"] = {"binary_data_size": len(raw)}
        head = json.dumps({"inputs": [tensor], "outputs": [{"name": "probabilities"}]}).encode()
        self._check(
            "/v2/models/win-probability/infer",
            head + raw,
            indices,
            lambda found: np.reshape(found["outputs"][0]["data"], (4, -1)).tolist(),
            headers={"inference-header-content-length": str(len(head))},
        )

    def _quote(self) -> None:
        """A model without a release: the endpoint answers, or a 503 says why nobody does."""
        record = self._random.choice(self._quotes.records)
        due = self._state.endpoint_may_fail()
        status, _, body = self._ask("/api/v1/predict/quote", {"record": record})
        if status == 200:  # ruff: ignore[PLR2004] - HTTP
            wanted = self._quotes.source([record])["prediction"][0]
            if body["served_by"] != "azureml" or abs(body["prediction"]["prediction"] - wanted) > TOLERANCE.atol:
                self.tally.problem(f"quote: {body} instead of {wanted}")
            self.tally.kinds["quote answered by the endpoint"] += 1
        elif status == 503 and (due or self._state.endpoint_may_fail()):  # ruff: ignore[PLR2004] - HTTP
            self.tally.explained[f"503 {body['error']['code']}, while the endpoint answers 500"] += 1
        else:
            self.tally.problem(f"quote: {status} {body}")

    def _broken(self) -> None:
        record = self._shuffled(0)
        wrong = record | {FEATURES[0]: "text"} if self._random.random() < 0.5 else {"f": 1}  # ruff: ignore[PLR2004]
        status, _, body = self._ask("/api/v1/predict/win-probability", {"record": wrong})
        if status != 422:  # ruff: ignore[PLR2004] - HTTP
            self.tally.problem(f"a wrong body: {status} {body}")
        self.tally.kinds["wrong bodies refused"] += 1

    # -- answers

    def _check(
        self,
        path: str,
        body: Any,  # ruff: ignore[ANN401] - any JSON value
        indices: list[int],
        read: Callable[[Any], Any],
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        status, found, answer = self._ask(path, body, headers)
        if status != 200:  # ruff: ignore[PLR2004] - HTTP
            self.tally.problem(f"{path}: {status} {answer}")
            return
        why = self._expected.differs(found["x-onnxport-digest"], indices, read(answer))
        if why is not None:
            self.tally.problem(f"{path}, {found['x-onnxport-release']}: {why}")
        self.tally.kinds[f"{path.rpartition('/win')[0]} by {found['x-onnxport-served-by']}"] += 1
        self.tally.releases[found["x-onnxport-release"]] += 1

    def _ask(
        self,
        path: str,
        body: Any,  # ruff: ignore[ANN401] - any JSON value
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._state.port, timeout=TIMEOUT_SECONDS)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        started = time.perf_counter()
        self._connection.request("POST", path, data, {"content-type": "application/json", **(headers or {})})
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        self.tally.milliseconds.append((time.perf_counter() - started) * 1e3)
        return response.status, {name.lower(): value for name, value in response.getheaders()}, answer

    def _some(self, count: int) -> list[int]:
        return self._random.sample(range(len(self._expected.records)), count)

    def _shuffled(self, index: int) -> dict[str, Any]:
        record = self._expected.records[index]
        return {name: record[name] for name in self._random.sample(FEATURES, len(FEATURES))}
