"""Which path is answered by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dialects import Dialect
    from .models import Model
    from .wire import Exchange

    Handler = Callable[[Exchange], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path.

    Attributes:
        handlers: By method.
        model: The model that it is about, for rights.
        dialect: How refusals are told.
        public: Whether it is answered without key and token.
    """

    handlers: dict[bytes, Handler]
    model: Model | None = None
    dialect: Dialect | None = None
    public: bool = False

    @property
    def allowed(self) -> bytes:
        """The methods, as the `allow` header lists them."""
        return b", ".join(self.handlers)


@dataclass(slots=True)
class Routes:
    """All paths."""

    by_path: dict[bytes, Route] = field(default_factory=dict)

    def get(
        self,
        path: str,
        handler: Handler,
        model: Model | None = None,
        dialect: Dialect | None = None,
        *,
        public: bool = False,
    ) -> None:
        """`path` answers GET and HEAD."""
        handlers = {b"GET": handler, b"HEAD": handler}
        self.by_path[path.encode()] = Route(handlers=handlers, model=model, dialect=dialect, public=public)

    def post(self, path: str, handler: Handler, model: Model, dialect: Dialect) -> None:
        """`path` answers POST in a dialect."""
        self.by_path[path.encode()] = Route(handlers={b"POST": handler}, model=model, dialect=dialect)
