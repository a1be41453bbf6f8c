# SPDX-License-Identifier: Apache-2.0
"""A real Envoy with a backend in this process; it writes a flat JSON access log, with any separator."""
import http.server
import json
import random
import sys
import threading
import time
import urllib.request
from pathlib import Path

from .install import ensure
from .jwt import Signer
from .process import Process, free_ports

HERE = Path(__file__).resolve().parent
SCHEMA = "/mediawiki/api/request/1.0.0"

# The path of each field in the schema's words, joined by the separator in the log.
FIELDS = {
    ("$schema",): SCHEMA,
    ("meta", "stream"): "mediawiki.api-request",
    ("meta", "id"): "%REQ(X-REQUEST-ID)%",
    ("meta", "request_id"): "%REQ(X-REQUEST-ID)%",
    ("meta", "dt"): "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    ("meta", "domain"): "%REQ(:AUTHORITY)%",
    ("dt",): "%START_TIME%",
    ("http", "protocol"): "%PROTOCOL%",
    ("http", "method"): "%REQ(:METHOD)%",
    ("http", "status_code"): "%RESPONSE_CODE%",
    ("http", "client_ip"): "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    ("http", "request_headers", "user-agent"): "%REQ(USER-AGENT)%",
    ("http", "request_headers", "referer"): "%REQ(REFERER)%",
    ("http", "request_headers", "authorization"): "%REQ(AUTHORIZATION)%",
    ("http", "response_headers", "content-type"): "%RESP(CONTENT-TYPE)%",
    ("http", "path"): "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    ("http", "request_bytes"): "%BYTES_RECEIVED%",
    ("http", "response_bytes"): "%BYTES_SENT%",
    ("backend_time_ms",): "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    ("duration_ms",): "%DURATION%",
    ("response_flags",): "%RESPONSE_FLAGS%",
    ("upstream_host",): "%UPSTREAM_HOST%",
}


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        if path.startswith("/reset"):
            self.close_connection = True
            return
        if path.startswith("/slow"):
            time.sleep(0.05)
        if path.startswith("/hang"):
            time.sleep(1)
        status = int(path.split("/")[2]) if path.startswith("/status/") else 200
        body = b"" if status in (204, 304) or self.command == "HEAD" else b"x" * random.randint(0, 900)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_PURGE = answer

    def log_message(self, *_):
        pass


class BackendServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Clients that go away are part of the traffic."""


def binary() -> Path:
    return next((ensure("envoy") / "venv").glob("lib/python*/site-packages/envoy/_bin/envoy"))


def file_log(separator: str, omit_empty: bool) -> list:
    """The access_log of FIELDS; its path is filled in where it is used."""
    fields = {separator.join(path): operator for path, operator in FIELDS.items()}
    kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return [{"name": "envoy.access_loggers.file",
             "typed_config": {"@type": kind,
                              "log_format": {"omit_empty_values": omit_empty, "json_format": fields}}}]


class Envoy:
    """`access_log`: an access_log of one file logger instead of FIELDS."""

    def __init__(self, folder: Path, separator: str = "_", omit_empty: bool = False, log: Path | None = None,
                 access_log: list | None = None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = log or folder / "access.log"
        self.signer = Signer(folder)
        self.port, self.admin, self.dead = free_ports(3)
        self.backend = BackendServer(("127.0.0.1", 0), Backend)
        self.process = None
        access_log = access_log or file_log(separator, omit_empty)
        access_log[0]["typed_config"]["path"] = str(self.log)
        values = {"ADMIN": self.admin, "PORT": self.port, "JWKS": self.signer.jwks, "DEAD": self.dead,
                  "BACKEND": self.backend.server_port, "ACCESS_LOG": json.dumps(access_log)}
        text = (HERE / "envoy.yaml.in").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (folder / "envoy.yaml").write_text(text)

    def start(self) -> "Envoy":
        threading.Thread(target=self.backend.serve_forever, daemon=True).start()
        self.process = Process("envoy", [binary(), "-c", self.folder / "envoy.yaml", "--concurrency", "1",
                                         "--file-flush-interval-msec", "100", "-l", "warning",
                                         "--disable-hot-restart"], self.folder / "envoy.log")
        self.process.wait_ready(self.ready, 30)
        return self

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/ready", timeout=1) as answer:
                return answer.read().strip() == b"LIVE"
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.stop(5)
        self.backend.shutdown()
        self.backend.server_close()

    def rotate(self) -> Path:
        """Rename, then ask Envoy to reopen, as logrotate does."""
        number = len(list(self.log.parent.glob(self.log.name + ".*"))) + 1
        renamed = self.log.with_name(f"{self.log.name}.{number}")
        self.log.rename(renamed)
        url = f"http://127.0.0.1:{self.admin}/reopen_logs"
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5).read()
        return renamed

    def lines(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in self.log.parent.glob(self.log.name + "*"))


def main():
    import tempfile
    from .envoy_traffic import Traffic
    envoy = Envoy(Path(tempfile.mkdtemp()), *sys.argv[1:2]).start()
    print(f"ingress: 127.0.0.1:{envoy.port}\naccess log: {envoy.log}", flush=True)
    try:
        while True:
            Traffic(envoy, int(time.time())).send(20)
            time.sleep(1)
    except KeyboardInterrupt:
        envoy.stop()


if __name__ == "__main__":
    main()
