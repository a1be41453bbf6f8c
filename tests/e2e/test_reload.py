# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: new settings in the same process, nothing lost on the way; bad ones change nothing."""
import signal

from services import faulty
from services.process import wait_until
from tailgate import http_sink, numbers, request_event


def test_new_settings_begin_in_the_same_process(start_faulty, tailgate):
    old, new = start_faulty(), start_faulty()
    program = tailgate({"api": http_sink(old.url)}).start()
    pid = program.process.popen.pid
    program.append(*(request_event(n) for n in range(30)))
    old.wait_taken(30)
    program.settings["sinks"]["api"] = http_sink(new.url)
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    program.append(*(request_event(n) for n in range(30, 60)))
    wait_until(lambda: len(numbers(old.taken())) + len(numbers(new.taken())) >= 60, 20, "all lines arrive")
    program.append(*(request_event(n) for n in range(60, 70)))
    wait_until(lambda: 69 in numbers(new.taken()), 20, "the new settings are in force")
    assert program.process.popen.pid == pid and program.process.running
    assert program.stop() == 0, program.log()[-2000:]
    assert sorted(numbers(old.taken() + new.taken())) == list(range(70))


def test_the_exit_code_counts_what_came_before(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append("no event")
    wait_until(program.dead_letters, 10, "the dead letter is there")
    program.settings["sinks"]["api"]["batch"]["max_events"] = 7
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    program.wait_log("settings changed")
    program.append(request_event(1))
    server.wait_taken(1)
    assert program.stop() == 3


def test_bad_settings_change_nothing(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.settings["sinks"]["api"]["tpye"] = "http"
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    program.wait_log("the old ones go on")
    assert "tpye" in program.log()
    program.append(*(request_event(n) for n in range(10)))
    server.wait_taken(10)
    assert program.stop() == 0


def test_a_taken_port_changes_nothing(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    admin = program.admin
    program.settings["admin"]["listen"] = server.url.split("/")[2]
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    program.wait_log("the old ones go on")
    program.append(request_event(1))
    server.wait_taken(1)
    assert program.admin == admin and program.admin_status("/readyz") == 200
    assert program.stop() == 0


def test_a_sink_that_is_down_holds_the_reload_up_for_grace_only(start_faulty, tailgate):
    down, up = start_faulty(default=faulty.status(503)), start_faulty()
    program = tailgate({"api": http_sink(down.url)}, shutdown={"grace": "2s", "quiet": "1s"}).start()
    program.append(*(request_event(n) for n in range(20)))
    program.wait_metric("tailgate_sink_up", lambda up: up == 0)
    program.settings["sinks"]["api"] = http_sink(up.url)
    program.write_settings()
    program.process.signal(signal.SIGHUP)
    up.wait_taken(20)
    assert sorted(numbers(up.taken())) == list(range(20))
    assert program.stop() == 0
