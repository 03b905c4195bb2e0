"""HTTP/1.1 as it arrives and leaves: connections, requests in order, limits."""

from .exchange import JSON, TEXT, Exchange, problem_body
from .listener import Listener, Turn

__all__ = ["JSON", "TEXT", "Exchange", "Listener", "Turn", "problem_body"]
