# SPDX-License-Identifier: Apache-2.0
"""What a scenario is handed: a folder, chance by seed, the services that all of them share, and how long things last."""
import random
import re
import shutil
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sinks
from memory import Watched
from oracle import Kill, Row, check_log, judge, settle
from proxy import Proxy
from services.kafka import Kafka
from tailgate import Tailgate
from writers import Writer


class Services:
    """One broker for all scenarios that only write to it; it is started when the first needs it. `sanitized`: the program
    takes memory for its sanitizer."""

    def __init__(self, folder: Path, sanitized: bool):
        self.folder, self.sanitized = folder, sanitized
        self._lock = threading.Lock()
        self._kafka: Kafka | None = None

    def kafka(self) -> Kafka:
        with self._lock:
            if self._kafka is None:
                self._kafka = Kafka(self.folder / "kafka").start()
            return self._kafka

    def stop(self):
        if self._kafka:
            self._kafka.stop()


@dataclass
class Length:
    """How long a run is; the quick one is for ./dev test."""
    kills: int = 54          # over the nine cells of the matrix
    outage: float = 30       # seconds that the broker behind the gateway is away
    load: float = 20         # seconds under load while services are killed
    spell: float = 5         # seconds of writing in the other scenarios
    files: int = 500


class Scene:
    """Of one scenario: everything that was started in it ends with it."""

    def __init__(self, name: str, folder: Path, seed: int, length: Length, services: Services):
        self.row = Row(name)
        self.name, self.folder, self.seed, self.length, self.services = name, folder, seed, length, services
        self.chance = random.Random(f"{seed} {name}")
        self.kills: list[Kill] = []
        self._open, self._disks = ExitStack(), ExitStack()
        self._programs: list[Watched] = []
        folder.mkdir(parents=True)

    def __enter__(self) -> "Scene":
        return self

    def __exit__(self, *error):
        for watched in self._programs:
            watched.stop()
        self._open.close()
        for watched in self._programs:
            check_log(self.row, watched.program.log_file)
            self.row.memory = max(self.row.memory, watched.peak)
            if not self.services.sanitized:
                self.row.expect(watched.peak <= watched.allowed,
                                f"{watched.peak / 1e6:.1f} MB were resident, {watched.allowed / 1e6:.1f} MB are allowed")

    def close_later(self, close):
        self._open.callback(close)

    # ---- what scenarios are made of ----

    def sink(self, kind: str, **options):
        if kind == "file":
            made = sinks.FileSink(self.folder, **options)
        elif kind == "eventgate":
            made = sinks.GatewaySink(self.folder, **options)
        elif kind == "kafka":
            made = sinks.KafkaSink(self.services.kafka(), re.sub(r"\W+", "-", f"{self.name}-{self.seed}"), **options)
        else:
            made = sinks.ServerSink(**options)
        self.close_later(made.close)
        return made

    def own_kafka(self, through: bool = False) -> tuple[Kafka, Proxy | None]:
        """A broker that may be stopped and killed; `through`: clients are told to come by a proxy."""
        config, proxy = {}, None
        kafka = Kafka(self.folder / "kafka")
        if through:
            proxy = Proxy(kafka.ports["plain"]).start()
            listeners = kafka.advertise("plain", proxy.port)
            config = {"advertised.listeners": listeners}
            self.close_later(proxy.stop)
        kafka.configure(config)
        self.close_later(lambda: kafka.process and kafka.process.running and kafka.process.kill())
        return kafka.start(), proxy

    def proxy(self, port: int) -> Proxy:
        proxy = Proxy(port).start()
        self.close_later(proxy.stop)
        return proxy

    def program(self, sink, **settings) -> Tailgate:
        program = Tailgate(self.folder / "tailgate", {"out": sink.settings}, **settings)
        self.close_later(program.close)
        self._programs.append(Watched(program))
        return program

    def writer(self, program: Tailgate, rotation: str = "none", **options) -> Writer:
        options.setdefault("seed", self.seed)
        writer = Writer(options.pop("log", program.input), rotation, **options)
        self.close_later(writer.finish)
        return writer

    def tmpfs(self, name: str, megabytes: int) -> Path:
        folder = self.folder / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], check=True)
        self._disks.callback(lambda: subprocess.run(["umount", "-l", folder], check=True))
        return folder

    # ---- the end of most ----

    def finish(self, program: Tailgate, sink, written: dict[int, int], timeout: float = 60, excused=0,
               taken_away: set = frozenset(), **durable: int) -> Row:
        settle(self.row, program, sum(written.values()), timeout, **durable)
        arrivals, torn = sink.arrivals()
        judge(self.row, written, arrivals, torn, self.kills, excused() if callable(excused) else excused, taken_away)
        return self.row

    def keep_or_remove(self, keep: Path):
        """The folder of a scenario that failed is kept to look at."""
        if self.row.bad:
            kept = keep / self.folder.name
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.folder, kept, symlinks=True, ignore=lambda folder, names: [
                name for name in names if name == "ballast" or Path(folder).name == "kafka" and name == "data"])
            (kept / "why").write_text("\n".join([self.name, self.row.ledger, *self.row.problems]) + "\n")
            self.row.problems.append(f"kept: {kept}")
        self._disks.close()
        shutil.rmtree(self.folder, ignore_errors=True)
