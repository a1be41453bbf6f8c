# SPDX-License-Identifier: Apache-2.0
"""What a plain HTTP endpoint can do to a shipper: lines wait, are split, or are condemned one by one."""
import time

import pytest

from services import faulty
from services.pki import Authority
from services.process import wait_until
from tailgate import RETRY, http_sink, numbers, request_event

# fault of three requests in a row → may the server hold doubles afterwards?
MATRIX = {
    "429 with Retry-After": (faulty.status(429, retry_after="1"), False),
    "429 without": (faulty.status(429), False),
    "408": (faulty.status(408), False),
    "500": (faulty.status(500, b"oops"), False),
    "502": (faulty.status(502, b"<html>"), False),
    "503": (faulty.status(503, retry_after="1"), False),
    "401": (faulty.status(401), False),
    "403": (faulty.status(403), False),
    "404": (faulty.status(404), False),
    "redirect": (faulty.redirect("http://127.0.0.1:1/elsewhere"), False),
    "207 of an unknown kind": (faulty.status(207, b"partly"), False),
    "reset before the body": (faulty.reset_before_body(), False),
    "reset after the body": (faulty.reset_after_body(), True),
    "hang": (faulty.hang(5), False),
    "half an answer": (faulty.half_close(), True),
    "slow beyond the timeout": (faulty.slow(6), True),
}


@pytest.mark.parametrize("name", MATRIX)
def test_endpoint_trouble_costs_no_line(start_faulty, tailgate, name):
    step, doubles = MATRIX[name]
    server = start_faulty([step] * 3)
    program = tailgate({"api": http_sink(server.url, batch={"max_wait": "300ms", "max_events": 10})}).start()
    program.append(*(request_event(n) for n in range(40)))
    program.wait_settled("api", 40, 40)
    assert program.stop() == 0, program.log()
    arrived = numbers(server.taken())
    assert sorted(set(arrived)) == list(range(40))
    if not doubles:
        assert len(arrived) == 40
    assert program.dead_letters() == []
    assert program.check_ledger()["api"]["delivered"] == 40


def test_retry_after_holds_the_lane(start_faulty, tailgate):
    server = start_faulty([faulty.status(503, retry_after="3")])
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(request_event(0))
    server.wait_taken(1)
    assert server.requests[1].time - server.requests[0].time > 2.5
    assert server.requests[1].time - server.requests[0].time < 8


def test_a_lane_that_is_down_probes_with_one_request(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(503))
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(200)))
    wait_until(lambda: program.admin_status("/delivery") == 503, 10, "/delivery says so")
    time.sleep(2)
    before = len(server.requests)
    time.sleep(3)
    probes = server.requests[before:]
    # Full jitter may make a single wait short: one at a time, and far fewer than the 20 batches that wait.
    assert len({request.connection for request in probes}) <= 2 and len(probes) <= 15
    assert len({request.body for request in probes}) == 1, "always the same batch"
    server.default = faulty.ok()
    program.wait_settled("api", 200)
    assert sorted(numbers(server.taken())) == list(range(200))


def test_a_body_over_413s_limit_is_split(start_faulty, tailgate):
    server = start_faulty(default=faulty.too_large(2000))
    sink = http_sink(server.url, batch={"max_events": 50, "max_wait": "200ms"})
    program = tailgate({"api": sink}).start()
    program.append(*(request_event(n) for n in range(100)))
    program.wait_settled("api", 100)
    assert sorted(numbers(server.taken())) == list(range(100))
    assert program.stop() == 0


def test_a_poison_event_is_found_by_halves(start_faulty, tailgate):
    server = start_faulty(default=faulty.poison(b'"x-number": "17"'))
    program = tailgate({"api": http_sink(server.url, batch={"max_events": 32, "max_wait": "200ms"})}).start()
    program.append(*(request_event(n) for n in range(64)))
    program.wait_settled("api", 64)
    assert program.stop() in (0, 3)
    assert sorted(numbers(server.taken())) == [n for n in range(64) if n != 17]
    letters = program.dead_letters()
    assert numbers([letter["event"] for letter in letters]) == [17]
    assert "400" in letters[0]["reason"]


def test_a_format_that_the_endpoint_refuses_altogether_condemns_nothing(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(400, b"not like this"))
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(40)))
    wait_until(lambda: program.admin_status("/delivery") == 503, 20, "/delivery says so")
    time.sleep(3)
    assert program.dead_letters() == []
    server.default = faulty.ok()
    program.wait_settled("api", 40)
    assert sorted(numbers(server.taken())) == list(range(40))


def test_gzip(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url, compression="gzip")})
    program.append(*(request_event(n) for n in range(40)))
    assert program.once() == 0
    assert sorted(numbers(server.taken())) == list(range(40))
    assert {r.headers["content-encoding"] for r in server.requests} == {"gzip"}


def test_a_server_that_closes_idle_connections(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    for n in range(3):
        program.append(request_event(n))
        server.wait_taken(n + 1)
        time.sleep(1)
        server.stop()
        server.start()
    program.stop()
    assert sorted(numbers(server.taken())) == [0, 1, 2]


def test_a_token_from_a_file_is_sent_and_shown_nowhere(start_faulty, tailgate, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("first\n")
    server = start_faulty(token="Bearer first")
    program = tailgate({"api": http_sink(server.url, auth={"type": "bearer", "token": f"${{file:{secret}}}"})}).start()
    program.append(request_event(0))
    server.wait_taken(1)
    assert "first" not in program.log() + program.admin_get("/status")[1]


@pytest.mark.parametrize("client", [False, True], ids=["server certificate", "both certificates"])
def test_tls(start_faulty, tailgate, tmp_path, client):
    authority = Authority(tmp_path / "pki")
    tls = {"ca_file": str(authority.ca)}
    if client:
        certificate, key = authority.issue("client")
        tls |= {"cert_file": str(certificate), "key_file": str(key)}
    server = start_faulty(tls=authority.issue("server"), client_ca=authority.ca if client else None)
    program = tailgate({"api": http_sink(server.url, tls=tls)})
    program.append(*(request_event(n) for n in range(20)))
    assert program.once() == 0, program.log()
    assert sorted(numbers(server.taken())) == list(range(20))


@pytest.mark.parametrize("wrong", ["no authority", "no client certificate"])
def test_tls_that_does_not_come_about_keeps_the_lines(start_faulty, tailgate, tmp_path, wrong):
    authority = Authority(tmp_path / "pki")
    server = start_faulty(tls=authority.issue("server"), client_ca=authority.ca if "client" in wrong else None)
    tls = {"ca_file": str(authority.ca)} if "client" in wrong else {}
    program = tailgate({"api": http_sink(server.url, tls=tls)}).start()
    program.append(request_event(0))
    wait_until(lambda: program.admin_status("/delivery") == 503, 20, "/delivery says so")
    assert any(word in program.admin_get("/delivery")[1].lower() for word in ("certificate", "ssl", "tls"))
    assert program.dead_letters() == [] and server.taken() == []


def test_a_body_is_a_json_array_by_default_and_holds_no_more_than_max_events(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url, retry=RETRY, batch={"max_events": 7})})
    program.append(*(request_event(n) for n in range(50)))
    assert program.once() == 0
    assert max(len(r.events()) for r in server.requests) == 7
    assert sorted(numbers(server.taken())) == list(range(50))
