"""What the help of each command ends with: examples, and the exit codes that a script branches on."""

from __future__ import annotations

from dataclasses import dataclass

from .failures import EXIT_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The end of a command's help.

    Attributes:
        examples: Command lines without the program's name.
        exits: Codes of `failures.EXIT_CODES` that say something particular here; 0, 1 and 2 are everybody's.
    """

    examples: tuple[str, ...]
    exits: tuple[str, ...] = ()


_OPENING = ("unsupported-model", "untrusted-model", "unreachable")
_READING = ("unreachable", "integrity")
_MOVING = ("unreachable", "integrity", "lost-race")

NOTES: dict[str, Notes] = {
    "init": Notes(
        examples=("init", "init win --yes --ci azure-pipelines", "init --yes --data rows.csv --target won")
    ),
    "doctor": Notes(
        examples=("doctor", "doctor --store az://models/releases --json"), exits=("unreachable", "integrity")
    ),
    "train": Notes(
        examples=(
            "train recipe.yaml --register win-probability",
            "train recipe.yaml --data /mnt/rows.parquet --scheduler tcp://dask:8786",
        ),
        exits=("unreachable", "integrity", "over-budget"),
    ),
    "fetch": Notes(
        examples=("fetch azureml:win-probability:7 --out model --allow-pickle", "fetch models:/win/3 --out model"),
        exits=_OPENING,
    ),
    "convert": Notes(examples=("convert model.ubj --sample rows.parquet --out onnx --explain",), exits=_OPENING),
    "check": Notes(
        examples=("check onnx --against model.ubj --sample rows.parquet",), exits=("parity-failed", *_OPENING)
    ),
    "publish": Notes(
        examples=("publish onnx --name win-probability --alias staging",),
        exits=("parity-failed", *_MOVING, "over-budget"),
    ),
    "export": Notes(
        examples=(
            "export models:/win-probability/3 --name win-probability --sample rows.parquet --alias production",
            "export win.joblib --allow-pickle --name win --sample rows.csv --store az://models/releases",
        ),
        exits=("parity-failed", *_OPENING, "integrity", "lost-race", "over-budget"),
    ),
    "list": Notes(examples=("list", "list win-probability --json"), exits=("unreachable",)),
    "show": Notes(examples=("show win-probability@production", "show win-probability:7"), exits=_READING),
    "history": Notes(examples=("history win-probability@production",), exits=_READING),
    "pull": Notes(examples=("pull win-probability@production --out model",), exits=_READING),
    "verify": Notes(examples=("verify win-probability@production --golden",), exits=_READING),
    "diff": Notes(examples=("diff win-probability:6 win-probability:7 --form markdown",), exits=_READING),
    "promote": Notes(examples=("promote win-probability:7 production --reason 'new quarter'",), exits=_MOVING),
    "rollback": Notes(
        examples=("rollback win-probability@production --reason 'too many false alarms'",), exits=_MOVING
    ),
    "prune": Notes(examples=("prune win-probability", "prune win-probability --apply"), exits=("unreachable",)),
    "copy": Notes(examples=("copy win-probability:7 --to az://models/production",), exits=_MOVING),
    "policy": Notes(examples=("policy", "policy --key release.pub.pem"), exits=("unreachable",)),
    "predict": Notes(
        examples=("predict win-probability@production rows.parquet --out scores.parquet",),
        exits=("parity-failed", *_READING),
    ),
    "bench": Notes(
        examples=("bench win-probability@production", "bench win-probability:7 --against models:/win/7 --json"),
        exits=_READING,
    ),
    "serve": Notes(
        examples=("serve --model win-probability@production --port 8080",), exits=("unreachable", "integrity")
    ),
    "slo check": Notes(
        examples=("slo check --prometheus http://prometheus:9090 --model win-probability --window 7d",),
        exits=("unreachable", "slo-breached"),
    ),
    "slo rules": Notes(examples=("slo rules --model win-probability --out rules.yml",)),
    "slo dashboard": Notes(examples=("slo dashboard --model win-probability --out dashboard.json",)),
    "endpoint plan": Notes(examples=("endpoint plan", "endpoint plan --json"), exits=("unreachable",)),
    "endpoint apply": Notes(
        examples=("endpoint apply", "endpoint apply --yes"), exits=("unreachable", "lost-race")
    ),
    "endpoint warm": Notes(
        examples=("endpoint warm win-probability --request rows.json --requests 20 --every 30",),
        exits=("unreachable", "over-budget"),
    ),
    "schema": Notes(examples=("schema manifest",)),
}


def epilog_of(command: str) -> str | None:
    """The end of the help of `command`, or `None` where there are no notes about it."""
    notes = NOTES.get(command)
    if notes is None:
        return None
    parts = ["\b\nExamples:", *(f"  onnxport {example}" for example in notes.examples)]
    if notes.exits:
        codes = [EXIT_CODES[name] for name in notes.exits]
        parts += ["", "\b\nExit codes, beside 0, 1 and 2:", *(f"  {number:>2}  {said}" for number, said in codes)]
    return "\n".join(parts)
