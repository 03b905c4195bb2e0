"""Registers, finds, brings and archives one small model in a real Azure ML workspace; not part of the suite.

az login
python tests/azureml/smoke.py --subscription S --resource-group G --workspace W
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from onnxport.artifacts import UsageError, digest_file
from onnxport.sources import (
    AzureAccess,
    AzureRegistration,
    AzureWorkspace,
    SourceAccess,
    fetch,
    load,
    register_azureml,
)


def main(arguments: list[str]) -> None:
    """Each line that is printed is one thing that works.

    Raises:
        OnnxportError: One of them does not; the message says why.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("subscription", "resource-group", "workspace"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument(
        "--auth", default="cli", choices=["cli", "environment", "workload-identity", "managed-identity"]
    )
    parser.add_argument("--name", default="onnxport-smoke", help="the model that is registered")
    given = parser.parse_args(arguments)
    workspace = AzureWorkspace(
        subscription_id=given.subscription, resource_group=given.resource_group, workspace_name=given.workspace
    )
    access = AzureAccess(workspace=workspace, auth=given.auth)
    with tempfile.TemporaryDirectory() as folder:
        _run(given.name, access, Path(folder))


def _run(name: str, access: AzureAccess, folder: Path) -> None:
    model = _train(folder / "model.ubj")
    made = register_azureml(AzureRegistration(name=name, files=model, kind="custom_model"), access)
    _say(f"registered {made.uri}" if made.created else f"was there already: {made.uri}")
    sources = SourceAccess(azure=access)
    for uri in (made.uri, f"azureml:{name}@latest"):
        found = load(uri, sources).reference
        assert (found.version, found.sha256) == (made.version, digest_file(model)), found
        _say(f"loaded {uri}")
    fetch(made.uri, folder / "out", sources)
    assert digest_file(folder / "out" / "model.ubj") == digest_file(model)
    _say("fetched its files")
    _expect_refusal(f"azureml:{name}:999999", sources)
    _archive(name, made.version, access)
    _expect_refusal(made.uri, sources)


def _train(path: Path) -> Path:
    import numpy as np
    import xgboost

    rows = np.random.default_rng().normal(size=(100, 2)).astype(np.float32)
    xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0]), 2).save_model(path)
    return path


def _archive(name: str, version: str, access: AzureAccess) -> None:
    from onnxport.sources.azure_client import connect
    from onnxport.sources.azure_names import parse_azure_name

    connect(parse_azure_name(f"azureml:{name}:{version}"), access).ml.models.archive(name, version=version)
    _say(f"archived version {version}")


def _expect_refusal(uri: str, sources: SourceAccess) -> None:
    try:
        load(uri, sources)
    except UsageError as error:
        _say(f"refused {uri}: {error.message}")
        return
    raise AssertionError(f"{uri} was loaded")


def _say(line: str) -> None:
    sys.stdout.write(f"ok  {line}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
