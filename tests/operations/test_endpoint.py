"""`endpoint plan` and `apply` against the loopback Azure ML: what is shown is done, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.azureml.resources import GROUP, SUBSCRIPTION, WORKSPACE
from tests.operations.conftest import WHERE, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.azureml.endpoints import Endpoints

RELEASE = "quote@production"
BLUE, GREEN = "/onlineEndpoints/win/deployments/blue", "/onlineEndpoints/win/deployments/green"
NIGHTS = {"name": "nights", "start": "20:00", "end": "06:00", "min": 1}
WANTED: dict[str, Any] = {
    "prices": "prices.yaml",
    "online": {
        "win": {
            "blue": {"remove_while": RELEASE},
            "green": {"autoscale": {"min": 2, "max": 4, "schedules": [NIGHTS]}},
        },
        "risk": {"only": {"instances": 1}},
    },
    "batch": {"nightly": {"default": {"compute": "spot"}}},
    "computes": {
        "cpu": {"idle_seconds": 120},
        "spot": {"size": "Standard_DS3_v2", "tier": "low_priority", "max_instances": 4},
    },
}


def changes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["target"], step["change"]) for step in document["steps"]]


def test_a_plan_changes_nothing_and_shows_what_stands_there(
    azure: Any, stands: Endpoints, endpoint: Callable[..., Any]
) -> None:
    before = deepcopy((stands.documents, stands.autoscale))
    done = endpoint("plan", "--scale-to-zero", "cpu", "--instances", "risk/only=1")
    assert done.code == 0, done.err
    assert (stands.documents, stands.autoscale) == before
    assert {asked.partition(" ")[0] for asked in azure.script.seen if "/workspaces/" in asked} == {"GET"}
    names = [(line["kind"], line["name"]) for line in done.document["inventory"]]
    assert names == [
        ("managed online", "win/blue"),
        ("managed online", "win/green"),
        ("managed online", "risk/only"),
        ("batch", "nightly/default"),
        ("cluster", "cpu"),
    ]
    assert {line["monthly"] for line in done.document["inventory"]} == {"no price known", "-"}
    assert {step["saves"] for step in done.document["steps"]} == {"no price known"}
    assert any("cannot scale to zero" in note for note in done.document["notes"])
    scope = f"--workspace-name {WORKSPACE} --resource-group {GROUP} --subscription {SUBSCRIPTION}"
    assert [step["az"] for step in done.document["steps"]] == [
        [
            "az ml compute update --name cpu --min-instances 0 --max-instances 4 "
            f"--idle-time-before-scale-down 120 {scope}"
        ],
        [f"az ml online-deployment update --name only --endpoint-name risk --set instance_count=1 {scope}"],
    ]


def test_what_a_plan_shows_is_done_and_a_second_plan_has_nothing_to_do(
    stands: Endpoints, scoring_service: str, configure: Callable[..., None], endpoint: Callable[..., Any]
) -> None:
    configure(WANTED, scoring_service)
    planned = endpoint("plan")
    assert changes(planned.document) == [
        ("compute cpu", "SetCluster"),
        ("compute spot", "SetCluster"),
        ("batch nightly/default", "MoveBatch"),
        ("online win/blue", "KeepSpec"),
        ("online win", "SetTraffic"),
        ("online win/blue", "DeleteAutoscale"),
        ("online win/blue", "DeleteDeployment"),
        ("online win/green", "SetAutoscale"),
        ("online risk/only", "SetInstances"),
    ]
    move = planned.document["steps"][2]
    assert move["before"] == "runs on cpu (dedicated STANDARD_DS3_V2, 0.5 EUR an hour for a node)"
    assert move["after"] == "runs on spot (low_priority Standard_DS3_v2, 0.1 EUR an hour for a node)"
    done = endpoint("apply", "--yes")
    assert (done.code, done.document.get("done")) == (0, 9), done.err
    again = endpoint("plan").document
    assert (again["changes"], again["blocked"]) == (0, [])
    assert endpoint("apply", "--yes").document["done"] == 0

    assert BLUE not in stands.documents
    assert stands.documents["/onlineEndpoints/win"]["properties"]["traffic"] == {"green": 100}
    assert stands.documents["/onlineEndpoints/risk/deployments/only"]["sku"]["capacity"] == 1
    spot = stands.documents["/computes/spot"]["properties"]["properties"]
    assert (spot["vmPriority"], spot["scaleSettings"]["minNodeCount"]) == ("LowPriority", 0)
    cpu = stands.documents["/computes/cpu"]["properties"]["properties"]["scaleSettings"]
    assert cpu == {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    batch = stands.documents["/batchEndpoints/nightly/deployments/default"]["properties"]
    assert (batch["compute"].rpartition("/")[2], batch["miniBatchSize"]) == ("spot", 10)
    assert list(stands.autoscale) == ["onnxport-win-green"]
    profiles = stands.autoscale["onnxport-win-green"]["properties"]["profiles"]
    assert [rule["scaleAction"]["direction"] for rule in profiles[0]["rules"]] == ["Increase", "Decrease"]
    assert [profile["capacity"]["maximum"] for profile in profiles] == ["1", "4", "4"]


def test_only_what_is_meant_changes_in_a_document(stands: Endpoints, endpoint: Callable[..., Any]) -> None:
    path = "/onlineEndpoints/risk/deployments/only"
    before = deepcopy(stands.documents[path])
    assert endpoint("apply", "--yes", "--instances", "risk/only=1").code == 0
    before["sku"]["capacity"] = 1
    assert stands.documents[path] == before
    assert before["properties"]["modelMountPath"] == "/var/models"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sdks_own_update_loses_a_field_that_ours_keeps(azure: Any, stands: Endpoints) -> None:
    """Why documents are written as they were read: docs/adr/0008."""
    import warnings

    from azure.identity import EnvironmentCredential

    del azure
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from azure.ai.ml import MLClient
    client = MLClient(EnvironmentCredential(), SUBSCRIPTION, GROUP, WORKSPACE, show_progress=False)
    deployment = client.online_deployments.get("only", "risk")
    deployment.instance_count = 1
    client.online_deployments.begin_create_or_update(deployment).result()
    stored = stands.documents["/onlineEndpoints/risk/deployments/only"]
    assert stored["sku"]["capacity"] == 1
    assert not stored["properties"].get("modelMountPath")


def test_a_removed_deployment_is_made_again_as_it_was(
    stands: Endpoints, scoring_service: str, endpoint: Callable[..., Any], tmp_path: Path
) -> None:
    before = deepcopy(stands.documents["/onlineEndpoints/risk/deployments/only"])
    done = endpoint("apply", "--yes", "--remove-while", f"risk/only={RELEASE}", "--onnx-url", scoring_service)
    assert done.code == 0, done.err
    assert stands.documents["/onlineEndpoints/risk"]["properties"]["traffic"] == {}
    kept = json.loads((tmp_path / "work" / "endpoint-specs" / "risk" / "only.json").read_text())
    assert (kept["traffic"], kept["deployment"]["properties"]["modelMountPath"]) == (100, "/var/models")

    woken = endpoint("apply", "--yes", "--instances", "risk/only=2")
    assert changes(woken.document) == [("online risk/only", "Restore"), ("online risk", "SetTraffic")]
    after = stands.documents["/onlineEndpoints/risk/deployments/only"]
    assert after["properties"] == before["properties"]
    assert (after["sku"]["capacity"], after["tags"]) == (2, before["tags"])
    assert stands.documents["/onlineEndpoints/risk"]["properties"]["traffic"] == {"only": 100}
    assert endpoint("plan", "--instances", "risk/only=2").document["changes"] == 0


def test_two_deployments_of_an_endpoint_may_go_and_none_gets_the_traffic_of_the_other(
    stands: Endpoints, scoring_service: str, endpoint: Callable[..., Any]
) -> None:
    flags = [part for name in ("blue", "green") for part in ("--remove-while", f"win/{name}={RELEASE}")]
    done = endpoint("apply", "--yes", "--onnx-url", scoring_service, *flags)
    assert done.code == 0, done.err
    assert [step["after"] for step in done.document["steps"] if step["change"] == "SetTraffic"] == [
        'traffic {"green": 100}',
        "traffic {}",
    ]
    assert not {BLUE, GREEN} & set(stands.documents)


def test_a_deployment_is_kept_where_onnx_does_not_serve_or_somebody_asks_it(
    stands: Endpoints, scoring_service: str, answering: Callable[..., str], endpoint: Callable[..., Any]
) -> None:
    def note(*rest: str, release: str = RELEASE) -> str:
        done = endpoint("plan", "--remove-while", f"risk/only={release}", *rest)
        assert (done.code, done.document["changes"]) == (0, 0), done.err
        return str(done.document["notes"][0])

    assert "nobody says where the scoring service is" in note()
    assert "does not answer" in note("--onnx-url", f"http://127.0.0.1:{free_port()}")
    assert "is not ready (503)" in note("--onnx-url", answering(503, b"{}"))
    assert "does not answer" in note("--onnx-url", answering(200, b"<html>"))
    assert "does not serve quote" in note("--onnx-url", answering(200, b'{"ready": true}'))
    assert "serves quote@production, not quote@staging" in note(
        "--onnx-url", scoring_service, release="quote@staging"
    )
    assert "does not serve other" in note("--onnx-url", scoring_service, release="other@production")
    stands.requests["only"] = 2.0
    assert "it answered about 120 requests in the last 24 hours" in note("--onnx-url", scoring_service)


def test_apply_stops_at_the_first_failure_says_what_was_done_and_goes_on_next_time(
    stands: Endpoints, scoring_service: str, configure: Callable[..., None], endpoint: Callable[..., Any]
) -> None:
    configure(WANTED, scoring_service)
    stands.fails.add(BLUE)
    done = endpoint("apply", "--yes")
    message = done.document["error"]["message"]
    assert (done.code, done.document["error"]["code"]) == (6, "unreachable")
    assert "step 7 of 9 (online win/blue: removed; ONNX answers) failed" in message
    assert "OutOfQuota" in message
    done_before, _, not_done = message.partition("Not done: ")
    assert "compute cpu" in done_before
    assert "risk/only" in not_done
    assert BLUE in stands.documents
    assert stands.documents["/onlineEndpoints/risk/deployments/only"]["sku"]["capacity"] == 3

    stands.fails.clear()
    left = endpoint("plan").document
    assert changes(left) == [
        ("online win/blue", "DeleteDeployment"),
        ("online win/green", "SetAutoscale"),
        ("online risk/only", "SetInstances"),
    ]
    assert endpoint("apply", "--yes").document["done"] == 3
    assert endpoint("plan").document["changes"] == 0


@pytest.mark.parametrize(("said", "code", "nodes"), [("n", 2, 2), ("y", 0, 0)])
def test_at_a_terminal_it_asks_and_does_what_is_answered(
    stands: Endpoints, tmp_path: Path, said: str, code: int, nodes: int
) -> None:
    terminal, stdin = os.openpty()
    command = [sys.executable, "-m", "onnxport.cli.main", "endpoint", "apply", *WHERE, "--scale-to-zero", "cpu"]
    os.write(terminal, f"{said}\n".encode())
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False, cwd=tmp_path)
    os.close(terminal)
    os.close(stdin)
    assert done.returncode == code, done.stderr
    assert "Make these 1 changes?" in done.stderr
    assert "+ 0..4 nodes, idle 120 s" in done.stderr
    scale = stands.documents["/computes/cpu"]["properties"]["properties"]["scaleSettings"]
    assert scale["minNodeCount"] == nodes
