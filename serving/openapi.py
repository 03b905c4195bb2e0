"""The service's OpenAPI document, with the columns of the models that it has loaded."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from .dialects.open_inference import DATATYPES

if TYPE_CHECKING:
    from onnxport.artifacts import InputColumn, Signature

_JSON: Final = "application/json"
_TYPES: Final = {
    "float32": "number",
    "float64": "number",
    "int64": "integer",
    "bool": "boolean",
    "string": "string",
}
_REFUSALS: Final = {
    400: "The body is no JSON, or the request is broken.",
    401: "No key or token was sent, or an unknown one.",
    403: "The caller may not use this model.",
    404: "There is no such path.",
    408: "The request did not arrive in time.",
    413: "The body has too many bytes, or too many rows.",
    415: "The content type is not taken.",
    422: "A column is unknown, missing or twice there, or a value does not fit; `path` says where.",
    429: "Too many requests.",
    431: "The headers are too large.",
    500: "Unexpected failure.",
    503: "No release is loaded.",
}


def document(signatures: dict[str, Signature | None], *, secured: bool) -> dict[str, Any]:
    """The document; a model without a loaded release takes any object."""
    paths: dict[str, Any] = {
        "/health/live": _get("The process answers.", {"type": "object"}),
        "/health/ready": _get("Every model has a release that answers.", {"type": "object"}, 503),
        "/openapi.json": _get("This document.", {"type": "object"}),
        "/v2": _get("The server, by the Open Inference Protocol.", {"type": "object"}),
        "/v2/health/live": _get("The process answers.", {"type": "object"}),
        "/v2/health/ready": _get("Every model has a release that answers.", {"type": "object"}, 503),
        "/ping": _get("As MLflow's scoring server.", {"type": "object"}, 503),
        "/health": _get("As MLflow's scoring server.", {"type": "object"}, 503),
        "/version": {"get": {"summary": "Of onnxport.", "responses": {"200": _text("The version.")}}},
        "/": {
            "get": {
                "summary": "As Azure ML's server.",
                "responses": {"200": _text("Healthy."), "503": _text("A model has no release.")},
            }
        },
        "/metrics": {"get": {"summary": "Prometheus metrics.", "responses": {"200": _text("Metrics.")}}},
    }
    if secured:
        paths["/metrics"]["get"]["responses"]["401"] = _refusal(401, _PROBLEM)
    for name, signature in signatures.items():
        paths |= _model_paths(name, signature, alone=len(signatures) == 1)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "onnxport",
            "version": version("onnxport"),
            "description": "Scoring of proven releases.",
        },
        "paths": paths,
    }
    if secured:
        found["components"] = {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "token": {"type": "http", "scheme": "bearer"},
            }
        }
        found["security"] = [{"key": []}, {"token": []}]
    return found


_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "path"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "path": {"type": "string"},
                "details": {"type": "object"},
            },
        }
    },
}
_MESSAGE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}
_MLFLOW_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
}
_V2_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


def _model_paths(name: str, signature: Signature | None, *, alone: bool) -> dict[str, Any]:
    """The paths of a model; one that is alone answers at those of servers that have one model, too."""
    record = _record(signature)
    rows = {"type": "array", "items": record}
    split = {
        "type": "object",
        "required": ["data"],
        "additionalProperties": False,
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "index": {"type": "array"},
            "data": {"type": "array", "items": {"type": "array"}},
        },
    }
    answer = {"type": "object", "required": ["model", "version", "digest", "served_by"]}
    score = _post(
        "As an Azure ML online endpoint.",
        {"oneOf": [_object("input_data", split), _object("input", rows), _object("data", rows)]},
        {"type": ["array", "object"]},
        _MESSAGE,
    )
    invocations = _post(
        "As MLflow's scoring server.",
        {
            "oneOf": [
                _object("dataframe_split", split),
                _object("dataframe_records", rows),
                _object("instances", rows),
                _object("inputs", rows),
            ]
        },
        {"type": "object", "required": ["predictions"]},
        _MLFLOW_ERROR,
    )
    return {
        f"/api/v1/predict/{name}": _post("One prediction.", _object("record", record), answer, _PROBLEM),
        f"/api/v1/predict/batch/{name}": _post("Predictions.", _object("records", rows), answer, _PROBLEM),
        f"/score/{name}": score,
        f"/invocations/{name}": invocations,
        f"/endpoints/{name}/invocations": invocations,
        **({"/score": score, "/invocations": invocations} if alone else {}),
        f"/v2/models/{name}/infer": _post(
            "As an Open Inference Protocol server.", _infer(signature), {"type": "object"}, _V2_ERROR
        ),
        f"/v2/models/{name}": _get("The model's tensors.", {"type": "object"}, 401, 403, 503),
        f"/v2/models/{name}/ready": _get("Whether a release answers.", {"type": "object"}, 401, 403, 503),
    }


def _record(signature: Signature | None) -> dict[str, Any]:
    if signature is None:
        return {"type": "object"}
    return {
        "type": "object",
        "required": list(signature.columns),
        "additionalProperties": False,
        "properties": {column.name: _value(column) for column in signature.inputs},
    }


def _value(column: InputColumn) -> dict[str, Any]:
    kinds = [_TYPES[column.dtype]]
    if column.dtype in {"float32", "float64"}:
        kinds.append("boolean")
    if column.missing.allowed and column.missing.encoding is not None:
        kinds.append("null")
    return {"type": kinds if len(kinds) > 1 else kinds[0]}


def _infer(signature: Signature | None) -> dict[str, Any]:
    known = sorted({DATATYPES[column.dtype] for column in signature.inputs}) if signature is not None else None
    datatype: dict[str, Any] = {"type": "string"} | ({"enum": known} if known else {})
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": datatype,
            "data": {"type": "array"},
        },
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "minItems": 1, "items": tensor}},
    }


def _object(member: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [member], "additionalProperties": False, "properties": {member: schema}}


def _get(summary: str, schema: dict[str, Any], *refusals: int) -> dict[str, Any]:
    responses = {"200": _body("The answer.", schema)}
    for status in refusals:
        responses[str(status)] = _refusal(status, {"type": "object"})
    return {"get": {"summary": summary, "responses": responses}}


def _post(
    summary: str, request: dict[str, Any], answer: dict[str, Any], problem: dict[str, Any]
) -> dict[str, Any]:
    responses = {"200": _body("The answer.", answer)}
    for status in _REFUSALS:
        responses[str(status)] = _refusal(status, problem)
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {_JSON: {"schema": request}}},
            "responses": responses,
        }
    }


def _body(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _refusal(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    found = _body(_REFUSALS[status], schema)
    if status == 415:  # ruff: ignore[PLR2004] - MLflow's server says it in plain text
        found["content"]["text/plain"] = {"schema": {"type": "string"}}
    return found


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}
