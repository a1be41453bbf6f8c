# SPDX-License-Identifier: Apache-2.0
"""The gateway away, or the broker behind it: lines wait, none is lost and none is dead-lettered."""
import time

import pytest

from services.gateway import Gateway
from services.process import wait_until
from tailgate import RETRY, eventgate_sink, numbers, request_event


def waiting_as_it_should(program):
    """A sink in trouble is for alerts; the sidecar's own readiness does not depend on it."""
    wait_until(lambda: program.admin_status("/delivery") == 503, 30, "/delivery says so")
    reason = program.admin_get("/delivery")[1]
    assert "gateway" in reason and len(reason.split()) > 3, reason
    assert program.admin_status("/readyz") == 200
    assert program.admin_status("/healthz") == 200
    assert program.metric("tailgate_sink_up") == 0
    program.wait_metric("tailgate_source_lag_bytes", lambda lag: lag > 0, 5)
    return reason


def nothing_lost(program, gateway, count: int, at_most: int = 1):
    gateway.wait_accepted(count, 60)
    program.wait_settled("gateway", count)
    wait_until(lambda: program.admin_status("/delivery") == 200, 10, "/delivery is well again")
    wait_until(lambda: program.metric("tailgate_source_lag_bytes") == 0, 10, "no lag is left")
    assert program.stop() == 0
    assert sorted(set(numbers(gateway.events()))) == list(range(count))
    assert max(gateway.ids().values()) <= at_most
    assert program.dead_letters() == []
    assert program.check_ledger()["gateway"]["delivered"] == count


@pytest.mark.slow
def test_a_gateway_away_for_30_seconds_costs_nothing(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    program.append(*(request_event(n) for n in range(100)))
    gateway.wait_accepted(100)
    program.wait_settled("gateway", 100)  # else the kill may take an answer, and its events come twice
    gateway.kill()
    for n in range(100, 400, 10):
        program.append(*(request_event(m) for m in range(n, n + 10)))
        time.sleep(1)
    reason = waiting_as_it_should(program)
    assert "refused" in reason.lower() or "connect" in reason.lower(), reason
    gateway.start()
    nothing_lost(program, gateway, 400)


def test_a_gateway_that_is_not_there_yet_at_start(start_gateway, tailgate, tmp_path):
    gateway = Gateway(tmp_path / "late")
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    program.append(*(request_event(n) for n in range(50)))
    waiting_as_it_should(program)
    gateway.start()
    try:
        nothing_lost(program, gateway, 50)
    finally:
        gateway.stop()


@pytest.mark.slow
def test_a_broker_that_hangs_behind_the_gateway_does_not_pour_the_log_into_the_dead_letters(
        gateway, tailgate, request):
    seconds = request.config.getoption("--hang")
    gateway.control(kafka_hang=1000)
    program = tailgate({"gateway": eventgate_sink(gateway.url, retry={**RETRY, "event_attempts": 3})}).start()
    written = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        program.append(*(request_event(n) for n in range(written, written + 20)))
        written += 20
        time.sleep(1)
    assert "timed out" in waiting_as_it_should(program)
    assert program.dead_letters() == []
    assert gateway.accepted() == []
    gateway.clear()
    nothing_lost(program, gateway, written)


def test_an_event_that_errors_alone_is_dead_lettered_after_its_attempts(gateway, tailgate):
    gateway.control(error_events={"match": '"x-number":"7"', "message": "some error of this event"})
    program = tailgate({"gateway": eventgate_sink(gateway.url, retry={**RETRY, "event_attempts": 3})}).start()
    # Only what is delivered between its attempts is evidence against an event, so others come until that was enough.
    written = 0
    while written < 30 or not program.dead_letters():
        assert written < 600, program.admin_get("/status")
        program.append(request_event(written))
        written += 1
        time.sleep(0.1)
    gateway.wait_accepted(written - 1)
    program.wait_settled("gateway", written, 60)
    letters = program.dead_letters()
    assert numbers([letter["event"] for letter in letters]) == [7]
    assert "some error of this event" in str(letters[0])
    assert letters[0]["attempts"] >= 3
    assert max(gateway.ids().values()) == 1


@pytest.mark.parametrize("fault", [{"reset": "before"}, {"status": 429, "retry_after": 1}, {"status": 503},
                                   {"status": 502, "reply": "<html>proxy</html>"}, {"status": 401}, {"status": 404},
                                   {"delay_ms": 4000}, {"half_close": True}, {"slow_ms": 300}],
                         ids=lambda fault: "-".join(f"{k}-{v}"[:16] for k, v in fault.items()))
def test_trouble_of_the_endpoint_is_never_the_events(gateway, tailgate, fault):
    gateway.control(times=3, **fault)
    program = tailgate({"gateway": eventgate_sink(gateway.url, timeout="2s")}).start()
    program.append(*(request_event(n) for n in range(30)))
    gateway.wait_accepted(30, 40)
    program.wait_settled("gateway", 30)
    program.stop()
    assert sorted(set(numbers(gateway.events()))) == list(range(30))
    assert program.dead_letters() == []
    assert program.check_ledger()["gateway"]["delivered"] == 30
    if fault.keys() <= {"reset", "status", "retry_after", "reply"}:
        assert max(gateway.ids().values()) == 1, "nothing was accepted, so nothing may be doubled"


def test_retry_after_is_kept(gateway, tailgate):
    gateway.control(times=1, status=429, retry_after=3)
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    program.append(request_event(0))
    wait_until(lambda: gateway.stats()["requests"] == 1, 10, "the first request")
    began = time.monotonic()
    gateway.wait_accepted(1)
    assert 2.5 < time.monotonic() - began < 8
