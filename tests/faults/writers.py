# SPDX-License-Identifier: Apache-2.0
"""Programs that write logs of numbered lines, and rotate them as logrotate does."""
import json
import os
import random
import shutil
import threading
import time
from pathlib import Path

ROTATIONS = ("none", "rename", "copytruncate")


def line_of(number: int, path: int = 0, pad: int = 120, **members) -> bytes:
    """An event that the request schema of the stand-in gateway accepts."""
    event = {"$schema": "/mediawiki/api/request/1.0.0",
             "meta": {"stream": "mediawiki.api-request", "dt": "2026-11-23T00:00:00.000Z"},
             "http": {"method": "GET", "status_code": 200,
                      "request_headers": {"x-number": str(number), "x-path": str(path), "x-pad": "x" * pad}}}
    event["http"].update(members)
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


class Writer(threading.Thread):
    """Appends lines to one log at a steady pace until told to end, some in two pieces.

    rename: the log is renamed, a few more lines go to the renamed file, then the path is opened anew. copytruncate: the
    log is copied and truncated; in between the writer waits, because what is written then no shipper can save."""

    def __init__(self, log: Path, rotation: str = "none", seed: int = 0, rate: int = 2000, path: int = 0,
                 every: float = 1.0, keep: int | None = None, pad: int = 120, limit: int | None = None, spoil=None):
        super().__init__(daemon=True)
        self.log, self.rotation, self.rate, self.path = log, rotation, rate, path
        self.every, self.keep, self.pad, self.limit = every, keep, pad, limit
        self.spoil = spoil or (lambda number: None)  # number → the line instead of a good one, or None
        self.chance = random.Random(f"{seed} writer {path}")
        self.written = 0
        self.turn = 0
        self.rotated: list[Path] = []
        self.full = 0  # times there was no room
        self._end = threading.Event()

    def finish(self) -> int:
        self._end.set()
        if self.is_alive():
            self.join()
        return self.written

    def run(self):
        started = time.monotonic()
        self.begin()
        while not self._end.is_set() and (self.limit is None or self.written < self.limit):
            self.step(max(1, self.rate // 50))
            ahead = started + self.written / self.rate - time.monotonic()
            if ahead > 0:
                self._end.wait(ahead)
        self.end()

    def begin(self):
        self._out = self._open()
        self._rotate_at = time.monotonic() + self.chance.uniform(0.3, 1) * self.every

    def step(self, lines: int):
        self._write(self._out, lines)
        if self.rotation != "none" and time.monotonic() >= self._rotate_at:
            self._out = self._rotate(self._out)
            self._rotate_at = time.monotonic() + self.chance.uniform(0.5, 1.5) * self.every

    def end(self):
        os.close(self._out)

    def _open(self) -> int:
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _write(self, out: int, count: int):
        numbers = range(self.written, self.written + count)
        data = b"".join(self.spoil(n) or line_of(n, self.path, self.pad) for n in numbers)
        cut = self.chance.randrange(len(data)) if self.chance.random() < 0.3 else len(data)
        self._put(out, data[:cut])
        if cut < len(data):
            time.sleep(self.chance.uniform(0, 0.01))
            self._put(out, data[cut:])
        self.written += count

    def _put(self, out: int, data: bytes):
        """Like a gateway whose disk is full, but it tries again until there is room."""
        while data:
            try:
                data = data[os.write(out, data):]
            except OSError:
                self.full += 1
                time.sleep(0.02)

    def _rotate(self, out: int) -> int:
        self.turn += 1
        rotated = self.log.with_name(f"{self.log.name}.{self.turn}")
        if self.rotation == "copytruncate":
            shutil.copyfile(self.log, rotated)
            os.ftruncate(out, 0)
        else:
            self.log.rename(rotated)
            self._write(out, self.chance.randrange(1, 30))
            os.close(out)
            out = self._open()
        self.rotated.append(rotated)
        while self.keep is not None and len(self.rotated) > self.keep:
            self.rotated.pop(0).unlink()
        return out


class ManyLogs(threading.Thread):
    """One thread that writes many logs in turn, `rate` lines a second to each."""

    def __init__(self, writers: list[Writer], rate: float):
        super().__init__(daemon=True)
        self.writers, self.pause = writers, 5 / rate / len(writers)
        self._end = threading.Event()

    def run(self):
        for writer in self.writers:
            writer.begin()
        turn = 0
        while not self._end.wait(self.pause):
            self.writers[turn % len(self.writers)].step(5)
            turn += 1
        for writer in self.writers:
            writer.end()

    def finish(self) -> dict[int, int]:
        self._end.set()
        if self.is_alive():
            self.join()
        return {writer.path: writer.written for writer in self.writers}
