"""The least that one can write: httptools, uvloop, orjson, a session.run a request; no checks and no metrics.

`handwritten.py MODEL PORT [WORKERS]`
"""

import asyncio
import os
import socket
import sys
from typing import Any

import httptools
import numpy as np
import onnxruntime
import orjson
import uvloop

sock = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=2048)
for _ in range(int(sys.argv[3]) - 1 if len(sys.argv) > 3 else 0):  # ruff: ignore[PLR2004] - the third argument
    if not os.fork():
        break
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Bare(asyncio.Protocol):
    """Answers whatever path was asked."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has come."""
        self.transport: Any = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """The request is whole."""
        rows = np.array(orjson.loads(self.body)["input_data"]["data"], dtype=np.float32)
        self.body = b""
        (found,) = session.run(["probabilities"], {"features": rows})
        answer = orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY)
        self.transport.write(HEAD % (len(answer), answer))


async def main() -> None:
    """For ever."""
    server = await asyncio.get_running_loop().create_server(Bare, sock=sock)
    await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
