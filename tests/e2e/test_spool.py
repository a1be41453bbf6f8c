# SPDX-License-Identifier: Apache-2.0
"""stdin through the spool: kill -9, a full disk, damage, changed settings, limits. Lines are numbered; the oracle counts."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from services import faulty
from services.process import wait_until
from tailgate import http_sink

PAD = "x" * 150
DURABLE_WITHIN = 0.05


class Pipe:
    """What a supervisor holds for a logger: a pipe that outlives it. `renew` gives the next process another one."""

    def __init__(self, program):
        self.program = program
        self.lines = 0
        self.written: list[float] = []  # by line: when its write returned
        self.ends: list[int] = []  # all that are open: a thread may still be writing to an old one
        self.renew()

    def renew(self):
        old = self.ends[-2:-1]
        self.ends += os.pipe()
        self.program.stdin, self.writes = self.ends[-2:]
        for reads in old:  # who writes there hears of it
            os.close(reads)
            self.ends.remove(reads)

    def line(self, number: int, pad: str = PAD) -> bytes:
        return f'{{"n":{number},"pad":"{pad}"}}\n'.encode()

    def write(self, count: int, pad: str = PAD):
        for _ in range(count):
            self.raw(self.line(self.lines, pad))
            self.written.append(time.monotonic())
            self.lines += 1

    def raw(self, data: bytes):
        view, to = memoryview(data), self.writes
        while view:
            view = view[os.write(to, view):]

    def left(self) -> set[int]:
        """The lines that nobody has read."""
        os.set_blocking(self.program.stdin, False)
        data = b""
        try:
            while more := os.read(self.program.stdin, 1 << 20):
                data += more
        except BlockingIOError:
            pass
        return {int(number) for number in re.findall(rb'"n":(\d+)', data)}

    def end(self):
        os.close(self.writes)
        self.ends.remove(self.writes)

    def close(self):
        for end in self.ends:
            os.close(end)
        self.ends = []


@pytest.fixture
def piped(tailgate, tmp_path):
    """piped(sinks=…, spool=…, …) → (program, pipe); without sinks the lines go to the file `out`."""
    pipes = []

    def make(sinks: dict | None = None, spool: dict | None = None, **settings):
        out = {"out": {"type": "file", "path": str(tmp_path / "out.jsonl"), "batch": {"max_wait": "20ms"}}}
        program = tailgate(sinks or out, source={"type": "stdin", **({"spool": spool} if spool else {})}, **settings)
        program.out = tmp_path / "out.jsonl"
        pipes.append(Pipe(program))
        return program, pipes[-1]
    yield make
    for pipe in pipes:
        pipe.close()


@pytest.fixture
def small_disk():
    """A disk of 20 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    folder = Path(tempfile.mkdtemp(prefix="tailgate-disk."))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    shutil.rmtree(folder, ignore_errors=True)


def in_order(server) -> dict:
    return http_sink(server.url, ordering="strict", batch={"max_wait": "50ms", "max_events": 500})


def arrived(program) -> list[int]:
    """What is in the file, each line whole."""
    return [json.loads(line)["n"] for line in program.out.read_text().splitlines()] if program.out.exists() else []


def taken(server) -> list[int]:
    return [event["n"] for event in server.taken()]


def first_of(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def wait_lag(program, timeout: float = 30):
    def settled():
        source = program.status()["sources"]["access_log"]
        return source["lag_bytes"] == 0
    wait_until(settled, timeout, f"all is settled: {program.admin_get('/status')[1]}", every=0.1)


@pytest.mark.parametrize("pipe_stays", [True, False])
def test_kill_at_random_moments_loses_nothing_older_than_50_ms(piped, pipe_stays):
    program, pipe = piped()
    chance = random.Random(7)
    done = threading.Event()

    def produce():
        while not done.is_set():
            try:
                pipe.write(10)
            except OSError:
                time.sleep(0.005)  # between two pipes
            time.sleep(0.002)
    program.start()
    producer = threading.Thread(target=produce)
    producer.start()
    kills, left = [], set()
    for _ in range(15):
        time.sleep(chance.uniform(0.05, 0.5))
        kills.append(time.monotonic())
        program.kill()
        if not pipe_stays:
            left |= pipe.left()
            pipe.renew()
        program.start(ready=False)
    time.sleep(0.5)
    done.set()
    producer.join()
    wait_until(lambda: program.admin_status("/readyz") == 200, 10, "it is up again")
    wait_lag(program)
    assert program.stop() == 0, program.log()[-2000:]
    numbers = arrived(program)
    missing = sorted(set(range(pipe.lines)) - set(numbers) - left)
    # What was written meanwhile to a pipe that nobody reads any more is gone with the pipe.
    slack = 0.1
    for number in missing:
        age = min((kill - pipe.written[number] for kill in kills if kill > pipe.written[number] - slack), default=None)
        assert age is not None and age < DURABLE_WITHIN + slack, f"line {number} was {age} s old at the kill"
    first = first_of(numbers)
    assert first == sorted(first), "out of order"
    assert pipe.lines > 1000


def test_lines_wait_through_a_kill_while_the_sink_is_down(piped, start_faulty):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)})
    program.start()
    pipe.write(500)
    time.sleep(0.3)
    program.kill()
    pipe.renew()
    program.start()
    pipe.write(500)
    time.sleep(0.3)
    program.kill()
    pipe.renew()
    server.default = faulty.ok()
    program.start()
    pipe.write(10)
    server.wait_taken(1010)
    assert first_of(taken(server)) == list(range(1010))
    wait_lag(program)
    assert program.stop() == 0
    program.check_ledger()


def test_stopping_while_the_sink_is_down_keeps_what_was_read(piped, start_faulty):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)}, shutdown={"grace": "2s", "quiet": "500ms"})
    program.start()
    pipe.write(300)
    pipe.raw(b'{"n":300,"last":"without a newline"}')
    time.sleep(0.3)
    assert program.stop() == 0, "what waits in the spool is not a failure"
    assert "in the spool" in program.log()
    server.default = faulty.ok()
    pipe.renew()
    pipe.end()
    assert program.once() == 0
    assert first_of(taken(server)) == list(range(301))
    program.check_ledger()


def test_new_settings_apply_to_what_was_spooled(piped, start_faulty):
    down, up = start_faulty(default=faulty.status(503)), start_faulty()
    program, pipe = piped({"api": in_order(down)},
                          filters=[{"event_meta": {"stream": "s", "schema": "/s/1.0.0"}}])
    program.start()
    before = time.time()
    pipe.write(50)
    time.sleep(1.5)
    program.kill()
    program.settings["sinks"] = {"other": in_order(up)}
    program.settings["sources"] = {"renamed": program.settings["sources"].pop("access_log")}
    program.settings["filters"].append({"remove": {"paths": ["pad"]}})
    pipe.renew()
    program.start()
    up.wait_taken(50)
    assert first_of(taken(up)) == list(range(50))
    event = up.taken()[0]
    assert "pad" not in event
    read_at = time.mktime(time.strptime(event["meta"]["dt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert abs(read_at - before) <= 1.2, "the time is that of the read, not of the sending"
    assert program.stop() == 0


def test_reload_goes_on_in_the_middle_of_a_line(piped, start_faulty):
    old, new = start_faulty(), start_faulty()
    program, pipe = piped({"api": in_order(old)})
    program.start()
    pid = program.process.popen.pid
    pipe.write(20)
    pipe.raw(b'{"n":20,"cut')
    old.wait_taken(20)
    program.settings["sinks"]["api"] = in_order(new)
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    time.sleep(0.5)
    pipe.raw(b'":"here"}\n')
    pipe.lines = 21
    pipe.write(20)
    wait_until(lambda: 40 in taken(new), 20, "the new settings are in force")
    assert program.process.popen.pid == pid and program.process.running
    assert first_of(taken(old) + taken(new)) == list(range(41))
    assert program.dead_letters() == []
    pipe.end()
    assert program.stop() == 0


def test_a_full_disk_lets_stdin_wait_and_it_goes_on_by_itself(piped, start_faulty, small_disk):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)},
                          data_dir=str(small_disk / "data"), memory_limit="4MiB")
    program.start()
    filler = small_disk / "filler"
    producer = threading.Thread(target=lambda: pipe.write(150_000))  # 27 MB: more than the disk
    producer.start()
    program.wait_log("the disk is full; stdin waits until there is room", 30)
    with open(filler, "wb", buffering=0) as out:  # and another takes the rest
        with pytest.raises(OSError):
            while True:
                out.write(b"x" * 65536)
    time.sleep(1)
    waiting = pipe.lines
    assert producer.is_alive() and program.process.running and program.admin_status("/readyz") == 200
    server.default = faulty.ok()  # to release, too, needs space, which the ballast gave
    server.wait_taken(waiting + 1, timeout=60)
    filler.unlink()
    producer.join(60)
    assert not producer.is_alive(), program.log()[-2000:]
    server.wait_taken(150_000, timeout=60)
    wait_lag(program)
    assert first_of(taken(server)) == list(range(150_000))
    assert "the spool has room again" in program.log()
    assert program.stop() == 0
    program.check_ledger()


def test_a_full_disk_over_a_restart(piped, start_faulty, small_disk):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)},
                          data_dir=str(small_disk / "data"), memory_limit="4MiB")
    program.start()
    producer = threading.Thread(target=lambda: pipe.write(150_000))
    producer.start()
    program.wait_log("the disk is full; stdin waits until there is room", 30)
    with open(small_disk / "filler", "wb", buffering=0) as out:
        with pytest.raises(OSError):
            while True:
                out.write(b"x" * 4096)
    program.kill()
    program.start()
    time.sleep(0.5)
    server.default = faulty.ok()
    (small_disk / "filler").unlink()
    producer.join(60)
    assert not producer.is_alive(), program.log()[-2000:]
    wait_until(lambda: 149_999 in taken(server), 60, "the last line arrives", every=0.5)
    wait_lag(program)
    missing = set(range(150_000)) - set(taken(server))
    # The kill came while stdin waited: a row and at most one read beyond it were in memory, not yet accepted.
    assert len(missing) * len(pipe.line(0)) <= (1 << 20) + (128 << 10), len(missing)
    assert program.stop() == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("max_bytes", ["16MiB", "1GiB"])  # of small segments and of large ones
def test_flipped_bits_cost_their_rows_and_no_others(piped, start_faulty, max_bytes, seed):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)}, {"max_bytes": max_bytes}, memory_limit="2MiB")
    program.start()
    for _ in range(50):
        pipe.write(1000)
        time.sleep(0.03)
    time.sleep(0.3)
    program.kill()
    assert sum(path.stat().st_size for path in segments(program)) > 8_000_000
    for path in segments(program):
        flip_bits(path, random.Random(seed), 5 if max_bytes == "1GiB" else 1)
    pipe.renew()
    server.default = faulty.ok()
    program.start()
    pipe.write(1)
    wait_until(lambda: pipe.lines - 1 in taken(server), 30, f"what follows arrives:\n{program.log()[-2000:]}")
    wait_lag(program)
    numbers = first_of(taken(server))
    missing = pipe.lines - len(numbers)
    log = program.log()
    if missing:
        assert program.metric("tailgate_source_lost_bytes_total") > 0
        assert re.search("a row is damaged: .* of generation|spool.damaged-", log)
        assert missing < pipe.lines / 2, "the other rows arrived"
    assert numbers == sorted(numbers)
    assert program.stop() in ((1, 3) if missing else (0,)), log[-2000:]
    program.check_ledger()
    # The next start is in order again.
    pipe.renew()
    program.start()
    pipe.write(10)
    wait_until(lambda: pipe.lines - 1 in taken(server), 20, "it goes on")


def segments(program) -> list[Path]:
    return sorted((program.data_dir / "spool").glob("*.rows"))


def flip_bits(victim: Path, chance: random.Random, count: int):
    size = victim.stat().st_size
    with open(victim, "r+b") as out:
        for _ in range(count):
            at = chance.randrange(size)
            out.seek(at)
            byte = out.read(1)[0]
            out.seek(at)
            out.write(bytes([byte ^ 1 << chance.randrange(8)]))


def test_a_kill_in_the_middle_of_a_line_makes_no_event_of_two(piped):
    for delay in range(8):
        program, pipe = piped()
        program.start()
        pipe.raw(b'{"n":1,"pad":"xx')
        time.sleep(0.15)  # kept as a piece, as its writer stopped there
        pipe.raw(b'xx"}\n{"n":2,"pad":"yy')
        time.sleep(0.004 + delay * 0.002)
        program.kill()
        pipe.raw(b'yy"}\n{"n":3}\n')
        program.start()
        wait_until(lambda: 3 in arrived(program), 20, "the next line arrives")
        assert '{"n":1,"pad":"xxyy"}' not in program.out.read_text().splitlines()
        program.stop()
        program.out.unlink()


def test_what_waits_in_the_spool_is_not_forgotten_when_nothing_reads_it(piped, start_faulty, tmp_path):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)})
    program.start()
    pipe.write(20)
    time.sleep(0.3)
    program.kill()
    source = program.settings["sources"]["access_log"]
    for other, why in (({"type": "stdin", "spool": {"max_bytes": 0}}, "while spool.max_bytes is 0"),
                       ({"type": "file", "paths": [str(tmp_path / "none.log")]}, "no source reads stdin")):
        program.settings["sources"]["access_log"] = other
        pipe.renew()
        program.start()
        assert "/spool and are not sent" in program.log() and why in program.log()
        program.stop()
    program.settings["sources"]["access_log"] = source
    server.default = faulty.ok()
    pipe.renew()
    program.start()
    server.wait_taken(20)


def test_a_file_that_is_no_segment_is_moved_aside(piped):
    program, pipe = piped()
    (program.data_dir / "spool").mkdir(parents=True)
    (program.data_dir / "spool" / "0000000000000001.rows").write_bytes(os.urandom(300_000))
    program.start()
    pipe.write(20)
    wait_until(lambda: len(arrived(program)) == 20, 20, "lines go on")
    moved = list(program.data_dir.glob("spool.damaged-*"))
    assert len(moved) == 1 and moved[0].stat().st_size == 300_000
    assert f"is damaged at its head, or cannot be read, and is now {moved[0]}" in program.log()
    assert program.stop() == 1, "what it held is lost"
    pipe.renew()
    program.start()
    assert program.stop() == 0


@pytest.mark.parametrize("when_full", ["drop_newest", "drop_oldest"])
def test_lines_dropped_at_the_limit_are_whole_and_counted(piped, start_faulty, when_full):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)},
                          {"max_bytes": "16MiB", "when_full": when_full}, memory_limit="2MiB")
    program.start()
    pipe.write(8_000, "y" * 5000)  # 40 MB
    program.wait_log("lines are dropped")
    time.sleep(0.5)
    dropped = int(program.metric('tailgate_source_filtered_total{source="access_log",reason="spool_full"}'))
    assert dropped > 2_000
    server.default = faulty.ok()
    server.wait_taken(8_000 - dropped, timeout=60)
    pipe.write(100)
    wait_until(lambda: 8_099 in taken(server), 20, "it goes on")
    wait_lag(program)
    numbers = first_of(taken(server))
    assert len(numbers) == 8_100 - dropped and numbers == sorted(numbers)
    if when_full == "drop_newest":
        assert numbers[:2_000] == list(range(2_000))  # a short last row may still have found room
    else:
        assert 7_999 in numbers and 2_500 not in numbers

    def ever():
        counts = program.status()["sources"]["access_log"]["settled_ever"].get("api", {})
        return counts.get("filtered"), counts.get("delivered")
    wait_until(lambda: ever() == (dropped, len(numbers)), 5, "the durable ledger holds them all")
    assert program.stop() == 0, program.log()[-2000:]
    ledger = program.check_ledger()
    assert ledger["access_log"] == {"read": 8_100, "filtered": dropped, "dead-lettered": 0, "dispatched": len(numbers)}
    assert program.dead_letters() == []


def test_the_spool_gives_its_space_back(piped, start_faulty):
    server = start_faulty(default=faulty.status(503))
    program, pipe = piped({"api": in_order(server)},
                          memory_limit="2MiB")
    program.start()
    pipe.write(10_000, "y" * 5000)  # 50 MB
    wait_until(lambda: program.metric("tailgate_source_lag_bytes") > 49_000_000, 20, "all of it is spooled")
    # memory_limit, 20 MB for the program, and the spool's own: rows on their way in and out.
    assert program.process.peak_rss_bytes() < (2 << 20) + 20_000_000 + (8 << 20)
    server.default = faulty.ok()
    wait_lag(program, 60)
    wait_until(lambda: sum(path.stat().st_size for path in segments(program)) < 2_000_000, 10, "the space is given back")
    assert program.stop() == 0
    assert len(set(taken(server))) == 10_000
