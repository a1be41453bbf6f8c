# SPDX-License-Identifier: Apache-2.0
"""Where the lines go, and what came there: a file, the stand-in gateway, a real Kafka, a scripted server."""
import json
import threading
import time
from pathlib import Path

from oracle import Arrival
from services.faulty import Faulty
from services.gateway import Gateway
from services.kafka import Kafka
from services.process import wait_until
from tailgate import RETRY, eventgate_sink, http_sink, kafka_sink


def arrival_of(event: dict, at: float) -> Arrival:
    headers = event["http"]["request_headers"]
    return Arrival(int(headers["x-number"]), at, int(headers["x-path"]))


def arrivals_of(texts: list[tuple[bytes, float]]) -> tuple[list[Arrival], int]:
    """(what came, how much of it was no whole line)"""
    arrivals, torn = [], 0
    for text, at in texts:
        try:
            arrivals.append(arrival_of(json.loads(text), at))
        except (ValueError, KeyError, TypeError):
            torn += 1
    return arrivals, torn


class FileSink:
    """A file; a thread notes when it grew."""

    def __init__(self, folder: Path, **options):
        self.path = folder / "out.jsonl"
        self.settings = {"type": "file", "path": str(self.path), "ordering": "strict", "retry": RETRY,
                         "batch": {"max_wait": "50ms", "max_events": 500}, **options}
        self.sizes: list[tuple[int, float]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._end.wait(0.02):
            size = self.path.stat().st_size if self.path.exists() else 0
            if not self.sizes or self.sizes[-1][0] != size:
                self.sizes.append((size, time.time()))

    def arrivals(self) -> tuple[list[Arrival], int]:
        data = self.path.read_bytes() if self.path.exists() else b""
        texts, begin, mark = [], 0, 0
        while begin < len(data):
            end = data.find(b"\n", begin)
            end = len(data) if end < 0 else end + 1
            while mark + 1 < len(self.sizes) and self.sizes[mark][0] < end:
                mark += 1
            texts.append((data[begin:end], self.sizes[mark][1] if self.sizes else time.time()))
            begin = end
        return arrivals_of(texts)

    def close(self):
        self._end.set()
        self._thread.join()


class GatewaySink:
    """The stand-in gateway, with what it accepted and when."""

    def __init__(self, folder: Path, kafka: Kafka | None = None, timeout: str = "5s", **options):
        self.gateway = Gateway(folder / "gateway", kafka=kafka.address() if kafka else None).start()
        self.settings = eventgate_sink(self.gateway.url, ordering="strict", timeout=timeout, **options)
        self.settings["batch"] = {"max_wait": "50ms", **options.get("batch", {})}

    def arrivals(self) -> tuple[list[Arrival], int]:
        return [arrival_of(entry["event"], entry["time"]) for entry in self.gateway.accepted()], 0

    def close(self):
        self.gateway.stop()


class KafkaSink:
    """A topic of its own with one partition, so that the order can be seen."""

    def __init__(self, kafka: Kafka, topic: str, **options):
        self.kafka, self.topic = kafka, topic
        kafka.create_topic(topic, 1, message_timestamp_type="LogAppendTime")
        self.settings = kafka_sink(kafka, topic, ordering="strict", **options)
        self.settings.pop("ordering")  # a partition keeps the order of first sending

    def arrivals(self) -> tuple[list[Arrival], int]:
        return arrivals_of([(message.value, message.time) for message in self.kafka.consume(self.topic)])

    def close(self):
        pass


class ServerSink:
    """The scripted HTTP server."""

    def __init__(self, script: list, timeout: str = "2s", **options):
        self.server = Faulty(script).start()
        self.settings = http_sink(self.server.url, ordering="strict", timeout=timeout,
                                  batch={"max_wait": "50ms", "max_events": 50}, **options)

    def arrivals(self) -> tuple[list[Arrival], int]:
        offset = time.time() - time.monotonic()
        return [arrival_of(event, request.time + offset) for request in list(self.server.requests) if request.taken
                for event in request.events()], 0

    def cut_off(self) -> int:
        """Events that were taken though the client could not see it."""
        return sum(len(r.events()) for r in self.server.requests
                   if r.taken and not r.step.startswith("answer"))

    def close(self):
        self.server.stop()


def wait_down(program, timeout: float = 30):
    wait_until(lambda: program.admin_status("/delivery") == 503, timeout, "/delivery says that the sink is down")
