"""An Azure ML endpoint on loopback that serves the source of `quote`, or misbehaves."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving.support import quote


class AzureMl:
    """An endpoint on loopback that serves a source model, or misbehaves as it is told."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.mode = "fine"
        self.off = 0.0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.asked.append(dict(self.headers))
                status, answer = endpoint.answer(body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # ruff: ignore[A002] - the base's name
                del format, args

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                del request, client_address

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/score"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body: Any) -> tuple[int, Any]:
        if self.mode == "slow":
            time.sleep(8)
        if self.mode == "broken":
            return 500, {"message": "An unexpected error occurred in scoring script."}
        if self.mode == "refuses":
            return 400, {"message": "bad input"}
        if self.mode == "garbage":
            return 200, b"<html>"
        split = body["input_data"]
        records = [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
        found = [value + self.off for value in quote().source(records)["prediction"]]
        return 200, {"result": found} if self.mode == "wrapped" else json.dumps(
            found
        ) if self.mode == "text" else found
