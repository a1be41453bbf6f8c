# SPDX-License-Identifier: Apache-2.0
"""The program under test: its settings in a folder of their own, its log, its admin port, its closing ledger."""
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from services.process import Process, free_port, tail, wait_until

REPO = Path(__file__).resolve().parents[2]
DATA = REPO / "tests" / "data"

# The shortest times a real deployment would not choose, so that a test sees a recovery soon.
RETRY = {"initial": "100ms", "max": "1s", "event_attempts": 20}


def binary() -> Path:
    chosen = os.environ.get("TAILGATE_BIN") or os.environ.get("TAILGATE")
    path = Path(chosen or REPO / "build" / "dev" / "tailgate")
    assert path.exists(), f"{path} is not there: build it (cmake --preset dev && cmake --build --preset dev)"
    return path


class Tailgate:
    """Settings are a dict; JSON is YAML, so nothing is lost by writing it as JSON."""

    def __init__(self, folder: Path, sinks: dict, filters: list | None = None, source: dict | None = None,
                 **settings):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "tailgate.log"
        self.input = folder / "logs" / "access.log"
        self.input.parent.mkdir(exist_ok=True)
        self.admin = free_port()
        if (source or {}).get("type") != "stdin":
            source = {"type": "file", "paths": [f"{self.input}*"], **(source or {})}
        self.settings = {
            "version": 1, "data_dir": str(folder / "data"),
            "shutdown": {"grace": "10s", "quiet": "1s"},
            "admin": {"listen": f"127.0.0.1:{self.admin}"},
            "sources": {"access_log": source},
            "filters": filters or [], "sinks": sinks, **settings}
        self.data_dir = Path(self.settings["data_dir"])
        self.env: dict = {}  # of the process, on top of ours
        self.stdin = subprocess.DEVNULL
        self.process = None
        self.exit_code = None

    # ---- running ----

    def write_settings(self) -> Path:
        path = self.folder / "tailgate.yaml"
        path.write_text(json.dumps(self.settings, indent=1))
        return path

    def start(self, ready: bool = True) -> "Tailgate":
        argv = [binary(), "run", "-c", self.write_settings()]
        self.process = Process("tailgate", argv, self.log_file, cwd=self.folder, env=self.env, stdin=self.stdin)
        if ready:
            self.process.wait_ready(lambda: self.admin_status("/readyz") == 200, 10)
        return self

    def once(self, timeout: float = 60) -> int:
        """`run --once`; answers the exit code."""
        argv = [binary(), "run", "-c", self.write_settings(), "--once"]
        self.process = Process("tailgate", argv, self.log_file, cwd=self.folder, env=self.env, stdin=self.stdin)
        try:
            self.exit_code = self.process.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"run --once did not end in {timeout:g} s:\n{self.log()[-3000:]}") from None
        return self.exit_code

    def stop(self, number: int = signal.SIGTERM, timeout: float = 30) -> int:
        """Ends it by a signal; answers the exit code."""
        self.process.signal(number)
        try:
            self.exit_code = self.process.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"not ended {timeout:g} s after signal {number}:\n{tail(self.log_file)}") from None
        return self.exit_code

    def kill(self):
        self.process.kill()

    def close(self):
        if self.process and self.process.running:
            self.process.kill()

    # ---- the input ----

    def append(self, *lines, path: Path | None = None):
        """Lines as text, bytes, or objects."""
        with open(path or self.input, "ab") as out:
            for line in lines:
                data = line if isinstance(line, (bytes, str)) else json.dumps(line)
                out.write((data.encode() if isinstance(data, str) else data) + b"\n")

    def rotate(self, number: int = 1) -> Path:
        renamed = self.input.with_name(f"{self.input.name}.{number}")
        self.input.rename(renamed)
        self.input.touch()
        return renamed

    # ---- what it says ----

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, pattern: str, timeout: float = 10) -> str:
        found = wait_until(lambda: re.search(pattern, self.log()), timeout,
                           f"log holds {pattern!r}; it ends\n{tail(self.log_file)}")
        return found.group(0)

    def admin_get(self, path: str) -> tuple[int, str]:
        """(0, reason) when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def admin_status(self, path: str) -> int:
        return self.admin_get(path)[0]

    def status(self) -> dict:
        return json.loads(self.admin_get("/status")[1])

    def metrics(self) -> dict[str, float]:
        """{'name{labels}': value}, and each name alone with the sum of its series."""
        values: dict[str, float] = {}
        for line in self.admin_get("/metrics")[1].splitlines():
            if line.startswith("#") or not line.strip():
                continue
            series, _, value = line.rpartition(" ")
            values[series] = float(value)
            name = series.split("{")[0]
            if name != series:
                values[name] = values.get(name, 0) + float(value)
        return values

    def metric(self, name: str) -> float:
        return self.metrics().get(name, 0)

    def wait_metric(self, name: str, accept, timeout: float = 20) -> float:
        found = {}

        def good():
            found["value"] = self.metric(name)
            return accept(found["value"])
        wait_until(good, timeout, f"{name} as wanted (the log ends\n{tail(self.log_file, 8)})", every=0.2)
        return found["value"]

    def wait_settled(self, sink: str, count: int, timeout: float = 30):
        """Until `count` events are delivered to or dead-lettered by the sink."""
        def settled():
            state = json.loads(self.admin_get("/status")[1] or "{}").get("sinks", {}).get(sink, {})
            return state.get("delivered", 0) + state.get("dead_lettered", 0) >= count
        wait_until(settled, timeout, f"{count} events settled by {sink}: {self.admin_get('/status')[1]}", every=0.1)

    def ledger(self) -> dict[str, dict[str, int]]:
        """The closing ledger: {"access_log": {"read": 3, …}, "gateway": {"dispatched": 3, …}}."""
        found = {}
        for line in self.log().splitlines():
            if match := re.search(r'(?:^|"message":")([^\s"]+): (read|dispatched) (\d+) = ([^"]*)', line):
                name, total, count, terms = match.groups()
                counts = {word: int(number) for word, number in re.findall(r"([a-z-]+) (\d+)", terms)}
                found[name] = {total: int(count), **counts}
        return found

    def check_ledger(self):
        """Both laws hold, to the last line."""
        ledger = self.ledger()
        assert ledger, f"no closing ledger:\n{tail(self.log_file)}"
        for name, counts in ledger.items():
            total, *terms = counts.values()
            assert total == sum(terms), f"{name}: {counts}"
        return ledger

    def dead_letters(self) -> list[dict]:
        lines = []
        for path in sorted((self.data_dir / "dead").rglob("*.ndjson")):
            assert path.stat().st_mode & 0o777 == 0o600
            lines += [json.loads(line) for line in path.read_text().splitlines()]
        return lines


def pipe(*argv: str, stdin: bytes | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "pipe", *argv], input=stdin, capture_output=True, timeout=timeout)


def eventgate_sink(url: str, **options) -> dict:
    return {"type": "eventgate", "url": url, "batch": {"max_wait": "100ms"}, "retry": RETRY, **options}


def http_sink(url: str, **options) -> dict:
    return {"type": "http", "url": url, "batch": {"max_wait": "50ms", "max_events": 10}, "retry": RETRY,
            "timeout": "2s", **options}


def kafka_sink(kafka, topic: str, listener: str = "plain", mechanism: str = "PLAIN", **options) -> dict:
    access = {k: v for k, v in kafka.client_options(listener, mechanism).items() if listener != "plain"}
    return {"type": "kafka", "brokers": [kafka.address(listener)], "topic": topic, "retry": RETRY,
            "options": {**access, **options.pop("options", {})}, **options}


def request_event(number: int, **members) -> dict:
    """A valid event of the request schema; `number` is in http.request_headers.x-number."""
    event = {"$schema": "/mediawiki/api/request/1.0.0",
             "meta": {"stream": "mediawiki.api-request", "dt": "2026-11-23T00:00:00.000Z"},
             "http": {"method": "GET", "status_code": 200, "request_headers": {"x-number": str(number)}}}
    return {**event, **members}


def numbers(events: list[dict]) -> list[int]:
    return [int(event["http"]["request_headers"]["x-number"]) for event in events]
