# SPDX-License-Identifier: Apache-2.0
"""What a row of the bench is, and how a whole process is measured."""
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TAILGATE_BUILD", ROOT / "build" / "bench"))
CACHE = ROOT / ".cache" / "bench"
TIMEOUT = 600


@dataclass
class Input:
    path: Path
    lines: int

    @property
    def bytes(self):
        return self.path.stat().st_size


@dataclass
class Sample:
    cpu: float  # seconds, user and system
    rss: int  # KiB, the peak
    wall: float  # seconds


@dataclass
class Row:
    """One program over one input. `argv` and `files` may hold {out}, a file that is new at every run, and {folder}, the
    one that the run has to itself."""
    name: str
    argv: list
    input: Input
    stdin: bool = False  # the input is its standard input
    # For a daemon that does not end by itself: called with its output, true when all is there.
    done: Callable[[Path], bool] | None = None
    files: dict = field(default_factory=dict)  # name: text, written into the run's folder
    samples: list = field(default_factory=list)

    def run(self):
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
            self.samples.append(measure(self, Path(folder)))

    @property
    def cpu(self):
        return median(s.cpu for s in self.samples)

    @property
    def rss(self):
        return median(s.rss for s in self.samples)

    @property
    def wall(self):
        return median(s.wall for s in self.samples)

    @property
    def rate(self):
        """Events per second of CPU."""
        return self.input.lines / self.cpu

    def share_of(self, other):
        """How its rate compares to another's: the median over the rounds, each against its own neighbour."""
        return median((self.input.lines / mine.cpu) / (other.input.lines / theirs.cpu)
                      for mine, theirs in zip(self.samples, other.samples))


def measure(row, folder):
    out, result = folder / "out", folder / "measured"

    def placed(text):
        return str(text).replace("{out}", str(out)).replace("{folder}", str(folder))

    argv = [placed(a) for a in row.argv]
    for name, text in row.files.items():
        (folder / name).write_text(placed(text))
    with open(row.input.path if row.stdin else os.devnull, "rb") as stdin, \
            open(os.devnull, "wb") as stdout, open(folder / "stderr", "wb") as stderr:
        process = subprocess.Popen([BUILD / "bench_measure", result, *argv], stdin=stdin, stdout=stdout, stderr=stderr,
                                   cwd=folder)
        try:
            if row.done:
                until = time.monotonic() + TIMEOUT
                while process.poll() is None and not row.done(out) and time.monotonic() < until:
                    time.sleep(0.05)
                process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            sys.exit(f"{row.name}: not done in {TIMEOUT} s")
    if process.returncode != 0:
        sys.exit(f"{row.name}: {' '.join(argv)} ended with {process.returncode}\n{(folder / 'stderr').read_text()[-2000:]}")
    if row.done and not row.done(out):
        sys.exit(f"{row.name}: ended before all lines were out\n{(folder / 'stderr').read_text()[-2000:]}")
    user, system, rss, wall, _ = map(int, result.read_text().split())
    return Sample((user + system) / 1e6, rss, wall / 1e6)


def rounds(rows, count):
    """The rows take turns, so that a busy moment of the machine befalls all of them."""
    for number in range(count):
        print(f"   round {number + 1} of {count}", file=sys.stderr, flush=True)
        for row in rows:
            row.run()


def all_lines(lines):
    """For a daemon's output: that many newlines are there. Counts only what came since it was last asked."""
    seen = {"path": None, "at": 0, "lines": 0}

    def done(out):
        if not out.exists():
            return False
        if seen["path"] != out:
            seen.update(path=out, at=0, lines=0)
        with open(out, "rb") as file:
            file.seek(seen["at"])
            while piece := file.read(1 << 20):
                seen["lines"] += piece.count(b"\n")
                seen["at"] += len(piece)
        return seen["lines"] >= lines
    return done
