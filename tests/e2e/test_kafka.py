# SPDX-License-Identifier: Apache-2.0
"""A real broker: every way in, killed under load, too large messages, topics that refuse."""
import json
import threading
import time
from collections import defaultdict

import pytest

from services.envoy import Envoy
from services.envoy_traffic import Traffic
from services.gateway import SCHEMAS
from services.process import wait_until
from tailgate import RETRY, eventgate_sink, kafka_sink, numbers, request_event

pytestmark = pytest.mark.services
SCHEMA = SCHEMAS / "mediawiki" / "api" / "request" / "1.0.0"


def events_of(kafka, topic: str, **access) -> list[dict]:
    return [json.loads(message.value) for message in kafka.consume(topic, **access)]


@pytest.mark.parametrize("listener", ["plain", "tls", "sasl", "sasl_tls"])
def test_each_way_in(kafka, tailgate, listener):
    topic = f"way-{listener}"
    program = tailgate({"stream": kafka_sink(kafka, topic, listener, key="{http.method}")})
    program.append(*(request_event(n) for n in range(50)))
    assert program.once() == 0, program.log()
    messages = kafka.consume(topic)
    assert sorted(numbers(json.loads(m.value) for m in messages)) == list(range(50))
    assert {m.key for m in messages} == {b"GET"}
    assert program.check_ledger()["stream"]["delivered"] == 50


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("listener", ["sasl", "sasl_tls"])
def test_scram(kafka3, tailgate, listener, mechanism):
    topic = f"scram-{listener}-{mechanism}"
    program = tailgate({"stream": kafka_sink(kafka3, topic, listener, mechanism)})
    program.append(*(request_event(n) for n in range(20)))
    assert program.once() == 0, program.log()
    assert sorted(numbers(events_of(kafka3, topic))) == list(range(20))


@pytest.mark.parametrize("wrong", [{"sasl.password": "wrong"},
                                   {"ssl.ca.location": "/etc/ssl/certs/ca-certificates.crt"}],
                         ids=["password", "authority"])
def test_a_wrong_credential_keeps_the_lines(kafka, tailgate, wrong):
    topic = f"wrong-{list(wrong)[0]}"
    sink = kafka_sink(kafka, topic, "sasl_tls", options=wrong)
    program = tailgate({"stream": sink}).start()
    program.append(*(request_event(n) for n in range(5)))
    wait_until(lambda: program.admin_status("/delivery") == 503, 30, "/delivery says that the broker refuses us")
    assert program.admin_status("/readyz") == 200
    program.stop()
    assert program.dead_letters() == []
    program.settings["sinks"]["stream"] = kafka_sink(kafka, topic, "sasl_tls")
    program.start()
    wait_until(lambda: len(events_of(kafka, topic)) >= 5, 30, "the lines arrive with the right credential")
    assert sorted(numbers(events_of(kafka, topic))) == list(range(5))


def in_order_per_partition(kafka, topic: str, count: int, exactly_once: bool = True):
    seen = defaultdict(list)
    for message in kafka.consume(topic):
        seen[message.partition].append(numbers([json.loads(message.value)])[0])
    everything = sorted(n for part in seen.values() for n in part)
    assert sorted(set(everything)) == list(range(count)), f"lost: {sorted(set(range(count)) - set(everything))[:20]}"
    if exactly_once:
        assert len(everything) == count, "an idempotent producer does not double within a run"
    for partition, part in seen.items():
        first_seen = list(dict.fromkeys(part))
        assert first_seen == sorted(first_seen), f"partition {partition} is out of order"


class Writer(threading.Thread):
    """Appends numbered events at a steady rate until told to stop."""

    def __init__(self, program, per_second: int):
        super().__init__(daemon=True)
        self.program, self.per_second, self.count = program, per_second, 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            step = max(self.per_second // 20, 1)
            self.program.append(*(request_event(n) for n in range(self.count, self.count + step)))
            self.count += step
            time.sleep(0.05)

    def finish(self) -> int:
        self.ended.set()
        self.join()
        return self.count


@pytest.mark.slow
def test_a_broker_killed_under_load_costs_no_event_and_no_order(kafka, tailgate):
    kafka.create_topic("killed", 3)
    program = tailgate({"stream": kafka_sink(kafka, "killed")}).start()
    writer = Writer(program, 2000)
    writer.start()
    for _ in range(2):
        time.sleep(3)
        kafka.kill()
        time.sleep(2)
        kafka.restart()
    time.sleep(2)
    count = writer.finish()
    program.wait_settled("stream", count, 90)
    assert program.stop() == 0
    in_order_per_partition(kafka, "killed", count)
    assert program.dead_letters() == []
    assert program.check_ledger()["stream"]["delivered"] == count


@pytest.mark.slow
def test_a_broker_that_hangs_is_said_and_waited_for(kafka, tailgate):
    program = tailgate({"stream": kafka_sink(kafka, "hung")}).start()
    program.append(*(request_event(n) for n in range(100)))
    program.wait_settled("stream", 100)
    kafka.pause()
    try:
        program.append(*(request_event(n) for n in range(100, 200)))
        wait_until(lambda: program.admin_status("/delivery") == 503, 40, "/delivery says that no report comes")
        assert program.admin_status("/readyz") == 200
    finally:
        kafka.resume()
    program.wait_settled("stream", 200, 60)
    assert program.stop() == 0
    in_order_per_partition(kafka, "hung", 200)


@pytest.mark.slow
def test_the_shipper_killed_under_load_loses_nothing(kafka, tailgate):
    kafka.create_topic("shipper-killed", 1)
    program = tailgate({"stream": kafka_sink(kafka, "shipper-killed")}).start()
    writer = Writer(program, 2000)
    writer.start()
    for _ in range(4):
        time.sleep(1.3)
        program.kill()
        program.start()
    count = writer.finish()
    wait_until(lambda: program.metric("tailgate_source_lag_bytes") == 0, 60, "everything is settled")
    assert program.stop() == 0
    in_order_per_partition(kafka, "shipper-killed", count, exactly_once=False)


def test_a_message_over_the_topics_limit_is_the_only_dead_letter(kafka, tailgate):
    kafka.create_topic("small", 1, max_message_bytes=2000)
    program = tailgate({"stream": kafka_sink(kafka, "small", options={"linger.ms": 300})})
    lines = [request_event(n) for n in range(50)]
    lines[20]["params"] = {"pad": "x" * 5000}
    program.append(*lines)
    assert program.once() == 3, program.log()
    assert sorted(numbers(events_of(kafka, "small"))) == [n for n in range(50) if n != 20]
    letters = program.dead_letters()
    assert numbers([letter["event"] for letter in letters]) == [20]
    assert "large" in letters[0]["reason"], letters[0]["reason"]


def test_a_topic_that_is_denied_holds_the_lines_until_it_is_allowed(kafka, tailgate):
    kafka.create_topic("denied", 1)
    kafka.deny("denied")
    program = tailgate({"stream": kafka_sink(kafka, "denied", "sasl")}).start()
    program.append(*(request_event(n) for n in range(10)))
    wait_until(lambda: program.admin_status("/delivery") == 503, 40, "/delivery says that the topic is denied")
    assert program.dead_letters() == []
    kafka.undeny("denied")
    wait_until(lambda: len(events_of(kafka, "denied")) >= 10, 60, "the lines arrive once allowed")
    assert sorted(set(numbers(events_of(kafka, "denied")))) == list(range(10))


def test_a_topic_from_a_template(kafka, tailgate):
    sink = kafka_sink(kafka, "t.{meta.stream|unknown}", topics=["t.*"])
    program = tailgate({"stream": sink})
    lines = [request_event(n, meta={"stream": f"s{n % 3}"}) for n in range(30)]
    lines += [request_event(n, meta={"dt": "2026-11-23T00:00:00Z"}) for n in range(30, 33)]
    program.append(*lines)
    assert program.once() == 0, program.log()
    for part in range(3):
        assert sorted(numbers(events_of(kafka, f"t.s{part}"))) == list(range(part, 30, 3))
    assert sorted(numbers(events_of(kafka, "t.unknown"))) == [30, 31, 32]


def test_the_whole_way_from_envoy_through_the_gateway_to_kafka(kafka, start_gateway, tailgate, tmp_path):
    gateway = start_gateway(kafka=kafka.address())
    chain = [{"unflatten": {"separator": "_", "schema": str(SCHEMA)}}, {"convert": {"schema": str(SCHEMA)}},
             {"drop_nulls": {}},
             {"add_client_id": {"from": [{"jwt": "http.request_headers.authorization", "claims": ["client_id"]}],
                                "to": "client_id"}}]
    program = tailgate({"gateway": eventgate_sink(gateway.url, retry={**RETRY, "max": "2s"})}, chain)
    envoy = Envoy(tmp_path / "envoy", log=program.input).start()
    try:
        program.start()
        traffic = Traffic(envoy)
        traffic.send(60)
        envoy.rotate()
        traffic.send(60)
        traffic.break_off()
        time.sleep(0.5)
        count = envoy.lines()
        program.wait_settled("gateway", count, 60)
    finally:
        envoy.stop()
    assert program.stop() == 0
    stored = events_of(kafka, "mediawiki.api-request")
    assert len(stored) == len({event["meta"]["id"] for event in stored}) == count >= 120
    assert any(event.get("client_id", "").startswith("app-") for event in stored)
    assert not any("authorization" in event["http"].get("request_headers", {}) for event in stored)


def test_the_gateway_takes_good_neighbours_down_with_a_too_large_message(kafka, start_gateway, tailgate):
    kafka.create_topic("gate-small", 1, max_message_bytes=2000)
    gateway = start_gateway(kafka=kafka.address())
    program = tailgate({"gateway": eventgate_sink(gateway.url, retry={**RETRY, "event_attempts": 4})}).start()
    lines = [request_event(n, meta={"stream": "gate-small"}) for n in range(16)]
    lines[5]["params"] = {"pad": "x" * 5000}
    program.append(*lines)
    program.wait_settled("gateway", 16, 60)
    assert sorted(set(numbers(events_of(kafka, "gate-small")))) == [n for n in range(16) if n != 5]
    letters = program.dead_letters()
    assert numbers([letter["event"] for letter in letters]) == [5]
    assert "message size too large" in json.dumps(letters[0])
