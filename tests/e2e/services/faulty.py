# SPDX-License-Identifier: Apache-2.0
"""A scripted HTTP server: what each request meets is written down beforehand, what it brought is kept.

    server = Faulty([status(503), reset_after_body(), ok()]).start()

takes one step per request, in order of arrival, then `default` (ok) for ever. Over TLS with `tls=(cert, key)`,
and a client certificate is demanded with `client_ca`.
"""
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .process import free_port

REASONS = {200: "OK", 201: "Created", 207: "Multi-Status", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
           413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}


@dataclass
class Step:
    kind: str
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0
    limit: int = 0
    match: bytes = b""


def ok(status: int = 200, body: bytes = b"") -> Step:
    return Step("answer", status, body=body)


def status(number: int, body: bytes = b"", **headers: str) -> Step:
    """status(429, retry_after="2"): underscores stand for hyphens."""
    return Step("answer", number, {k.replace("_", "-"): v for k, v in headers.items()}, body)


def redirect(to: str) -> Step:
    return status(302, location=to)


def reset_before_body() -> Step:
    return Step("reset before")


def reset_after_body() -> Step:
    return Step("reset after")


def hang(seconds: float) -> Step:
    """No answer; closed after `seconds`."""
    return Step("hang", seconds=seconds)


def slow(seconds: float, number: int = 200) -> Step:
    """A good answer that takes `seconds` from its first byte to its last."""
    return Step("slow", number, body=b"x" * 20, seconds=seconds)


def half_close(number: int = 200) -> Step:
    """The head and half of the promised body, then the end."""
    return Step("half", number, body=b"x" * 20)


def too_large(limit: int, number: int = 413) -> Step:
    """As a default: bodies over `limit` bytes are refused, others taken."""
    return Step("limit", number, limit=limit)


def poison(match: bytes, number: int = 400) -> Step:
    """As a default: bodies that hold `match` are refused, others taken."""
    return Step("poison", number, match=match)


@dataclass
class Request:
    time: float
    connection: int
    method: str
    path: str
    headers: dict
    body: bytes
    step: str
    taken: bool  # the server counts the body as stored, whatever the client saw

    @property
    def plain(self) -> bytes:
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    def events(self) -> list:
        """The events of a body that is an array, an object, or NDJSON."""
        text = self.plain.decode()
        try:
            value = json.loads(text)
            return value if isinstance(value, list) else [value]
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines() if line]


class Faulty:
    def __init__(self, script: list[Step] = (), default: Step | None = None, port: int = 0,
                 tls: tuple[Path, Path] | None = None, client_ca: Path | None = None, token: str | None = None):
        self.script = list(script)
        self.default = default or ok()
        self.token = token
        self.requests: list[Request] = []
        self.connections = 0
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            if client_ca:
                self.tls.verify_mode = ssl.CERT_REQUIRED
                self.tls.load_verify_locations(client_ca)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.port = port or free_port()  # the same one after stop() and start()
        self._listener = None

    def start(self) -> "Faulty":
        self._stopped.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def stop(self):
        """Closes the port; start() opens the same one again."""
        self._stopped.set()
        # A thread blocked in accept() keeps a closed socket listening; shutdown wakes it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/events"

    def taken(self) -> list:
        """Every event the server stored, in order of arrival."""
        return [event for request in list(self.requests) if request.taken for event in request.events()]

    def wait_requests(self, count: int, timeout: float = 20):
        deadline = time.monotonic() + timeout
        while len(self.requests) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.requests)} of {count} requests after {timeout:g} s")
            time.sleep(0.05)

    def wait_taken(self, count: int, timeout: float = 30) -> list:
        deadline = time.monotonic() + timeout
        while len(self.taken()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.taken())} of {count} events taken after {timeout:g} s; "
                                     f"steps: {[r.step for r in self.requests][-20:]}")
            time.sleep(0.05)
        return self.taken()

    def _accept(self, listener: socket.socket):
        while not self._stopped.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int):
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                self._shake_hands(client)
            reader = client.makefile("rb")
            while not self._stopped.is_set() and self._one(client, reader, number):
                pass
        except (OSError, ValueError):
            pass
        finally:
            client.close()

    @staticmethod
    def _shake_hands(client: ssl.SSLSocket):
        """A client that is refused reads why: closing over what it has sent already would reset the alert away."""
        try:
            client.do_handshake()
        except OSError:
            client.shutdown(socket.SHUT_WR)
            client.settimeout(5)
            while client.recv(4096):
                pass
            raise

    def _next_step(self) -> Step:
        with self._lock:
            return self.script.pop(0) if self.script else self.default

    def _one(self, client: socket.socket, reader, number: int) -> bool:
        """One request; answers whether the connection goes on."""
        first = reader.readline().split()
        if len(first) < 3:
            return False
        headers = {}
        while (line := reader.readline().strip()):
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        step = self._next_step()
        if headers.get("expect", "").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"" if step.kind == "reset before" else read_body(reader, headers)
        step = self._settle(step, headers, body)
        taken = step.kind in ("answer", "slow", "half") and 200 <= step.status < 300 and step.status != 207
        taken = taken or step.kind == "reset after"
        request = Request(time.monotonic(), number, first[0].decode(), first[1].decode(), headers, body,
                          f"{step.kind} {step.status}", taken)
        with self._lock:
            self.requests.append(request)
        return self._answer(client, step)

    def _settle(self, step: Step, headers: dict, body: bytes) -> Step:
        """Rules become answers once the request is known."""
        if self.token and headers.get("authorization") != self.token:
            return status(401)
        if step.kind == "limit":
            return status(step.status) if len(body) > step.limit else ok()
        if step.kind == "poison":
            plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            return status(step.status) if step.match in plain else ok()
        return step

    def _answer(self, client: socket.socket, step: Step) -> bool:
        if step.kind.startswith("reset"):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if step.kind == "hang":
            self._stopped.wait(step.seconds)
            return False
        head = f"HTTP/1.1 {step.status} {REASONS.get(step.status, 'Status')}\r\ncontent-length: {len(step.body)}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in step.headers.items()) + "\r\n"
        if step.kind == "half":
            client.sendall(head.encode() + step.body[:len(step.body) // 2])
            return False
        if step.kind == "slow":
            client.sendall(head.encode())
            for byte in step.body:
                time.sleep(step.seconds / len(step.body))
                client.sendall(bytes([byte]))
            return True
        client.sendall(head.encode() + step.body)
        return True


def read_body(reader, headers: dict) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return reader.read(int(headers.get("content-length", 0)))
    body = b""
    while (size := int(reader.readline().split(b";")[0], 16)):
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body
