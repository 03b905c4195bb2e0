"""The command line in this process, as the pipelines' tests run it."""

from tests.support.command_line import Answer, onnxport

__all__ = ["Answer", "onnxport"]
