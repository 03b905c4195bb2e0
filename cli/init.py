"""`onnxport init`: a folder from which a model can be trained, exported and published."""

from __future__ import annotations

import json as text
import string
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .invocation import current
from .options import STORE, Json, Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Kind(StrEnum):
    """What the model answers."""

    CLASSIFIER = "classifier"
    REGRESSOR = "regressor"


class CiSystem(StrEnum):
    """Where the model is built."""

    GITHUB = "github"
    AZURE_PIPELINES = "azure-pipelines"
    NONE = "none"


Choice = TypeVar("Choice", bound=StrEnum)

_ESTIMATORS = {Kind.CLASSIFIER: "XGBClassifier", Kind.REGRESSOR: "XGBRegressor"}
_SAMPLES = {Kind.CLASSIFIER: ("win-probability", "won"), Kind.REGRESSOR: ("risk-scoring", "risk")}
_SAMPLE_FILE, _SAMPLE_ROWS, _SAMPLE_SEED = "data/sample.csv", 2000, 7
_CI_FILES = {
    CiSystem.GITHUB: {".github/workflows/onnxport.yml": "github/onnxport.yml"},
    CiSystem.AZURE_PIPELINES: {"azure-pipelines.yml": "azure-pipelines/azure-pipelines.yml"},
    CiSystem.NONE: {},
}


class _Template(string.Template):
    """`@@name`: a sign that neither YAML nor the CI systems use."""

    delimiter = "@@"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the files say.

    Attributes:
        name: Of the model.
        kind: What it answers.
        store: Where releases go.
        data: The file to train on and to prove on.
        features: Its columns that the model sees.
        target: Its column that the model predicts.
        ci: The CI system that gets a file.
    """

    name: str
    kind: Kind
    store: str
    data: str
    features: Sequence[str]
    target: str
    ci: CiSystem


def init(
    context: typer.Context,
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The folder to fill; made when missing.")
    ] = Path(),
    name: Annotated[str | None, typer.Option(help="Name of the model; default: by kind or data.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What the model answers; default: classifier.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your rows, Parquet, CSV, JSON lines or Arrow; default: generated ones."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of your rows that the model predicts.")
    ] = None,
    store: Store = STORE,
    ci: Annotated[CiSystem | None, typer.Option(help="The CI system that gets a file; default: github.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take flags and defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    json: Json = False,
) -> None:
    """Write onnxport.yaml, a recipe, sample data and a CI file to DIR: all that a first release needs.

    Asks what flags do not say. Files that are there already are left alone: unless they are the same, nothing is
    written without --force.
    """
    from onnxport.artifacts import UsageError, check_name

    del json
    if not yes and not sys.stdin.isatty():
        raise UsageError("init asks questions, and standard input is no terminal", hint="Give flags and --yes.")
    kind = kind or _chosen(Kind, "kind", Kind.CLASSIFIER, yes=yes)
    sample_name, sample_target = _SAMPLES[kind]
    own = data is not None
    name = check_name("a model", name or _asked("name of the model", _stem(data) if own else sample_name, yes=yes))
    if own and target is None:
        raise UsageError(f"which column of {data} does the model predict?", hint="Say --target COLUMN.")
    if not own and target not in {None, sample_target}:
        raise UsageError("--target is a column of your own rows", hint="Give them: --data FILE.")
    target = target or sample_target
    ci = ci or _chosen(CiSystem, "CI", CiSystem.GITHUB, yes=yes)
    plan = _Plan(
        name=name,
        kind=kind,
        store=store if yes else _asked("store", store, yes=yes),
        data=str(data.absolute()) if data is not None else _SAMPLE_FILE,
        features=_features(data, target) if data is not None else _sample_columns(),
        target=target,
        ci=ci,
    )
    written = _write(folder, _contents(plan, own=own), force=force)
    steps = [
        f"onnxport train recipe.yaml --register {name}",
        f"onnxport export models:/{name}/latest --alias production",
    ]
    document = {"folder": str(folder), "model": name, "files": written, "next": steps}
    lines = [f"{state:<9} {file}" for file, state in written.items()]
    current(context).screen.show(document, lambda: "\n".join([*lines, "next:", *(f"  {step}" for step in steps)]))


def _asked(question: str, default: str, *, yes: bool) -> str:
    return default if yes else str(typer.prompt(question, default=default, err=True))


def _chosen(kind: type[Choice], question: str, default: Choice, *, yes: bool) -> Choice:
    from onnxport.artifacts import UsageError

    allowed = ", ".join(kind)
    answer = _asked(f"{question} ({allowed})", default, yes=yes)
    try:
        return kind(answer)
    except ValueError:
        raise UsageError(f"{question} is {answer!r}; it can be {allowed}") from None


def _stem(data: Path | None) -> str:
    kept = "".join(sign if sign.isalnum() else "-" for sign in (data.stem if data else "").lower())
    return kept.strip("-") or "model"


def _sample() -> str:
    from .scaffold.sample_data import csv_text

    return csv_text(_SAMPLE_ROWS, _SAMPLE_SEED)


def _sample_columns() -> list[str]:
    from .scaffold.sample_data import COLUMNS

    return [column for column in COLUMNS if column not in {"won", "risk"}]


def _features(data: Path, target: str) -> list[str]:
    """The columns of numbers, without the target.

    Raises:
        UsageError: The file cannot be read, has no such column, or no column of numbers.
    """
    from onnxport.artifacts import UsageError
    from onnxport.sources import read_sample

    frame = read_sample(data, 1000)
    if target not in frame.columns:
        known = ", ".join(map(str, frame.columns))
        raise UsageError(f"{data} has no column {target!r}; it has {known}", hint="Say --target COLUMN.")
    numbers = [str(column) for column in frame.select_dtypes("number").columns if column != target]
    if not numbers:
        raise UsageError(
            f"{data} has no column of numbers beside {target!r}",
            hint="Write the recipe by hand: columns of strings need preprocessing.categorical.",
        )
    return numbers


def _contents(plan: _Plan, *, own: bool) -> dict[str, str]:
    """File to what stands in it."""
    scaffold = files("onnxport.cli") / "scaffold"
    values = {
        "name": plan.name,
        "store": plan.store,
        "data": plan.data,
        "features": text.dumps(list(plan.features), ensure_ascii=False),
        "target": plan.target,
        "estimator": _ESTIMATORS[plan.kind],
        "version": version("onnxport"),
    }
    templates = {"onnxport.yaml": "onnxport.yaml", "recipe.yaml": "recipe.yaml", **_CI_FILES[plan.ci]}
    contents = {
        name: _Template((scaffold / source).read_text(encoding="utf-8")).substitute(_quoted(values))
        for name, source in templates.items()
    }
    if own:
        return contents
    program = (scaffold / "sample_data.py").read_text(encoding="utf-8")
    return {**contents, "sample_data.py": program, _SAMPLE_FILE: _sample()}


def _quoted(values: Mapping[str, str]) -> dict[str, str]:
    """`values` as they stand between the double quotes of YAML, which are JSON's; `features` is a list."""
    return {
        name: value if name == "features" else text.dumps(value, ensure_ascii=False)[1:-1]
        for name, value in values.items()
    }


def _write(folder: Path, contents: Mapping[str, str], *, force: bool) -> dict[str, str]:
    """The files are there; returns file to `written`, `kept` or `replaced`.

    Raises:
        UsageError: One is there and says something else; nothing was written.
    """
    from onnxport.artifacts import UsageError
    from onnxport.pipelines.folder import write_file

    states = {name: _state(folder / name, content) for name, content in contents.items()}
    other = [name for name, state in states.items() if state == "replaced"]
    if other and not force:
        raise UsageError(
            f"{folder.absolute()} has {', '.join(other)} already, saying something else; nothing was written",
            hint="Give another folder, or --force to overwrite.",
        )
    for name, state in states.items():
        if state != "kept":
            write_file(folder / name, contents[name].encode())
    return states


def _state(path: Path, content: str) -> str:
    try:
        return "kept" if path.read_text(encoding="utf-8") == content else "replaced"
    except FileNotFoundError:
        return "written"
    except (OSError, UnicodeDecodeError):
        return "replaced"
