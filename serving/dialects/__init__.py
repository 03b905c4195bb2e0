"""The bodies that callers of other servers send, and the answers that they expect."""

from .azureml import AzureMl
from .dialect import Dialect, Replier, Reply, Request
from .mlflow import Mlflow
from .open_inference import OpenInference
from .product import Product

__all__ = ["AzureMl", "Dialect", "Mlflow", "OpenInference", "Product", "Replier", "Reply", "Request"]
