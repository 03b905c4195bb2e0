"""What machines cost, as a file of the user's says: there is no figure without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from onnxport.artifacts import UsageError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .latency import Between

if TYPE_CHECKING:
    from pathlib import Path

    from .wanted import Tier

HOURS_A_MONTH: Final = 730
UNKNOWN: Final = "no price known"
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Size(BaseModel):
    """Prices of one machine for an hour; `None` where nobody says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dedicated: Price | None = None
    low_priority: Price | None = None


class Prices(BaseModel):
    """A file of prices.

    Attributes:
        currency: Of all figures.
        source: Where the figures come from, and of which day they are.
        example: The figures are made up.
        hourly: By size of machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    example: bool = False
    hourly: dict[str, Size]

    def hour(self, size: str | None, tier: Tier) -> float | None:
        """What a machine costs for an hour, or `None`; sizes are compared without their case."""
        found = next(
            (prices for name, prices in self.hourly.items() if name.lower() == (size or "").lower()), None
        )
        return None if found is None else getattr(found, tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a change costs a month, between no load and full load; `None` where there is no price.

    Attributes:
        before: As it is.
        after: As it will be.
        currency: Of both; where the figures are made up, it says so.
    """

    before: Between
    after: Between
    currency: str

    @property
    def saves(self) -> Between:
        """What is saved a month; negative where it costs more."""
        idle, full = self.before.low - self.after.low, self.before.high - self.after.high
        return Between(low=min(idle, full), high=max(idle, full))

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        pairs = {"before": self.before, "after": self.after, "saves": self.saves}
        return {
            "currency": self.currency,
            **{name: {"low": round(pair.low, 2), "high": round(pair.high, 2)} for name, pair in pairs.items()},
        }


def read_prices(path: Path | None) -> Prices | None:
    """The prices in the YAML file `path`; `None` where there is no file.

    Raises:
        UsageError: It cannot be read, or is no file of prices.
    """
    if path is None:
        return None
    import yaml  # ruff: ignore[PLC0415] - most commands read none

    try:
        return Prices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"cannot read the prices in {path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path}: {place}: {first['msg']}", hint="examples/operations/prices.yaml shows the form."
        ) from None


def cost(prices: Prices | None, before: Machines, after: Machines) -> Cost | None:
    """What changes a month from `before` to `after`; `None` where a price is missing."""
    pairs = [machines.monthly(prices) for machines in (before, after)]
    if prices is None or pairs[0] is None or pairs[1] is None:
        return None
    return Cost(before=pairs[0], after=pairs[1], currency=currency(prices))


def currency(prices: Prices) -> str:
    """The currency; where the figures are made up, it says so."""
    return f"{prices.currency} (example prices)" if prices.example else prices.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """How many machines of a size run: between no load and full load.

    Attributes:
        size: As Azure names it; `None` where it is not known.
        least: Without load.
        most: Under full load.
        tier: Whether they can be taken away.
    """

    size: str | None
    least: int
    most: int
    tier: Tier = "dedicated"

    def monthly(self, prices: Prices | None) -> Between | None:
        """What they cost a month, or `None`; no machine costs nothing, whatever its price."""
        if self.most == 0:
            return Between(low=0.0, high=0.0)
        hour = None if prices is None else prices.hour(self.size, self.tier)
        if hour is None:
            return None
        month = hour * HOURS_A_MONTH
        return Between(low=self.least * month, high=self.most * month)


def amount(between: Between, currency: str) -> str:
    """A sum a month for people."""
    if round(between.low) == round(between.high):
        return f"{between.low:,.0f} {currency}"
    return f"{between.low:,.0f}..{between.high:,.0f} {currency}"
