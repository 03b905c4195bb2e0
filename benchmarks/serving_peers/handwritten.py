"""The least that one can write: httptools, uvloop, orjson, a session.run a request; no checks and no metrics."""

import asyncio
import sys
from typing import Any

import httptools
import numpy as np
import onnxruntime
import orjson
import uvloop

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
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", int(sys.argv[2]))
    await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
