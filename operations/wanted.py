"""What endpoints and computes should be: the section `endpoints` of `onnxport.yaml`, completed by flags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from onnxport.artifacts import UsageError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

if TYPE_CHECKING:
    from collections.abc import ItemsView, Mapping, Sequence

DEFAULT_IDLE_SECONDS: Final = 120
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAYS: Final[tuple[Day, ...]] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Tier = Literal["dedicated", "low_priority"]
Instances = Annotated[int, Field(ge=1, le=1_000)]
"""A managed deployment has one at least: Azure ML knows no zero."""


class Section(BaseModel):
    """A part of the configuration; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(Section):
    """`schedules[]`: other limits at certain hours.

    Attributes:
        name: Of its profile in Azure Monitor.
        days: On which it begins; all where none is named.
        start: When it begins, `HH:MM` in the autoscale setting's time zone.
        end: When it ends; on the next day where it is not later than `start`.
        min: Fewest instances meanwhile.
        max: Most instances meanwhile; `min` where it is not said.
    """

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9 _-]+$")]
    days: tuple[Day, ...] = DAYS
    start: str
    end: str
    min: Instances
    max: Instances | None = None

    @field_validator("start", "end")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not _TIME.fullmatch(value):
            raise ValueError("must be a time of the day in quotes, such as '20:00'")
        return value

    @model_validator(mode="after")
    def _ends(self) -> Schedule:
        if self.start == self.end:
            raise ValueError("start and end are the same")
        if self.max is not None and self.max < self.min:
            raise ValueError("max is less than min")
        return self


class Autoscale(Section):
    """`autoscale`: how many instances a managed deployment has, by load and by the clock.

    Attributes:
        min: Fewest instances, at least 1.
        max: Most instances.
        scale_out_above_cpu: Percent of processor time, averaged over five minutes, above which one is added.
        scale_in_below_cpu: Below which one is removed.
        time_zone: Of the schedules, as Windows names it.
        schedules: Other limits at certain hours.
    """

    min: Instances = 1
    max: Instances
    scale_out_above_cpu: float = Field(default=70.0, gt=0, lt=100)
    scale_in_below_cpu: float = Field(default=30.0, gt=0, lt=100)
    time_zone: str = "UTC"
    schedules: tuple[Schedule, ...] = ()

    @model_validator(mode="after")
    def _is_a_range(self) -> Autoscale:
        if self.max < self.min:
            raise ValueError("max is less than min")
        if self.scale_in_below_cpu >= self.scale_out_above_cpu:
            raise ValueError("scale_in_below_cpu must be less than scale_out_above_cpu, or instances come and go")
        if len({schedule.name for schedule in self.schedules}) < len(self.schedules):
            raise ValueError("two schedules have the same name")
        return self


class Online(Section):
    """`online.<endpoint>.<deployment>`: exactly one of the three.

    Attributes:
        instances: So many, always.
        autoscale: By load and by the clock.
        remove_while: A release, `NAME@ALIAS`: the deployment is removed while ONNX serves it and nobody asks the
            deployment. Its specification is kept.
    """

    instances: Instances | None = None
    autoscale: Autoscale | None = None
    remove_while: str | None = None

    @model_validator(mode="after")
    def _says_one(self) -> Online:
        if sum(value is not None for value in (self.instances, self.autoscale, self.remove_while)) != 1:
            raise ValueError("exactly one of instances, autoscale and remove_while is needed")
        return self


class Batch(Section):
    """`batch.<endpoint>.<deployment>`: on which compute it runs."""

    compute: Annotated[str, Field(min_length=1)]


class Compute(Section):
    """`computes.<name>`: a cluster.

    Attributes:
        min_instances: Nodes that are kept without work.
        max_instances: Most nodes; as it is where it is not said.
        idle_seconds: How long a node without work is kept.
        size: Of a cluster that is made; an existing one keeps its size.
        tier: Of a cluster that is made; an existing one keeps its tier.
    """

    min_instances: Annotated[int, Field(ge=0)] = 0
    max_instances: Annotated[int, Field(ge=1)] | None = None
    idle_seconds: Annotated[int, Field(ge=60)] = DEFAULT_IDLE_SECONDS
    size: str | None = None
    tier: Tier | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Compute:
        if self.max_instances is not None and self.max_instances < self.min_instances:
            raise ValueError("max_instances is less than min_instances")
        return self


class Wanted(Section):
    """`endpoints`.

    Attributes:
        prices: File with prices; `None`: no figures are shown.
        specs: Where specifications of removed deployments are kept: any location that a store may have.
        idle_hours: For how long nobody may have asked a deployment that is removed.
        online: By endpoint, by deployment.
        batch: By endpoint, by deployment.
        computes: By name.
    """

    prices: str | None = None
    specs: str = "./endpoint-specs"
    idle_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
    online: dict[str, dict[str, Online]] = Field(default_factory=dict)
    batch: dict[str, dict[str, Batch]] = Field(default_factory=dict)
    computes: dict[str, Compute] = Field(default_factory=dict)


def wanted(
    section: Mapping[str, Any],
    *,
    instances: Sequence[str] = (),
    remove: Sequence[str] = (),
    scale_to_zero: Sequence[str] = (),
    where: str = "the configuration",
) -> Wanted:
    """What `section` says; what the flags say of the same thing counts instead.

    Args:
        section: `endpoints` of the configuration.
        instances: `ENDPOINT/DEPLOYMENT=N` each.
        remove: `ENDPOINT/DEPLOYMENT=NAME@ALIAS` each.
        scale_to_zero: Names of computes.
        where: The file, for messages.

    Raises:
        UsageError: A key is not known, a value is wrong, or a flag says nothing.
    """
    document: dict[str, Any] = dict(section)
    online = {name: _mapping(parts, where, "online", name) for name, parts in _named(document, where, "online")}
    for key, flags, form in (
        ("instances", instances, "ENDPOINT/DEPLOYMENT=N"),
        ("remove_while", remove, "ENDPOINT/DEPLOYMENT=NAME@ALIAS"),
    ):
        for flag in flags:
            target, equals, value = flag.partition("=")
            endpoint, slash, deployment = target.partition("/")
            if not (equals and slash and endpoint and deployment and value):
                raise UsageError(f"{flag!r} does not say what is wanted", hint=f"Write {form}.")
            online.setdefault(endpoint, {})[deployment] = {key: value}
    computes = dict(_named(document, where, "computes"))
    for name in scale_to_zero:
        computes[name] = {**_mapping(computes.get(name), where, "computes", name), "min_instances": 0}
    try:
        return Wanted.model_validate(document | {"online": online, "computes": computes})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(["endpoints", *map(str, first["loc"])])
        raise UsageError(
            f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}", hint="See docs/operations.md."
        ) from None


def _named(document: Mapping[str, Any], where: str, key: str) -> ItemsView[str, Any]:
    return _mapping(document.get(key), where, key).items()


def _mapping(value: Any, where: str, *place: str) -> dict[str, Any]:  # ruff: ignore[ANN401] - whatever the file says
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {'.'.join(('endpoints', *place))} must be a mapping, found {value!r}")
    return dict(value)
