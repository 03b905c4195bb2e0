"""What are the use cases, and in which order do the stages meet in them?

Import the use case that you run: `onnxport.pipelines.export`, `.convert`, `.proof`, `.publish`, `.folder`.
"""

__all__: list[str] = []
