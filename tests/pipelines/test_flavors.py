"""Every flavor and serialization of MLflow, exported: a proven release, or a refusal with the reason."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, while the tests write models
PICKLE = ("--allow-pickle",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Fitted models, and the rows to prove them on."""

    classifier: Any
    booster: Any
    pipeline: Any
    light: Any
    light_booster: Any
    sample: Path


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    import lightgbm
    import xgboost
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(8)
    frame = pd.DataFrame(random.normal(size=(1000, 2)), columns=["a", "b"])
    target = (frame["a"] > 0).astype(int)
    sample = tmp_path_factory.mktemp("flavors") / "rows.parquet"
    frame.to_parquet(sample)
    light = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=3, n_jobs=1, verbose=-1).fit(frame, target)
    return Logged(
        classifier=xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(frame, target),
        booster=xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(frame, target), 2),
        light=light,
        light_booster=light.booster_,
        pipeline=make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, target),
        sample=sample,
    )


def save(logged: Logged, flavor: str, kind: str, **settings: Any) -> None:
    """`logged.KIND` lies in the folder `model`, written by MLflow itself."""
    import mlflow.lightgbm
    import mlflow.sklearn
    import mlflow.xgboost

    writer: Any = {"sklearn": mlflow.sklearn, "xgboost": mlflow.xgboost, "lightgbm": mlflow.lightgbm}[flavor]
    writer.save_model(getattr(logged, kind), "model", pip_requirements=["numpy"], **settings)


@pytest.mark.parametrize(
    ("flavor", "kind", "settings", "options"),
    [
        ("sklearn", "pipeline", {"serialization_format": "skops"}, ()),
        ("sklearn", "pipeline", {"serialization_format": "pickle"}, PICKLE),
        ("sklearn", "pipeline", {"serialization_format": "cloudpickle"}, PICKLE),
        ("xgboost", "booster", {"model_format": "ubj"}, ()),
        ("xgboost", "booster", {"model_format": "json"}, ()),
        ("xgboost", "booster", {"model_format": "xgb"}, ()),
        ("xgboost", "classifier", {"model_format": "ubj"}, ()),
        ("xgboost", "classifier", {"model_format": "json"}, ()),
        ("xgboost", "classifier", {"model_format": "xgb"}, ()),
        ("lightgbm", "light_booster", {}, ()),
        ("lightgbm", "light", {"serialization_format": "skops"}, ()),
        ("lightgbm", "light", {"serialization_format": "cloudpickle"}, PICKLE),
    ],
    ids=[
        "sklearn skops", "sklearn pickle", "sklearn cloudpickle", "Booster ubj", "Booster json", "Booster xgb",
        "XGBClassifier ubj", "XGBClassifier json", "XGBClassifier xgb",
        "LightGBM text", "LightGBM skops", "LightGBM cloudpickle",
    ],
)  # fmt: skip
def test_what_can_be_exact_is_exported(
    flavor: str, kind: str, settings: dict[str, Any], options: tuple[str, ...], logged: Logged, onnxport: Any
) -> None:
    save(logged, flavor, kind, **settings)
    arguments = ("export", "model", "--name", "m", "--sample", logged.sample, "--json")
    if options:
        refused = onnxport(*arguments)
        assert (refused.code, refused.document["error"]["code"]) == (5, "untrusted-model")
    done = onnxport(*arguments, *options)
    assert done.code == 0, done.err
    assert done.document["parity"]["passed"] is True


def _old_binary(logged: Logged) -> None:
    save(logged, "xgboost", "booster", model_format="ubj")
    Path("model/model.ubj").write_bytes(b"binf" + bytes(200))


def _damaged_text(logged: Logged) -> None:
    save(logged, "lightgbm", "light_booster")
    Path("model/model.lgb").write_bytes(b"PK this is no text of LightGBM")


def _own_code(_: Logged) -> None:
    import mlflow.pyfunc

    class Wrapper(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
            del context, params
            return model_input["a"]

    mlflow.pyfunc.save_model("model", python_model=Wrapper(), pip_requirements=["numpy"])


def _other(flavor: str) -> Callable[[Logged], None]:
    def write(_: Logged) -> None:
        Path("model").mkdir()
        flavors = {flavor: {"data": "model.bin"}, "python_function": {"loader_module": f"mlflow.{flavor}"}}
        Path("model/MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
        Path("model/model.bin").write_bytes(b"whatever it holds")

    return write


@pytest.mark.parametrize(
    ("write", "code", "says"),
    [
        (_old_binary, 2, "the binary form that XGBoost has given up"),
        (_damaged_text, 2, "is not a LightGBM model"),
        (_own_code, 4, "Python code that no graph can be proven to follow"),
        (_other("onnx"), 4, "mlflow.onnx"),
        (_other("pytorch"), 4, "mlflow.pytorch"),
        (_other("transformers"), 4, "mlflow.transformers"),
    ],
    ids=["xgboost's old binary form", "no LightGBM text", "python_function", "onnx", "pytorch", "transformers"],
)
def test_what_cannot_is_refused_with_the_reason(
    write: Callable[[Logged], None], code: int, says: str, logged: Logged, onnxport: Any
) -> None:
    write(logged)
    done = onnxport("export", "model", "--name", "m", "--sample", logged.sample, "--json", *PICKLE)
    assert done.code == code, done.err
    assert says in done.document["error"]["message"]
    assert done.document["error"]["hint"]
    assert "Traceback" not in done.err
    assert not Path("onnxport-store").exists()
    shutil.rmtree("model")
