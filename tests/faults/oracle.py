# SPDX-License-Identifier: Apache-2.0
"""What became of numbered lines: lost, doubled, out of order, torn; and whether the program's own ledger says the same."""
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from services.process import patience

# A repeat after kill -9 is right when its line was in flight at the kill or delivered in the last 50 ms before it; the
# rest is for a busy machine.
WINDOW = 0.5


@dataclass
class Arrival:
    """One line as a sink got it: `path` is the log it was written to, `number` its place there."""
    number: int
    at: float  # seconds since the epoch
    path: int = 0


@dataclass
class Row:
    """One scenario of the table."""
    name: str
    lines: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    unexplained: int = 0  # repeats of lines that were not in flight at a kill, nor in a request whose end was not seen
    disorder: int = 0
    torn: int = 0
    ledger: str = "balanced"
    memory: int = 0  # bytes that were resident at most
    seconds: float = 0
    strict: bool = True  # lines of one log must arrive in their order
    problems: list = field(default_factory=list)

    @property
    def bad(self) -> bool:
        order = self.disorder if self.strict else 0
        return bool(self.lost or self.torn or self.unexplained or order or self.problems or self.ledger != "balanced")

    def expect(self, holds: bool, otherwise: str):
        if not holds:
            self.problems.append(otherwise)


class Kill(NamedTuple):
    """Of the program, by the clock. `sink_gone`: when the sink was killed before it, so that what had come then may
    never have been answered."""
    at: float
    sink_gone: tuple = ()

    def caught(self, arrival: float) -> bool:
        """Whether what came at `arrival` was still in flight."""
        return any(abs(moment - arrival) < WINDOW for moment in (self.at, *self.sink_gone))


def judge(row: Row, written: dict[int, int], arrivals: list[Arrival], torn: int, kills: list[Kill] = (),
          excused: int = 0, taken_away: set = frozenset()):
    """`written`: lines by path. `excused`: how many repeats other faults may have caused (an answer that was cut off).
    `taken_away`: (path, number) of what must not arrive, such as dead letters."""
    row.lines, row.torn, row.kills = sum(written.values()), torn, len(kills)
    last: dict[tuple, float] = {}
    highest: dict[int, int] = {}
    passed: dict[int, tuple] = {}
    oldest: list[tuple] = []
    for arrival in arrivals:
        key = (arrival.path, arrival.number)
        if key in last:
            row.doubled += 1
            if not any(kill.at < arrival.at and kill.caught(last[key]) for kill in kills):
                row.unexplained += 1
                age = min((kill.at - last[key] for kill in kills if last[key] < kill.at < arrival.at), default=None)
                oldest.append((age or 0, arrival.number))
        elif arrival.number < highest.get(arrival.path, -1):
            row.disorder += 1
            passed.setdefault(arrival.path, (arrival.number, highest[arrival.path]))
        else:
            highest[arrival.path] = arrival.number
        last[key] = arrival.at
    if passed and row.strict:
        row.problems.append("out of order: " + ", ".join(f"log {path}: line {late} after {early}"
                                                         for path, (late, early) in list(passed.items())[:5]))
    if row.unexplained > excused:
        row.problems.append("not in flight: line {1} had come {0:.2f} s before the kill (0: none)".format(*max(oldest)))
    row.unexplained = max(0, row.unexplained - excused)
    wanted = {(path, number) for path, count in written.items() for number in range(count)} - taken_away
    lost = sorted(wanted - last.keys())
    row.lost += len(lost)
    row.expect(not lost, f"lost (log, line): {str(lost[:20])[1:-1]}{' …' if len(lost) > 20 else ''}")
    row.expect(not (last.keys() - wanted), f"{len(last.keys() - wanted)} lines arrived that must not")


def check_log(row: Row, log: Path):
    """A program that was built with a sanitizer may report and yet go on, or report at its end."""
    text = log.read_text(errors="replace") if log.exists() else ""
    found = re.findall(r"(?:ERROR|WARNING|FATAL): \w+Sanitizer.*|.*: runtime error: .*", text)
    where = sorted(set(re.findall(r"SUMMARY: .*", text)))
    row.expect(not found, f"{len(found)} reports of a sanitizer in {log.name}: " + "; ".join((where or found)[:10]))


# ---- the ledger ----

def metric_sum(metrics: dict, name: str) -> int:
    return int(metrics.get(name, 0))


def check_metrics(row: Row, metrics: dict):
    """Both laws as /metrics tells them; one source, any number of sinks."""
    source = {word: metric_sum(metrics, f"tailgate_source_{word}_total")
              for word in ("read_lines", "filtered", "dead_lettered", "dispatched")}
    read, *terms = source.values()
    if read != sum(terms):
        row.ledger = f"/metrics: {source}"
    sink = {word: metric_sum(metrics, f"tailgate_sink_{word}")
            for word in ("dispatched_total", "recovered_total", "delivered_total", "dead_lettered_total",
                         "dropped_total", "in_flight")}
    came = sink["dispatched_total"] + sink["recovered_total"]
    if came != sum(sink.values()) - came:
        row.ledger = f"/metrics: {sink}"


def check_status(row: Row, status: dict):
    for name, s in status["sources"].items():
        if s["read"] != s["filtered"] + s["dead_lettered"] + s["dispatched"]:
            row.ledger = f"/status: {name}: {s}"
    for name, s in status["sinks"].items():
        if s["dispatched"] + s.get("recovered", 0) != s["delivered"] + s["dead_lettered"] + s["in_flight"]:
            row.ledger = f"/status: {name}: {s}"


def check_closing(row: Row, program):
    ledger = program.ledger()
    row.expect(bool(ledger), "no closing ledger")
    for name, counts in ledger.items():
        total, *terms = counts.values()
        if total != sum(terms):
            row.ledger = f"closing: {name}: {counts}"


def settled_ever(status: dict) -> dict[str, dict]:
    """The durable side, by sink: what became of every line since the first, whatever was killed meanwhile."""
    tallies = status["sources"]["access_log"]["settled_ever"]
    return {sink: {kind: count for kind, count in tallies.get(sink, {}).items() if count} for sink in status["sinks"]}


def all_settled(status: dict, lines: int) -> bool:
    """A tally is saved a little after the last line of its sink is delivered, and each sink has its own."""
    return all(source["lag_bytes"] == 0 for source in status["sources"].values()) \
        and all(sum(tally.values()) >= lines for tally in settled_ever(status).values())


def settle(row: Row, program, lines: int, timeout: float = 60, **durable: int):
    """Waits until nothing is left to do, compares what the program counts, ends it. `durable`: other terms than
    delivered of the durable ledger, such as dead_lettered=3."""
    timeout *= patience()
    deadline = time.monotonic() + timeout
    status = {}
    while time.monotonic() < deadline:
        text = program.admin_get("/status")[1]
        status = json.loads(text) if text.startswith("{") else {}
        if status and all_settled(status, lines):
            break
        if not program.process.running:
            row.problems.append(f"the program ended by itself with {program.process.popen.returncode}")
            row.ledger = "not compared"
            return
        time.sleep(0.1)
    else:
        row.problems.append(f"not settled after {timeout:g} s: {json.dumps(status)[:600]}")
    time.sleep(0.2)
    status = program.status()
    check_status(row, status)
    check_metrics(row, program.metrics())
    wanted = {"delivered": lines - sum(durable.values()), **durable}
    for sink, counted in settled_ever(status).items():
        if counted != {kind: count for kind, count in wanted.items() if count}:
            row.ledger = f"durable: {sink}: {counted}, not {wanted}"
    code = program.stop(timeout=40 * patience())
    row.expect(code == (3 if durable else 0) or bool(durable) and code == 0, f"exit code {code}")
    check_closing(row, program)
