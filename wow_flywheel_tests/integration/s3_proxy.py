"""A proxy that stands between a client and an S3 server and breaks what it is told to, over real sockets.

What belongs here: the proxy, run as a process of its own, and the handle by which a test tells it what to break. What does not:
the S3 server behind it (moto).
"""

import http.client
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTROL = "/__proxy__"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    Attributes:
        kind: `status` answers with an error; `reset` breaks the connection after some bytes of the body; `short` ends the
            answer there as if it were whole, with no checksum; `stall` says nothing more from there on; `slow` takes a pause
            after every such piece; `lose` answers as asked, but by then an object is deleted.
        match: Regular expression that is looked for in "METHOD /path?query".
        times: How many requests it meets; then they pass.
        after: Bytes of the body.
        seconds: Of a pause.
        status: Of an error.
        code: S3's word for the error.
        lost: Path of the object that goes.
    """

    kind: str
    match: str
    times: int = 1_000_000
    after: int = 0
    seconds: float = 0.0
    status: int = 503
    code: str = "SlowDown"
    lost: str = ""


class Proxy:
    """A running proxy.

    Args:
        upstream: Port of the S3 server on the loopback interface.
        port: A free one to listen on.
    """

    def __init__(self, upstream: int, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", __name__, str(port), str(upstream)]
        self.process = subprocess.Popen(command)

    def set(self, *faults: Fault) -> None:
        """Break these from now on, and forget the requests that were seen."""
        data = json.dumps([asdict(fault) for fault in faults]).encode()
        self._ask("PUT", data)

    def seen(self, match: str) -> int:
        """How many requests like this came since the faults were set."""
        return sum(bool(re.search(match, line)) for line in json.loads(self._ask("GET", b"")))

    def _ask(self, method: str, data: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, CONTROL, data)
        said = connection.getresponse().read()
        connection.close()
        return said

    def stop(self) -> None:
        """End the process."""
        self.process.kill()  # a shell may have it ignore gentler signals
        self.process.wait()


class _State:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.faults: list[dict[str, Any]] = []
        self.log: list[str] = []

    def next_fault(self, line: str) -> Mapping[str, Any] | None:
        with self.lock:
            self.log.append(line)
            for fault in self.faults:
                if fault["times"] > 0 and re.search(fault["match"], line):
                    fault["times"] -= 1
                    return dict(fault)
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: _State
    upstream: int

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self.control(body)
            return
        fault = self.state.next_fault(f"{self.command} {self.path}")
        if fault and fault["kind"] == "status":
            said = f"<Error><Code>{fault['code']}</Code><Message>{fault['code']} by the proxy</Message></Error>"
            self.answer(fault["status"], {"Content-Type": "application/xml"}, said.encode(), None)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "expect"}}
        connection.request(self.command, self.path, body or None, headers)
        reply = connection.getresponse()
        kept = {k: v for k, v in reply.getheaders() if k.lower() not in {"transfer-encoding", "connection", "date", "server"}}
        said = reply.read()
        if fault and fault["kind"] == "lose":
            connection.request("DELETE", fault["lost"], headers={"Authorization": headers["Authorization"]})
            connection.getresponse().read()
        self.answer(reply.status, kept, said, fault)
        connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815  # http.server looks for these names

    def control(self, body: bytes) -> None:
        with self.state.lock:
            if self.command == "PUT":
                self.state.faults, self.state.log = json.loads(body), []
            log = json.dumps(self.state.log).encode()
        self.answer(200, {}, log, None)

    def answer(self, status: int, headers: dict[str, str], body: bytes, fault: Mapping[str, Any] | None) -> None:
        kind = fault["kind"] if fault else ""
        after = fault["after"] if fault else 0
        if kind == "short":
            body = body[:after]
            headers = {name: value for name, value in headers.items() if "checksum" not in name.lower()}
        size = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_response(status)
        for name, value in (
            {k: v for k, v in headers.items() if k.lower() != "content-length"} | {"Content-Length": size}
        ).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind == "slow":
            for start in range(0, len(body), after):
                self.wfile.write(body[start : start + after])
                time.sleep(fault["seconds"] if fault else 0)
            return
        self.wfile.write(body[:after] if kind in {"reset", "stall"} else body)
        self.wfile.flush()
        if kind == "stall":
            time.sleep(fault["seconds"] if fault else 0)
        if kind in {"reset", "stall"}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up on a broken answer is expected."""


def main(port: int, upstream: int) -> None:
    """Serve until the process is ended."""
    _Handler.state, _Handler.upstream = _State(), upstream
    _Server(("127.0.0.1", port), _Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
