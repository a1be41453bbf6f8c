# SPDX-License-Identifier: Apache-2.0
"""`tailgate dead` beside the running process, and what a newcomer sees on stderr."""
import json
import subprocess
import uuid

import pytest

from services import faulty
from services.process import free_port, wait_until
from tailgate import binary, http_sink


def dead(program, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "dead", *words, "-c", program.write_settings()], cwd=program.folder,
                          capture_output=True, text=True, timeout=60, check=False)


def test_letters_are_listed_replayed_and_purged_while_the_process_runs(tailgate):
    out = {"type": "file", "path": "out.jsonl", "when": 'kind == "a"'}
    program = tailgate({"out": out}, dead_letters={"max_bytes": "2MiB"}).start()
    program.append("not JSON", {"kind": "a", "n": 1}, "nor this")
    program.wait_settled("out", 1)
    program.wait_metric("tailgate_source_dead_lettered_total", lambda count: count == 2)

    assert "2 dead letters" in dead(program, "list").stdout
    assert "2 dead letters would be sent again" in dead(program, "replay", "--dry-run").stdout
    assert len(program.dead_letters()) == 2
    replayed = dead(program, "replay", "--reason", "does not start")
    assert "2 dead letters sent again: 0 delivered, 2 came back" in replayed.stdout, replayed.stderr
    purged = dead(program, "purge", "--all")
    assert "2 dead letters removed" in purged.stdout, purged.stderr

    program.append("not JSON either")
    program.wait_metric("tailgate_source_dead_lettered_total", lambda count: count == 3)
    assert [letter["raw"] for letter in program.dead_letters()] == ["not JSON either"]
    assert program.stop() == 3


def test_a_replay_of_what_is_refused_again_ends_and_the_letters_stay(tailgate, start_faulty):
    server = start_faulty(default=faulty.status(400))
    program = tailgate({"api": http_sink(server.url)})
    letter = {"time": "2026-01-01T00:00:00Z", "source": "access_log", "path": "x", "gen": str(uuid.uuid4()), "offset": 0,
              "sink": "api", "stage": "sink", "reason": "refused", "event": {"n": 1}}
    folder = program.data_dir / "dead"
    folder.mkdir(parents=True)
    (folder / "1.ndjson").write_text(json.dumps(letter) + "\n")
    (folder / "1.ndjson").chmod(0o600)
    replayed = dead(program, "replay", "--give-up-after", "2s")
    assert replayed.returncode == 1, replayed
    assert "1 not settled: they stay" in replayed.stdout and "stays in the dead letters" in replayed.stderr
    assert len(program.dead_letters()) == 1


def test_full_dead_letters_hold_the_lines_until_a_purge_makes_room(tailgate):
    program = tailgate({"out": {"type": "file", "path": "out.jsonl"}}, source={"max_line_bytes": "1KiB"},
                       dead_letters={"max_bytes": "2KiB"}).start()
    program.append("x" * 900)
    program.wait_metric("tailgate_source_dead_lettered_total", lambda count: count == 1)
    program.append("y" * 900, {"n": 1})
    program.wait_log("lines that need it wait until `tailgate dead purge`")
    assert "1 dead letter removed" in dead(program, "purge", "--all").stdout
    program.wait_metric("tailgate_source_dead_lettered_total", lambda count: count == 2)
    assert [letter["raw"][0] for letter in program.dead_letters()] == ["y"]
    program.wait_settled("out", 1)
    assert program.stop() == 3


def test_without_a_terminal_every_line_of_run_is_json_the_ledger_too(tailgate):
    program = tailgate({"out": {"type": "none"}}).start()
    program.append({"n": 1})
    program.wait_settled("out", 1)
    assert program.stop() == 0
    messages = [json.loads(line)["message"] for line in program.log().splitlines()]
    assert any(message.startswith("access_log: read 1 = ") for message in messages)


@pytest.mark.parametrize("when_full", ["block", "drop_oldest"])
def test_a_read_of_more_dead_letters_than_have_room_goes_on(tailgate, when_full):
    program = tailgate({"out": {"type": "file", "path": "out.jsonl"}}, source={"max_line_bytes": "16KiB"},
                       dead_letters={"max_bytes": "64KiB", "when_full": when_full})
    program.append(*(f"line {n} {'y' * 300}" for n in range(600)), {"n": 1})
    program.start()
    if when_full == "block":
        program.wait_log("holds .* of at most 64.0 KiB; lines that need it wait until `tailgate dead purge`")
        assert len(program.dead_letters()) > 50, "as many as have room are kept"

    def all_are_letters():
        if when_full == "block":
            dead(program, "purge", "--all")
        return program.metric("tailgate_source_dead_lettered_total") == 600
    wait_until(all_are_letters, 30, "600 dead letters", every=0.2)
    program.wait_settled("out", 1)
    assert sum(path.stat().st_size for path in (program.data_dir / "dead").iterdir()) <= 64 << 10
    if when_full == "drop_oldest":
        assert program.dead_letters()[-1]["raw"].startswith("line 599 ")
    assert program.stop() == 3


def test_a_replay_of_which_some_came_back_and_some_was_not_delivered_exits_with_the_worse(tailgate, start_faulty):
    server = start_faulty(default=faulty.poison(b"bad"))
    program = tailgate({"api": http_sink(server.url)})
    program.append({"n": 1}, {"n": 2, "x": "bad"}, "not JSON", {"n": 3})
    program.start()
    wait_until(lambda: len(program.dead_letters()) == 2, 20, "two dead letters")
    assert program.stop() == 3
    program.settings["sinks"]["api"] = http_sink(f"http://127.0.0.1:{free_port()}/")  # nobody is there
    replayed = dead(program, "replay", "--give-up-after", "1s")
    assert "1 came back as dead letters, 1 not settled: they stay" in replayed.stdout, replayed
    assert replayed.returncode == 1
