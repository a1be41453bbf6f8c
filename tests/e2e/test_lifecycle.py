# SPDX-License-Identifier: Apache-2.0
"""Beginnings and ends: drains, signals, one owner of a data_dir, process 1 of a container, exit codes that tell the truth."""
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from services import faulty
from services.process import Process, tail, wait_until
from tailgate import binary, http_sink, numbers, request_event


def in_background(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


# ---- the drain of a sidecar ----

def test_a_drain_ends_soon_after_the_last_writer_has_closed(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "30s", "quiet": "20s"}).start()
    with open(program.input, "a") as out:
        program.process.signal(signal.SIGTERM)
        for n in range(20):  # the gateway goes on while it ends itself
            out.write(json.dumps(request_event(n)) + "\n")
            out.flush()
            time.sleep(0.1)
        assert program.process.running
    began = time.monotonic()
    assert program.process.popen.wait(10) == 0, program.log()
    assert time.monotonic() - began < 5, "nobody writes any more: no need to wait for quiet"
    assert sorted(numbers(server.taken())) == list(range(20))
    program.check_ledger()


def test_a_drain_ends_by_grace_though_the_writer_goes_on(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "3s", "quiet": "2s"}).start()
    end, written = threading.Event(), []

    def write():
        with open(program.input, "a") as out:
            while not end.wait(0.02):
                out.write(json.dumps(request_event(len(written))) + "\n")
                out.flush()
                written.append(1)
    writer = in_background(write)
    time.sleep(0.5)
    began = time.monotonic()
    assert program.stop(timeout=15) == 0
    assert 2.5 < time.monotonic() - began < 7
    end.set()
    writer.join()
    program.check_ledger()
    assert program.once() == 0
    assert sorted(set(numbers(server.taken()))) == list(range(len(written)))


def test_a_second_signal_ends_at_once_and_nothing_is_lost(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(503))
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "60s", "quiet": "1s"}).start()
    program.append(*(request_event(n) for n in range(30)))
    server.wait_requests(1)
    program.process.signal(signal.SIGTERM)
    time.sleep(1.5)
    assert program.process.running, "it waits for the sink"
    began = time.monotonic()
    assert program.stop() == 0, "what waits safely in its file is not a failure"
    assert time.monotonic() - began < 3
    ledger = program.check_ledger()
    assert ledger["api"]["waiting"] == 30 and "30 events are undelivered" in program.log()
    server.default = faulty.ok()
    assert program.once() == 0
    assert sorted(numbers(server.taken())) == list(range(30))


def test_a_signal_that_means_nothing_does_not_make_it_deaf(start_faulty, tailgate):
    program = tailgate({"api": http_sink(start_faulty().url)}).start()
    for _ in range(3):
        program.process.signal(signal.SIGUSR1)
        time.sleep(0.1)
    assert program.process.running
    assert program.stop(timeout=10) == 0


def test_many_reloads_in_a_row_and_a_stop_in_the_midst_lose_nothing(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "5s", "quiet": "500ms"}).start()
    for turn in range(10):
        program.append(*(request_event(n) for n in range(turn * 20, turn * 20 + 20)))
        program.process.signal(signal.SIGHUP)
        time.sleep(0.15 * (turn % 3))
    program.process.signal(signal.SIGHUP)
    assert program.stop() == 0, program.log()[-2000:]
    assert program.once() == 0
    assert sorted(set(numbers(server.taken()))) == list(range(200))


# ---- one owner of a data_dir ----

def second(program, log):
    return Process("second", [binary(), "run", "-c", program.write_settings()], log)


def test_a_second_process_waits_names_the_holder_and_refuses(start_faulty, tailgate, tmp_path):
    program = tailgate({"api": http_sink(start_faulty().url)}, shutdown={"grace": "2s", "quiet": "1s"}).start()
    began = time.monotonic()
    other = second(program, tmp_path / "second.log")
    assert other.popen.wait(10) == 1
    assert time.monotonic() - began > 1.5
    said = tail(tmp_path / "second.log")
    assert f"process {program.process.pid}" in said and "waits" in said, said
    assert program.process.running
    assert program.stop() == 0


def test_a_second_process_goes_on_where_the_first_ended(start_faulty, tailgate, tmp_path):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, admin={"listen": "none"}).start(ready=False)
    program.append(*(request_event(n) for n in range(10)))
    server.wait_taken(10)
    other = second(program, tmp_path / "second.log")
    time.sleep(0.5)
    assert program.stop() == 0
    program.append(*(request_event(n) for n in range(10, 20)))
    server.wait_taken(20)
    assert other.stop() == 0
    assert sorted(numbers(server.taken())) == list(range(20))


def test_a_process_that_waits_for_the_data_dir_ends_when_told_to(start_faulty, tailgate, tmp_path):
    program = tailgate({"api": http_sink(start_faulty().url)}, shutdown={"grace": "30s", "quiet": "1s"}).start()
    other = second(program, tmp_path / "second.log")
    wait_until(lambda: "waits" in tail(tmp_path / "second.log"), 10, "it says that it waits")
    began = time.monotonic()
    other.signal(signal.SIGTERM)
    assert other.popen.wait(10) == 0
    assert time.monotonic() - began < 3
    assert program.process.running


def test_a_state_of_a_newer_version_is_refused_and_left_alone(start_faulty, tailgate):
    program = tailgate({"api": http_sink(start_faulty().url)})
    program.data_dir.mkdir()
    state = program.data_dir / "state.db"
    with sqlite3.connect(state) as database:
        database.execute("PRAGMA user_version=99")
        database.execute("CREATE TABLE later (x)")
    database.close()
    assert program.once() == 1
    assert "newer version" in program.log() and str(state) in program.log()
    with sqlite3.connect(state) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("later",)]


# ---- the process itself ----

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_as_process_1_it_hears_signals_and_drains(start_faulty, tailgate, number):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)})
    alone = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--pid", "--fork", "--kill-child"]
    program.process = Process("tailgate", [*alone, binary(), "run", "-c", program.write_settings()],
                              program.log_file)
    program.process.wait_ready(lambda: program.admin_status("/readyz") == 200, 10)
    program.append(*(request_event(n) for n in range(10)))
    children = f"/proc/{program.process.pid}/task/{program.process.pid}/children"
    with open(children) as file:
        os.kill(int(file.read().split()[0]), number)
    assert program.process.popen.wait(15) == 0, program.log()
    assert sorted(numbers(server.taken())) == list(range(10))
    program.check_ledger()


@pytest.mark.parametrize("limit", range(4, 24, 2))
def test_without_descriptors_at_the_start_it_says_so_and_ends(start_faulty, tailgate, limit):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "1s", "quiet": "500ms"})
    program.append(request_event(0))
    started = subprocess.Popen(["prlimit", f"--nofile={limit}", binary(), "run", "-c", program.write_settings(), "--once"],
                                stderr=subprocess.PIPE)
    try:
        said = started.communicate(timeout=3)[1].decode()
    except subprocess.TimeoutExpired:  # none is left for the sink: that is waited for like any outage
        started.send_signal(signal.SIGTERM)
        said = started.communicate(timeout=10)[1].decode()
        assert "undelivered" in said
    assert started.returncode in (0, 1, 2), said
    assert len(server.taken()) == 1 or started.returncode != 0 or "undelivered" in said, said
    assert said, "the reason, or the ledger"


# ---- pipe under SIGINT ----

def start_pipe(*argv) -> subprocess.Popen:
    return subprocess.Popen([binary(), "pipe", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def test_a_pipe_that_is_interrupted_writes_what_it_has_read(start_faulty):
    program = start_pipe("--drop-nulls")
    program.stdin.write(b'{"n":1,"x":null}\n{"n":2}\n')
    program.stdin.flush()
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=10)
    assert out == b'{"n":1}\n{"n":2}\n' and program.returncode == 0, err.decode()


def test_a_pipe_that_is_interrupted_in_the_middle_of_a_line_says_so():
    program = start_pipe("--drop-nulls")
    program.stdin.write(b'{"n":1}\n{"n":')
    program.stdin.flush()
    time.sleep(0.5)
    program.send_signal(signal.SIGINT)
    assert program.wait(10) == 1  # while its writer goes on
    out, err = program.communicate()
    assert out == b'{"n":1}\n', err.decode()
    assert b"stopped in the middle of a line; its first 5 bytes are lost" in err, err.decode()
    assert b"5 B were" in err, err.decode()


def test_a_pipe_that_is_interrupted_while_its_sink_is_down_says_how_much_is_undelivered(start_faulty):
    server = start_faulty(default=faulty.status(503))
    program = start_pipe("--to", server.url)
    program.stdin.write(b'{"n":1}\n{"n":2}\n')
    program.stdin.flush()
    server.wait_requests(1)
    program.send_signal(signal.SIGINT)
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=10)
    assert program.returncode == 1 and b"2 events are undelivered" in err, err.decode()
