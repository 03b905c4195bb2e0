"""Options that several commands take, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .settings import DEFAULT_STORE, DEFAULT_TRACKING_URI, Auth

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A path (.joblib, .pkl, .skops, XGBoost .json/.ubj, CatBoost .cbm, MLmodel folder), "
        "models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN/PATH or azureml:NAME:VERSION.",
    ),
]
Sample = Annotated[
    Path,
    typer.Option(
        metavar="DATA",
        help="Real rows (Parquet, CSV, JSON lines, Arrow), at least 1,000: parity is proven on them.",
    ),
]
Store = Annotated[
    str,
    typer.Option(
        envvar="ONNXPORT_STORE",
        metavar="STORE",
        help="A folder, https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX, or az://CONTAINER/PREFIX.",
    ),
]
STORE = DEFAULT_STORE
TrackingUri = Annotated[
    str,
    typer.Option(
        envvar=["ONNXPORT_TRACKING_URI", "MLFLOW_TRACKING_URI"],
        metavar="URI",
        help="MLflow tracking server or database.",
    ),
]
TRACKING_URI = DEFAULT_TRACKING_URI
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Work on this Dask cluster, tcp://HOST:8786 (needs onnxport[batch])."),
]
AllowPickle = Annotated[
    bool,
    typer.Option("--allow-pickle", help="Open a pickle of this source: only when you trust who wrote it."),
]
AllowModule = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-module",
        metavar="MODULE",
        help="A module of your own whose classes the pickle may hold; repeat for more.",
    ),
]
Subscription = Annotated[str | None, typer.Option(metavar="ID", help="Azure ML: the subscription, for azureml:…")]
ResourceGroup = Annotated[str | None, typer.Option(metavar="NAME", help="Azure ML: the resource group.")]
SignIn = Annotated[
    Auth | None,
    typer.Option(
        "--auth", envvar="ONNXPORT_AUTH", help="How to sign in to Azure; default: as the environment is made for."
    ),
]
Workspace = Annotated[str | None, typer.Option(metavar="NAME", help="Azure ML: the workspace.")]
Features = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C", help="Feature columns in the model's order, where the model does not name them."
    ),
]
Clip = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="LOW HIGH", help="Clip the scores to this range, inside the graph."),
]
Runtime = Annotated[
    str,
    typer.Option(metavar="REQUIREMENT", help="The oldest runtime that must load the graph."),
]
RUNTIME = "onnxruntime>=1.17"
Tolerance = Annotated[
    str,
    typer.Option(metavar="PROFILE|FILE", help="How far outputs may be off: default, strict, or a YAML file."),
]
TOLERANCE = "default"
Seed = Annotated[int, typer.Option(help="Seed of the generated probes: a failure can be repeated.")]
SEED = 0
FirstRows = Annotated[
    int | None,
    typer.Option("--rows", metavar="N", min=1, help="Take the first N rows of the sample; default: all of them."),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the result.")]
Alias = Annotated[str | None, typer.Option(metavar="ALIAS", help="Move this alias to the release.")]
Breaking = Annotated[bool, typer.Option("--breaking", help="Move the alias although its callers will fail.")]
Reason = Annotated[str, typer.Option(help="Why, for the alias's history.")]
MaxP95 = Annotated[
    float | None, typer.Option("--max-p95-us", metavar="US", help="Publish only if one row is this fast.")
]
MaxLoad = Annotated[
    float | None, typer.Option("--max-load-ms", metavar="MS", help="Publish only if it loads in this.")
]
MaxRss = Annotated[
    float | None, typer.Option("--max-rss-mb", metavar="MIB", help="Publish only if it adds at most this.")
]
MaxBytes = Annotated[
    int | None, typer.Option("--max-bytes", metavar="BYTES", help="Publish only if it is this small.")
]
WithSource = Annotated[
    bool,
    typer.Option(
        "--with-source",
        help="Keep the XGBoost model itself beside the graph: `predict` may ask it on bulk, where it is faster.",
    ),
]
SignWith = Annotated[
    Path | None,
    typer.Option(metavar="KEY.pem", help="Sign the release with this EC private key (needs onnxport[sign])."),
]
Certificate = Annotated[
    Path | None,
    typer.Option(metavar="CERT.pem", help="The key's certificate: sign in its name; needs --chain."),
]
Chain = Annotated[
    Path | None, typer.Option(metavar="CHAIN.pem", help="The certificates that lead from --certificate to a root.")
]
Keys = Annotated[
    list[Path] | None,
    typer.Option(metavar="PUB.pem", help="Demand a signature of this EC public key; repeat for any of several."),
]
Roots = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="ROOT.pem", help="Demand a signature with a certificate that leads to this root; may repeat."
    ),
]
Identities = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="The certificate must carry this name (e-mail, URI, DNS or common name); may repeat."
    ),
]
Reference = Annotated[str, typer.Argument(metavar="REF", help="NAME:VERSION, NAME@ALIAS, or NAME for the newest.")]
AliasReference = Annotated[str, typer.Argument(metavar="NAME@ALIAS", help="An alias of a model.")]


def split_features(features: str | None) -> list[str] | None:
    """The names in `A,B,C`."""
    return [name.strip() for name in features.split(",") if name.strip()] if features else None
