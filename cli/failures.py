"""Exit codes and the form of errors: the one table that scripts may rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxportError

EXIT_CODES: dict[str, tuple[int, str]] = {
    "done": (0, "done"),
    "unexpected": (1, "unexpected"),
    "usage": (2, "usage or configuration"),
    "parity-failed": (3, "parity failed"),
    "unsupported-model": (4, "model not supported"),
    "untrusted-model": (5, "untrusted model refused"),
    "unreachable": (6, "storage or registry cannot be reached"),
    "integrity": (7, "integrity check failed"),
    "lost-race": (8, "lost a race: somebody else moved the alias or took the version"),
    "over-budget": (9, "a budget was exceeded"),
    "slo-breached": (10, "slo check: the objective is breached"),
}


# Which extra brings a library: the first parts of its modules' names.
_EXTRAS = {
    "export": (
        "jinja2",
        "joblib",
        "matplotlib",
        "mlflow",
        "onnx",
        "pandas",
        "pyarrow",
        "sklearn",
        "skops",
        "xgboost",
    ),
    "batch": ("dask", "distributed"),
    "azureml": ("azure.ai", "azure.identity", "azure.mgmt"),
    "catboost": ("catboost",),
    "lightgbm": ("lightgbm",),
    "serve": ("httptools", "jwt", "orjson", "redis", "uvloop"),
    "sign": ("model_signing", "OpenSSL"),
}


def extra_of(module: str) -> str | None:
    """The extra of onnxport that brings `module`, or `None` when none does."""
    for extra, names in _EXTRAS.items():
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return extra
    return None


def exit_code(error: OnnxportError) -> int:
    """The exit code of `error`; that of an unexpected error where a seam let out one of its own."""
    return EXIT_CODES.get(error.code, EXIT_CODES["unexpected"])[0]


def error_document(error: OnnxportError) -> dict[str, Any]:
    """`error` as `--json` prints it."""
    return {
        "error": {
            "code": error.code,
            "exit_code": exit_code(error),
            "message": error.message,
            "hint": error.hint,
        },
    }


def epilog() -> str:
    """What `onnxport --help` ends with: the exit codes, and how options are given otherwise."""
    lines = [f"  {number:>2}  {meaning}" for number, meaning in EXIT_CODES.values()]
    table = "\b\n" + "\n".join(["Exit codes:", *lines])  # \b: keep the lines as they are
    return (
        f"{table}\n\nEvery option can be given as ONNXPORT_COMMAND_OPTION too, such as ONNXPORT_EXPORT_RUNTIME, "
        "and in onnxport.yaml. A flag beats the environment, the environment beats the file."
    )
