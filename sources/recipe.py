"""A training recipe: what is trained on what, written down so that it can be trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .tables import is_remote

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar]
Share = Annotated[float, Field(gt=0, lt=1)]


class Part(BaseModel):
    """A part of a recipe: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Filter(Part):
    """Rows that stay: those whose `column` is `op` `value`; a missing value never is.

    Attributes:
        column: Name of the column.
        op: The comparison; `in` takes a list; `notnull` takes no value.
        value: What to compare with.
    """

    column: str
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "notnull"]
    value: Value = None

    @model_validator(mode="after")
    def _fits(self) -> Filter:
        if (self.op in {"in", "not in"}) != isinstance(self.value, list):
            raise ValueError(f"op {self.op!r} takes {'a list' if 'in' in self.op else 'one value'}")
        if (self.op == "notnull") != (self.value is None):
            raise ValueError(f"op {self.op!r} takes {'no value' if self.op == 'notnull' else 'a value'}")
        return self


class Data(Part):
    """Where the rows are.

    Attributes:
        path: A Parquet, CSV, JSON Lines or Arrow file, relative to the recipe; or in Blob storage: a URL,
            `az://CONTAINER/PATH` or `abfs[s]://CONTAINER@HOST/PATH`, without a signature.
        filters: Which of its rows count; all of them must hold.
    """

    path: str
    filters: tuple[Filter, ...] = ()

    @model_validator(mode="after")
    def _without_secrets(self) -> Data:
        if is_remote(self.path) and "?" in self.path:
            raise ValueError(
                "a recipe holds no signature: set AZURE_STORAGE_SAS_TOKEN, or give the URL with --data"
            )
        return self


class Split(Part):
    """Which rows are held out to measure on.

    Attributes:
        by: `time`: the last ones by `column`; `group`: whole groups of `column`; `random`: any.
        column: The column of times or groups.
        test: The share that is held out.
    """

    by: Literal["time", "group", "random"]
    column: str | None = None
    test: Share = 0.2

    @model_validator(mode="after")
    def _fits(self) -> Split:
        if (self.by == "random") != (self.column is None):
            raise ValueError(f"a split by {self.by} takes {'no column' if self.by == 'random' else 'a column'}")
        return self


class Model(Part):
    """The estimator.

    Attributes:
        estimator: Its import path, one of `estimators.ESTIMATORS`.
        params: Its parameters.
    """

    estimator: str
    params: dict[str, Value] = {}


class Numeric(Part):
    """What happens to the columns that are not categorical.

    Attributes:
        impute: How missing values are filled; `None`: they stay.
        scale: How they are scaled; `None`: not at all.
    """

    impute: Literal["mean", "median", "most_frequent"] | None = None
    scale: Literal["standard", "minmax", "robust"] | None = None


class Categorical(Part):
    """What happens to columns of strings.

    Attributes:
        columns: Which ones they are.
        impute: How missing values are filled; `constant` is the string `missing`.
        encode: How they become numbers.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    impute: Literal["most_frequent", "constant"] | None = None
    encode: Literal["onehot", "ordinal", "target"] = "onehot"


class Preprocessing(Part):
    """What happens to the columns before the estimator sees them, in the same pipeline."""

    numeric: Numeric = Numeric()
    categorical: Categorical | None = None


class Calibration(Part):
    """`CalibratedClassifierCV` around the estimator.

    Attributes:
        method: How scores become probabilities.
        cv: Number of folds.
    """

    method: Literal["isotonic", "sigmoid"]
    cv: int = Field(default=5, ge=2, le=20)


class EarlyStopping(Part):
    """How many trees: found on a part of the training rows, then used on all of them.

    Attributes:
        rounds: Trees without progress after which the search ends.
        validation: Share of the training rows that tells progress.
    """

    rounds: int = Field(ge=1)
    validation: Share = 0.2


class Search(Part):
    """A cross-validated search; its budget is a number of trials, not a time, which would depend on the machine.

    Attributes:
        params: Parameter to the values that it may take.
        trials: How many combinations are tried; all of them where there are fewer.
        cv: Number of folds, cut as the split is: by time, by group, or at random.
    """

    params: dict[str, Annotated[list[Scalar], Field(min_length=1)]] = Field(min_length=1)
    trials: int = Field(default=10, ge=1, le=1000)
    cv: int = Field(default=3, ge=2, le=20)


class Gate(Part):
    """What a metric must be.

    Attributes:
        min: At least.
        max: At most.
    """

    min: float | None = None
    max: float | None = None


Metric = Literal["auc", "brier", "log_loss", "calibration_error", "accuracy", "rmse", "mae", "r2"]


class Recipe(Part):
    """A training recipe.

    Attributes:
        name: Of the model.
        purpose: What the model is for; the first sentence of the model card.
        limits: What it is not for.
        data: Where the rows are.
        features: The feature columns, in order.
        target: The column to predict.
        split: Which rows are held out.
        model: The estimator.
        preprocessing: What happens before it.
        calibration: What happens after it.
        early_stopping: How many trees.
        search: Which parameters.
        clip: What the scorer does with predictions; the metrics see it.
        gates: What the metrics on the held-out rows must be.
        segments: Columns by whose values the model card tells the metrics.
        experiment: MLflow experiment; the model's name where it is not given.
        seed: The same seed gives the same model.
        folder: Where the recipe lies; not part of the file.
    """

    name: str
    purpose: str = ""
    limits: tuple[str, ...] = ()
    data: Data
    features: tuple[str, ...] = Field(min_length=1)
    target: str
    split: Split = Split(by="random")
    model: Model
    preprocessing: Preprocessing | None = None
    calibration: Calibration | None = None
    early_stopping: EarlyStopping | None = None
    search: Search | None = None
    clip: tuple[float, float] | None = None
    gates: dict[Metric, Gate] = {}
    segments: tuple[str, ...] = ()
    experiment: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**31)
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if len(set(self.features)) != len(self.features):
            raise ValueError("features names a column twice")
        if self.target in self.features:
            raise ValueError(f"the target {self.target!r} is one of the features")
        categorical = self.preprocessing.categorical if self.preprocessing else None
        unknown = set(categorical.columns if categorical else ()) - set(self.features)
        if unknown:
            raise ValueError(f"preprocessing names {', '.join(sorted(unknown))}, which is none of the features")
        if self.clip is not None and self.clip[0] >= self.clip[1]:
            raise ValueError("clip takes the lower bound first")
        return self
