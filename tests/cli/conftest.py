"""The command line in this process, as the pipelines' tests run it."""

from tests.pipelines.conftest import Answer, onnxport

__all__ = ["Answer", "onnxport"]
