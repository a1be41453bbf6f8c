# SPDX-License-Identifier: Apache-2.0
"""Files under the shipper: restarts, rotation by rename and by truncation, deletion, a long outage, memory."""
import json
import resource
import time

import pytest

from services import faulty
from services.process import wait_until
from tailgate import http_sink, numbers, request_event


def test_a_restart_goes_on_where_the_last_run_settled(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)})
    for run in range(3):
        program.start()
        program.append(*(request_event(n) for n in range(run * 20, run * 20 + 20)))
        server.wait_taken(run * 20 + 20)
        program.wait_settled("api", 20)
        assert program.stop() == 0
    assert numbers(server.taken()) == list(range(60)) or sorted(numbers(server.taken())) == list(range(60))


def test_a_crash_repeats_at_most_what_was_in_flight_under_the_same_ids(gateway, tailgate):
    from tailgate import eventgate_sink
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    for start in range(0, 500, 100):
        program.append(*(request_event(n) for n in range(start, start + 100)))
        time.sleep(0.2)
        program.kill()
        program.start()
    gateway.wait_accepted(500)
    assert sorted(set(numbers(gateway.events()))) == list(range(500))
    assert len(gateway.ids()) == 500, "a line keeps its id over a crash"
    assert program.stop() == 0


@pytest.mark.parametrize("sync", [False, True], ids=["sent by the intake", "sent by the lane"])
def test_what_left_half_a_second_before_a_crash_is_not_repeated(tailgate, tmp_path, sync):
    """A batch that left for its age alone, with nothing read since."""
    out = tmp_path / "out"
    sink = {"type": "file", "path": str(out), "sync": sync, "batch": {"max_wait": "200ms"}}
    program = tailgate({"file": sink})
    for run in range(3):
        program.start()
        program.append(request_event(run))
        wait_until(lambda: out.exists() and len(out.read_text().splitlines()) == run + 1, 10, "the line is delivered")
        time.sleep(0.5)
        program.kill()
    program.start()
    program.append(request_event(3))
    wait_until(lambda: len(out.read_text().splitlines()) >= 4, 10, "the last line is delivered")
    assert program.stop() == 0
    assert numbers(json.loads(line) for line in out.read_text().splitlines()) == [0, 1, 2, 3]


def test_rename_rotation_while_running_and_while_down(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(10)))
    program.rotate(1)
    program.append(*(request_event(n) for n in range(10, 20)))
    server.wait_taken(20)
    program.wait_settled("api", 20)
    assert program.stop() == 0
    program.append(*(request_event(n) for n in range(20, 30)))
    program.rotate(2)
    program.append(*(request_event(n) for n in range(30, 40)))
    program.start()
    server.wait_taken(40)
    program.stop()
    assert sorted(numbers(server.taken())) == list(range(40))


def test_truncation_begins_the_file_anew(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(10)))
    server.wait_taken(10)
    program.wait_settled("api", 10)
    with open(program.input, "r+b") as file:
        file.truncate(0)
    program.append(*(request_event(n) for n in range(10, 15)))
    server.wait_taken(15)
    program.stop()
    assert sorted(numbers(server.taken())) == list(range(15))


def test_copytruncate_loses_and_doubles_nothing(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    for turn in range(5):
        program.append(*(request_event(n) for n in range(turn * 10, turn * 10 + 10)))
        server.wait_taken(turn * 10 + 10)
        program.wait_settled("api", turn * 10 + 10)
        program.input.with_name(f"access.log.{turn + 1}").write_bytes(program.input.read_bytes())
        with open(program.input, "r+b") as file:
            file.truncate(0)
        time.sleep(0.3)
    time.sleep(6)  # a parked copy must not be read later either
    program.stop()
    assert sorted(numbers(server.taken())) == list(range(50))


@pytest.mark.slow
def test_50_rotations_with_deletion_during_an_outage(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(503))
    program = tailgate({"api": http_sink(server.url, batch={"max_events": 500})},
                       source={"rotated": {"max_files": 64}}).start()
    wait_until(lambda: program.status(), 5, "status")
    count, kept = 0, []
    for turn in range(50):
        program.append(*(request_event(n, params={"pad": "x" * 500}) for n in range(count, count + 200)))
        count += 200
        time.sleep(0.15)
        kept.append(program.rotate(turn + 1))
        if len(kept) > 3:
            kept.pop(0).unlink()
    assert program.admin_status("/readyz") == 200
    server.default = faulty.ok()
    program.wait_settled("api", count, 90)
    assert program.stop() == 0, program.log()[-2000:]
    assert sorted(numbers(server.taken())) == list(range(count))


@pytest.mark.slow
@pytest.mark.parametrize("max_events", [500, 100_000], ids=["half-full-bodies", "full-bodies"])
def test_memory_stays_within_its_limit_with_a_large_log_and_the_sink_down(start_faulty, tailgate, max_events):
    limit = 24 << 20
    server = start_faulty(default=faulty.status(503))
    program = tailgate({"api": http_sink(server.url, batch={"max_events": max_events})}, memory_limit="24MiB")
    line = json.dumps(request_event(0, params={"pad": "x" * 800})).encode() + b"\n"
    with open(program.input, "wb") as out:
        for _ in range(300):
            out.write(line * 1000)
    program.start()
    time.sleep(10)
    peak = program.process.peak_rss_bytes()
    assert peak <= limit + (20 << 20), f"{peak >> 20} MiB resident"
    assert program.metric("tailgate_memory_used_bytes") <= limit
    assert program.metric("tailgate_source_lag_bytes") > 200 << 20
    server.default = faulty.ok()
    wait_until(lambda: program.metric("tailgate_sink_delivered_total") > 50_000, 60, "delivery goes on", every=0.5)
    peak = program.process.peak_rss_bytes()
    assert peak <= limit + (20 << 20), f"{peak >> 20} MiB resident while it delivers"


def test_a_partial_last_line_waits_for_its_newline(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    text = json.dumps(request_event(1))
    with open(program.input, "a") as out:
        out.write(text[:40])
        out.flush()
        time.sleep(1)
        assert server.taken() == []
        out.write(text[40:] + "\n")
    server.wait_taken(1)
    assert program.dead_letters() == []


def test_a_broken_line_is_a_dead_letter_and_stops_nothing(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, source={"max_line_bytes": "64KiB"})
    program.append(request_event(0), '{"a":', request_event(1), b'{"a":"\xff"}', request_event(2), "x" * 100_000,
                   "", '{"a":01}', '{"a":1}{"b":2}', request_event(3))
    assert program.once() == 3
    assert sorted(numbers(server.taken())) == [0, 1, 2, 3]
    letters = program.dead_letters()
    assert len(letters) == 5 and {letter["stage"] for letter in letters} == {"parse"}
    offsets = [letter["offset"] for letter in letters]
    assert offsets == sorted(offsets) and len(set(offsets)) == 5
    ledger = program.check_ledger()
    assert ledger["access_log"]["dead-lettered"] == 5 and ledger["access_log"]["dispatched"] == 4


def test_stopping_while_the_sink_is_down_ends_within_grace_and_keeps_the_lines(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(503))
    program = tailgate({"api": http_sink(server.url)}, shutdown={"grace": "3s", "quiet": "1s"}).start()
    program.append(*(request_event(n) for n in range(30)))
    server.wait_requests(1)
    began = time.monotonic()
    assert program.stop() == 0, "what waits safely in its file is not a failure"
    assert time.monotonic() - began < 6
    program.check_ledger()
    server.default = faulty.ok()
    assert program.once() == 0
    assert sorted(numbers(server.taken())) == list(range(30))


def test_the_durable_ledger_counts_each_line_once_over_kills(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}, filters=[{"where": {"condition": 'not (http.method == "HEAD")'}}])
    for turn in range(4):
        program.start()
        program.append(*(request_event(turn * 50 + n) for n in range(50)), "no JSON")
        head = request_event(0)
        head["http"]["method"] = "HEAD"
        program.append(head)
        wait_until(lambda: program.status()["sources"]["access_log"]["lag_bytes"] == 0, 20, "all is settled")
        if turn == 1:
            program.rotate()
        if turn < 3:
            program.kill()

    def ever():
        return program.status()["sources"]["access_log"]["settled_ever"].get("api", {})
    wait_until(lambda: ever().get("delivered") == 200, 10, f"the checkpoint holds all: {ever()}")
    assert (ever()["dead_lettered_by_source"], ever()["filtered"]) == (4, 4)
    assert program.stop() == 3  # its last run wrote a dead letter


def test_a_file_that_is_no_log_does_not_fill_the_dead_letters(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)})
    other = program.input.with_name("access.log.other")
    other.write_text("this is not a log\n" * 100_000)
    program.append(*(request_event(n) for n in range(20)), *(["no JSON"] * 2000),
                   *(request_event(n) for n in range(20, 40)))
    assert program.once() == 1, "something was not read"
    assert sorted(numbers(server.taken())) == list(range(40)), "a good file is not stopped by a bad stretch"
    bad = [letter for letter in program.dead_letters() if letter["path"] == str(other)]
    assert 1000 <= len(bad) < 20_000
    assert "none of its first 1000 lines could be parsed" in program.log()


def test_a_schema_that_refuses_every_line_does_not_fill_the_dead_letters(start_faulty, tailgate, tmp_path):
    schema = tmp_path / "schemas" / "access" / "1.0.0"
    schema.parent.mkdir(parents=True)
    schema.write_text(json.dumps({"type": "object", "properties": {"n": {"type": "string"}}}))
    filters = [{"event_meta": {"stream": "s", "schema": "/access/1.0.0"}},
               {"validate_schema": {"schemas": str(tmp_path / "schemas")}}]
    program = tailgate({"api": http_sink(start_faulty().url)}, filters=filters)
    program.append(*({"n": n, "pad": "x" * 500} for n in range(20_000)))
    assert program.once() == 1, "something was not read"
    assert 1000 <= len(program.dead_letters()) < 3000
    assert "none of its first 1000 lines could be filtered" in program.log()


def test_with_more_logs_than_descriptors_those_that_are_open_are_delivered(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    pid = program.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert before[0] == before[1], "as many descriptors as the process may have"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (48, before[1]))
    for number in range(60):
        program.append(request_event(number), path=program.input.with_name(f"access.log{100 + number}"))
    program.wait_log("Too many open files")
    wait_until(lambda: len(server.taken()) >= 10, 20, "the open ones are delivered")
    assert program.admin_status("/healthz") == 200
    assert len(server.taken()) < 60
    assert program.log().count("Too many open files") == 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    program.wait_settled("api", 60)
    assert sorted(numbers(server.taken())) == list(range(60))
