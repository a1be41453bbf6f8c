# SPDX-License-Identifier: Apache-2.0
"""The whole access log of a real Envoy into the event gateway, and what the gateway refuses."""
import json
import subprocess

from services.gateway import SCHEMAS
from services.process import wait_until
from tailgate import DATA, RETRY, eventgate_sink, numbers, request_event

SCHEMA = SCHEMAS / "mediawiki" / "api" / "request" / "1.0.0"
LOG = DATA / "envoy-access.jsonl"
LINES = LOG.read_text().splitlines()


def nested_chain(separator: str) -> list:
    unflatten = {"separator": separator}
    if separator == "_":
        unflatten["schema"] = str(SCHEMA)
    return [{"unflatten": unflatten}, {"convert": {"schema": str(SCHEMA)}}, {"drop_nulls": {}}]


def dotted(line: str) -> dict:
    """The same line as a gateway writes it whose log format joins by dots."""
    known = {"meta": "meta.", "http_request_headers": "http.request_headers.",
             "http_response_headers": "http.response_headers.", "http": "http."}
    event = {}
    for key, value in json.loads(line).items():
        prefix = next((p for p in sorted(known, key=len, reverse=True) if key.startswith(p + "_")), None)
        event[known[prefix] + key[len(prefix) + 1:] if prefix else key] = value
    return event


def deep_drop(value):
    """What drop_nulls does: nulls of objects at every depth, in arrays too, and what is emptied by it."""
    if isinstance(value, list):
        smaller = [(item, deep_drop(item)) for item in value]
        return [after for item, after in smaller if after != {} or item == {}]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, member in value.items():
        smaller = deep_drop(member)
        if smaller is None or (smaller == {} and member != {}):
            continue
        kept[key] = smaller
    return kept


def expected(line: str) -> dict:
    nested: dict = {}
    for key, value in dotted(line).items():
        if key == "backend_time_ms" and value is not None:
            value = int(value)
        *folders, leaf = key.split(".") if key.startswith(("meta.", "http.")) else [key]
        if folders and folders[-1].endswith("_headers"):
            folders, leaf = folders, leaf
        at = nested
        for folder in folders:
            at = at.setdefault(folder, {})
        at[leaf] = value
    return deep_drop(nested)


def without_id(event: dict) -> dict:
    """meta.id is the shipper's own; the schema's default is the gateway's."""
    event = json.loads(json.dumps(event))
    event["meta"].pop("id", None)
    event["http"].pop("has_cookies", None)
    return event


def check_all_arrived(program, gateway):
    assert program.once() == 0, program.log()
    entries = gateway.accepted()
    assert len(entries) == len(LINES) == len(gateway.ids())
    arrived = sorted(json.dumps(without_id(entry["event"]), sort_keys=True) for entry in entries)
    assert arrived == sorted(json.dumps(without_id(expected(line)), sort_keys=True) for line in LINES)
    assert gateway.stats()["invalid"] == 0
    assert program.check_ledger()["gateway"]["delivered"] == len(LINES)


def test_every_envoy_line_is_accepted_with_underscores_split_by_the_schema(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)}, nested_chain("_"))
    program.append(*LINES)
    check_all_arrived(program, gateway)


def test_every_envoy_line_is_accepted_with_dots(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)}, nested_chain("."))
    program.append(*(dotted(line) for line in LINES))
    check_all_arrived(program, gateway)


def test_jq_agrees_about_the_nested_events(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)}, nested_chain("."))
    dots = [json.dumps(dotted(line)) for line in LINES]
    program.append(*dots)
    assert program.once() == 0
    script = """def drop: if type=="object" then with_entries(.value|=drop)
        | with_entries(select(.value!=null and .value!={}))
        elif type=="array" then map(drop) | map(select(.!={})) else . end;
        reduce to_entries[] as $e ({}; setpath($e.key|split("."); $e.value))
        | if .backend_time_ms then .backend_time_ms |= tonumber else . end | drop"""
    answer = subprocess.run(["jq", "-c", script], input="\n".join(dots), capture_output=True, text=True, check=True)
    wanted = sorted(json.dumps(without_id(json.loads(line)), sort_keys=True) for line in answer.stdout.splitlines())
    assert sorted(json.dumps(without_id(e), sort_keys=True) for e in gateway.events()) == wanted


def test_without_convert_the_gateway_refuses_what_is_still_a_string(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)},
                       [{"unflatten": {"separator": "_", "schema": str(SCHEMA)}}, {"drop_nulls": {}}])
    program.append(*LINES)
    assert program.once() == 3
    letters = program.dead_letters()
    assert len(letters) == 318
    assert len(gateway.ids()) == len(gateway.accepted()) == len(LINES) - 318
    assert all("'.backend_time_ms' should be integer" in json.dumps(letter) for letter in letters)


def test_a_mixed_batch_is_delivered_once_and_its_invalid_events_are_dead_letters(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    lines = [request_event(n) for n in range(20)]
    for n in (3, 7):
        lines[n]["http"]["status_code"] = "many"
    program.append(*lines)
    program.wait_settled("gateway", 20)
    asked = gateway.stats()["requests"]
    assert program.stop() in (0, 3)
    assert sorted(numbers(gateway.events())) == [n for n in range(20) if n not in (3, 7)]
    letters = program.dead_letters()
    assert sorted(numbers([letter["event"] for letter in letters])) == [3, 7]
    for letter in letters:
        assert letter["stage"] == "sink" and letter["sink"] == "gateway"
        assert "'.http.status_code' should be integer" in letter["reason"] + json.dumps(letter.get("answer", ""))
    assert asked <= 2, "an invalid event is not sent again"
    assert program.check_ledger()["gateway"] == {"dispatched": 20, "delivered": 18, "dead-lettered": 2, "dropped": 0,
                                                 "waiting": 0}


def test_an_event_whose_schema_cannot_be_loaded_does_not_hold_the_others(gateway, tailgate):
    program = tailgate({"gateway": eventgate_sink(gateway.url, retry={**RETRY, "event_attempts": 3})})
    lines = [request_event(n) for n in range(6)]
    lines[2]["$schema"] = "/no/such/schema/1.0.0"
    program.append(*lines)
    program.start()
    gateway.wait_accepted(5)
    assert sorted(numbers(gateway.events())) == [0, 1, 3, 4, 5]
    assert max(gateway.ids().values()) == 1


def test_a_body_over_the_limit_is_split_and_the_limit_remembered(start_gateway, tailgate):
    gateway = start_gateway(body_limit=20_000)
    program = tailgate({"gateway": eventgate_sink(gateway.url, batch={"max_bytes": "90KiB", "max_wait": "300ms"})})
    program.start()
    program.append(*(request_event(n, params={"pad": "x" * 500}) for n in range(300)))
    gateway.wait_accepted(300)
    refused = [r for r in gateway.requests() if r["status"] == 500]
    assert 1 <= len(refused) <= 12
    before = len(refused)
    program.append(*(request_event(n, params={"pad": "x" * 500}) for n in range(300, 600)))
    gateway.wait_accepted(600)
    later = [r for r in gateway.requests() if r["status"] == 500]
    assert len(later) - before <= 1, "the limit was forgotten"
    assert sorted(numbers(gateway.events())) == list(range(600))
    assert max(gateway.ids().values()) == 1
    program.stop()
    assert program.dead_letters() == []


def test_a_single_event_over_the_limit_is_a_dead_letter_and_its_neighbours_arrive(start_gateway, tailgate):
    gateway = start_gateway(body_limit=20_000)
    program = tailgate({"gateway": eventgate_sink(gateway.url)})
    lines = [request_event(n) for n in range(10)]
    lines[4]["params"] = {"pad": "x" * 30_000}
    program.append(*lines)
    program.start()
    program.wait_settled("gateway", 10)
    assert sorted(numbers(gateway.events())) == [n for n in range(10) if n != 4]
    assert numbers([letter["event"] for letter in program.dead_letters()]) == [4]


def test_the_same_line_keeps_its_id_when_an_answer_is_lost(gateway, tailgate):
    gateway.control(reset="after", times=1)
    program = tailgate({"gateway": eventgate_sink(gateway.url)}).start()
    program.append(*(request_event(n) for n in range(5)))
    wait_until(lambda: gateway.stats()["accepted"] >= 10, 20, "both attempts were accepted")
    assert len(gateway.ids()) == 5, "a repeated event is known by its id"
    program.wait_settled("gateway", 5)
    program.stop()
    assert program.check_ledger()["gateway"]["delivered"] == 5
