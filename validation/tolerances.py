"""How far a graph may be off: the two profiles, with the reason for each number, and files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml
from onnxport.artifacts import Tolerance, Tolerances, UsageError
from pydantic import ValidationError

DEFAULT: Final = Tolerances(
    probabilities=Tolerance(
        atol=1e-9,
        rtol=1e-5,
        reason=(
            "1e-5 relative is 80 steps of float32: room for 1,000 trees summed in another order, none for a "
            "split that goes the other way. Relative even for rare events: a graph that rounds 1e-7 to 0 fails. "
            "1e-9 absolute, where float32 exponentials leave no relative precision."
        ),
    ),
    prediction=Tolerance(
        atol=1e-6,
        rtol=1e-5,
        scaled=True,
        reason=(
            "1e-5 relative as for probabilities. 1e-6 of the mean absolute answer where terms cancel and the "
            "answer is near zero: float32 sums keep 6e-8 of their largest term, times the root of a few hundred "
            "trees."
        ),
    ),
)
STRICT: Final = Tolerances(
    probabilities=Tolerance(
        atol=1e-12,
        rtol=1e-6,
        reason="8 steps of float32: what is left when margins are equal bit by bit and only the link differs.",
    ),
    prediction=Tolerance(
        atol=1e-7,
        rtol=1e-6,
        scaled=True,
        reason="8 steps of float32, and 2 steps of the mean absolute answer where terms cancel.",
    ),
)
PROFILES: Final = {"default": DEFAULT, "strict": STRICT}


def default_tolerances() -> Tolerances:
    """What is allowed when nobody says anything."""
    return DEFAULT


def load_tolerances(profile: str) -> Tolerances:
    """The profile of that name, or what a YAML or JSON file says.

    A file may name a profile to start from (`profile: strict`) and then only what differs from it.

    Raises:
        UsageError: There is no such profile and no such file, or the file is not a tolerance file.
    """
    if profile in PROFILES:
        return PROFILES[profile]
    path = Path(profile)
    if not path.is_file():
        raise UsageError(
            f"{profile!r} is neither a tolerance profile nor a file",
            hint=f"Profiles are {', '.join(PROFILES)}; anything else is the path of a YAML or JSON file.",
        )
    return _read(path)


def _read(path: Path) -> Tolerances:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path.name} cannot be read as YAML or JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path.name} must hold a mapping, found {type(found).__name__}", hint=_FORM)
    base = found.pop("profile", "default")
    if base not in PROFILES:
        raise UsageError(f"{path.name}: no profile {base!r}", hint=f"Profiles are {', '.join(PROFILES)}.")
    unknown = sorted(set(found) - set(Tolerances.model_fields))
    if unknown:
        raise UsageError(f"{path.name}: unknown {', '.join(map(repr, unknown))}", hint=_FORM)
    try:
        return Tolerances.model_validate({**PROFILES[base].model_dump(), **found})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path.name}: {where}: {first['msg']}", hint=_FORM) from error


_FORM = (
    "A tolerance file has any of: profile, probabilities {atol, rtol}, prediction {atol, rtol}, label_flips, "
    "threshold_flips, thresholds [...], outputs {NAME: {atol, rtol}}."
)


def resolve(tolerances: Tolerances, scale: float) -> Tolerances:
    """`tolerances` with no scaled part left: each scaled `atol` multiplied by `scale`.

    Args:
        tolerances: What was asked for.
        scale: Mean absolute answer of the source on the user's rows, in the output's unit.
    """

    def plain(tolerance: Tolerance) -> Tolerance:
        if not tolerance.scaled:
            return tolerance
        return tolerance.model_copy(update={"atol": tolerance.atol * scale, "scaled": False})

    return tolerances.model_copy(
        update={
            "probabilities": plain(tolerances.probabilities),
            "prediction": plain(tolerances.prediction),
            "outputs": {name: plain(tolerance) for name, tolerance in tolerances.outputs.items()},
        }
    )
