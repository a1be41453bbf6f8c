# SPDX-License-Identifier: Apache-2.0
"""What a plain HTTP sink refuses: the poison alone is condemned, and a wrong setting pours nothing away."""
from services import faulty
from services.process import wait_until
from tailgate import http_sink, numbers, request_event


def poison(number: int) -> dict:
    return request_event(number, poison=True)


def test_a_poison_event_at_the_head_holds_nothing_up(start_faulty, tailgate):
    for in_flight in (1, 4):
        server = start_faulty(default=faulty.poison(b'"poison"'))
        program = tailgate({"api": http_sink(server.url, max_in_flight=in_flight, batch={"max_wait": "20ms"})}).start()
        program.append(poison(100))
        wait_until(lambda: program.admin_status("/delivery") == 503, 10, "nothing was accepted yet")
        program.append(*(request_event(n) for n in range(20)))
        program.wait_settled("api", 21)
        assert sorted(numbers(server.taken())) == list(range(20))
        letters = program.dead_letters()
        assert [numbers([letter["event"]]) for letter in letters] == [[100]]
        assert program.stop() == 3


def test_a_server_that_finds_everything_too_large_gets_no_log_poured_away(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(413))
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(3000)))
    program.wait_log("waiting instead of filling the dead letters", 60)
    assert len(program.dead_letters()) < 1100
    server.default = faulty.ok()
    program.wait_settled("api", 3000, 60)
    assert len(numbers(server.taken())) == 3000 - len(program.dead_letters())


def test_in_strict_order_a_poison_event_at_the_head_goes_after_event_attempts(start_faulty, tailgate):
    server = start_faulty(default=faulty.poison(b'"poison"'))
    retry = {"initial": "20ms", "max": "100ms", "event_attempts": 5}
    program = tailgate({"api": http_sink(server.url, ordering="strict", retry=retry)})
    program.append(poison(100), *(request_event(n) for n in range(20)))
    program.start()
    program.wait_settled("api", 21)
    assert numbers(server.taken()) == list(range(20))
    letters = program.dead_letters()
    assert [numbers([letter["event"]]) for letter in letters] == [[100]]
    assert letters[0]["attempts"] >= 5
    assert program.stop() == 3


def test_in_strict_order_a_server_that_refuses_everything_is_waited_for(start_faulty, tailgate):
    server = start_faulty(default=faulty.status(400))
    retry = {"initial": "20ms", "max": "500ms", "event_attempts": 10}
    program = tailgate({"api": http_sink(server.url, ordering="strict", retry=retry)})
    program.append(*(request_event(n) for n in range(100)))
    program.start()
    wait_until(lambda: program.dead_letters(), 30, "the first is condemned")
    assert len(program.dead_letters()) < 10
    server.default = faulty.ok()
    program.wait_settled("api", 100)
    assert numbers(server.taken()) == list(range(len(program.dead_letters()), 100))
