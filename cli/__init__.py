"""How is onnxport called from a terminal, a CI step or a pipeline component?"""

__all__: list[str] = []
