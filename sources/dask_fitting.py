"""A recipe becomes a fitted model on a Dask cluster, with xgboost.dask; what cannot be fitted there is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import OnnxportError, UsageError

from .dask_boosting import Boosting
from .dask_cluster import dask_client, watched
from .dask_rows import Workers, read_on_dask
from .dataset import data_file
from .fitting import Fitted, unfit
from .tables import is_remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnxport.artifacts import Progress

    from .access import TrainAccess
    from .recipe import Recipe
    from .tables import TableFile

_ESTIMATORS: Final = tuple(
    f"xgboost.{name}" for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor")
)


def fitted_on_dask(recipe: Recipe, access: TrainAccess, address: str, progress: Progress) -> Fitted:
    """The recipe's model, fitted by the workers of the scheduler at `address`, each on its share of the rows.

    Law: the rows that it is fitted on, and those that it is measured on, are those of `fitted_here`.

    Raises:
        UsageError: The recipe cannot be fitted on a cluster, or the data cannot be read in parts by the workers,
            or does not fit the recipe or the estimator.
        IntegrityError: The data was written in between.
        Unreachable: The scheduler does not answer or has no workers; or it or a worker has gone in the middle.
    """
    check_on_dask(recipe, access)
    with data_file(recipe, access, progress) as file, dask_client(address) as client:
        try:
            return watched(client, lambda: _fitted(recipe, file, client, progress))
        except OnnxportError:
            raise
        except Exception as error:
            raise unfit(recipe, error) from error


def check_on_dask(recipe: Recipe, access: TrainAccess) -> None:
    """The recipe is one that workers can fit together, on data that they can read in parts.

    Raises:
        UsageError: It is not; the message lists all that stands in the way.
    """
    reasons = [*_unfit_parts(recipe)]
    if is_remote(access.data or recipe.data.path):
        reasons.append("its data is in Blob storage, where workers do not read")
    if reasons:
        raise UsageError(
            f"the recipe {recipe.name!r} cannot be trained on a cluster: {'; '.join(reasons)}",
            hint="Train it without --scheduler, or take out what stands in the way; "
            "data in Blob storage can be mounted as a folder of all workers.",
        )


def _unfit_parts(recipe: Recipe) -> Iterator[str]:
    if recipe.model.estimator not in _ESTIMATORS:
        yield f"{recipe.model.estimator} is trained in one process; {', '.join(_ESTIMATORS)} can be"
    for part in ("preprocessing", "calibration", "search"):
        if getattr(recipe, part) is not None:
            yield f"{part} is done in one process"
    params = recipe.model.params
    if params.get("booster") == "gblinear":
        yield "XGBoost trains the booster gblinear in one process"
    if params.get("tree_method") == "exact":
        yield "XGBoost's tree method exact works in one process; hist and approx can be"
    if "feature_weights" in params:
        yield "feature_weights is not handed on to workers"


def _fitted(recipe: Recipe, file: TableFile, client: Any, progress: Progress) -> Fitted:  # ruff: ignore[ANN401] - a Client
    with client.as_current():
        rows = read_on_dask(recipe, file, Workers(client=client, addresses=_by_name(client)))
        progress.step("read", len(rows.held_out), None)
        facts, head, shown = rows.described()
        progress.step("fit", 0, 1)
        classes = 1 if facts.classes is None else _class_count(recipe, list(facts.classes))
        boosting = Boosting(rows=rows, head=head, classes=classes)
        boosting.rehearse()
        stopping = recipe.early_stopping
        params = {} if stopping is None else {"n_estimators": boosting.trees(stopping.rounds)}
        model = boosting.model(params)
        progress.step("fit", 1, 1)
        test, answers = rows.answered(model)
    return Fitted(model=model, params=params, facts=facts, rows=shown, test=test, answers=answers)


def _by_name(client: Any) -> tuple[str, ...]:  # ruff: ignore[ANN401] - a Client
    workers: Mapping[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return tuple(sorted(workers, key=lambda address: (str(workers[address]["name"]), address)))


def _class_count(recipe: Recipe, labels: list[Any]) -> int:
    expected = list(range(len(labels)))
    if labels != expected:
        error = ValueError(
            f"Invalid classes inferred from unique values of `y`. Expected: {expected}, got {labels}"
        )
        raise unfit(recipe, error)
    return len(labels)
