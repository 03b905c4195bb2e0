"""The Azure ML endpoint that serves the source model: when ONNX cannot answer, and to compare with."""
