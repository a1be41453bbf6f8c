# SPDX-License-Identifier: Apache-2.0
"""The stand-in gateway (tests/e2e/gateway) as a process with switches, counters and the list of accepted events."""
import json
import time
import urllib.request
from collections import Counter
from pathlib import Path

from .install import GATEWAY, ensure
from .process import Process, free_port, port_open

SCHEMAS = GATEWAY / "schemas"


class Gateway:
    def __init__(self, folder: Path, body_limit: int = 102400, kafka: str | None = None, schemas: Path = SCHEMAS,
                 port: int | None = None):
        self.folder = folder
        self.accepted_file = folder / "accepted.ndjson"
        self.port = port or free_port()
        self.argv = ["node", GATEWAY / "server.js", "--port", self.port, "--schemas", schemas,
                     "--accepted", self.accepted_file, "--body-limit", body_limit]
        if kafka:
            self.argv += ["--kafka", kafka]
        self.modules = ensure("gateway") / "node_modules"
        self.process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/events"

    def start(self) -> "Gateway":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = Process("gateway", self.argv, self.folder / "gateway.log", env={"NODE_PATH": str(self.modules)})
        self.process.wait_ready(lambda: port_open(self.port), 15)
        return self

    def stop(self):
        if self.process:
            self.process.stop(3)

    def kill(self):
        self.process.kill()

    def _call(self, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data,
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def control(self, **switches) -> dict:
        return self._call("/_control", switches)

    def clear(self):
        self.control(clear=True)

    def stats(self) -> dict:
        return self._call("/_stats")

    def requests(self) -> list[dict]:
        return self._call("/_requests")

    def accepted(self) -> list[dict]:
        """Every accepted event in order: {"request", "id", "event"}."""
        if not self.accepted_file.exists():
            return []
        text = self.accepted_file.read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def events(self) -> list[dict]:
        return [entry["event"] for entry in self.accepted()]

    def ids(self) -> Counter:
        return Counter(entry["id"] for entry in self.accepted())

    def wait_accepted(self, count: int, timeout: float = 30) -> list[dict]:
        deadline = time.monotonic() + timeout
        while len(self.ids()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"gateway accepted {len(self.ids())} of {count} events in {timeout:g} s")
            time.sleep(0.1)
        return self.accepted()


def main():
    import argparse
    import tempfile
    parser = argparse.ArgumentParser(description="run the stand-in gateway until Ctrl-C")
    parser.add_argument("--port", type=int)
    parser.add_argument("--kafka")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    gateway = Gateway(options.folder or Path(tempfile.mkdtemp()), kafka=options.kafka, port=options.port).start()
    print(f"{gateway.url}\naccepted: {gateway.accepted_file}", flush=True)
    try:
        gateway.process.popen.wait()
    except KeyboardInterrupt:
        gateway.stop()


if __name__ == "__main__":
    main()
