# SPDX-License-Identifier: Apache-2.0
"""The stand-in gateway answers as the recorded one: every recorded request is sent again and compared."""
import gzip
import http.client
import json
from pathlib import Path

import pytest

from services.gateway import Gateway

RECORDINGS = sorted((Path(__file__).parent / "gateway" / "recordings").glob("*.json"))
EVENT = json.loads((Path(__file__).parent / "gateway" / "recordings" / "01-single-object-201.json").read_text())
PADDED_BYTES = 1376  # bytes of one event in the recorded large bodies, comma and space included


def padded(count: int) -> bytes:
    """`count` valid events in exactly 1376 bytes each: the size of the recorded large bodies."""
    event = dict(EVENT["request"]["body"], params={"x": ""})
    event["params"]["x"] = "y" * (PADDED_BYTES - 2 - len(json.dumps(event)))
    return json.dumps([event] * count).encode()


def two_events() -> list:
    return [EVENT["request"]["body"]] * 2


# Bodies that the recordings only describe, made again.
REMADE = {
    "31-too-large-413-4mb": lambda: padded(3300),
    "32-just-under-4mb": lambda: padded(3000),
    "33-gzip": lambda: gzip.compress(json.dumps(two_events()).encode()),
    "34-gzip-bomb-over-limit": lambda: gzip.compress(b'{"a":"' + b"x" * 16_000_000 + b'"}'),
    "35-zstd-encoding": lambda: b"\x28\xb5\x2f\xfd",
    "42-bad-utf8": lambda: b'{"$schema":"/mediawiki/api/request/1.0.0","meta":{"stream":"mediawiki.api-request"},'
                           b'"client_id":"\xff\xfe"}',
    "65-default-limit-413": lambda: padded(100),
    "66-default-limit-just-under": lambda: padded(70),
    "67-20MB-body": lambda: padded(15000),
}

# What the broker behind the gateway was doing when it was recorded.
BROKER = {
    "62-kafka-broker-rejects-size": {"error_events": {"match": '"t6"', "message": "message size too large"}},
    "63-kafka-mixed-size": {"error_events": {"match": '"t6"', "message": "message size too large"}},
    "68-kafka-hung-500": {"kafka_hang": 200},
    "69-kafka-hung-mixed-500": {"kafka_hang": 200},
    "70-kafka-hung-hasty-202": {"kafka_hang": 200},
    "72-kafka-dead-500": {"kafka_hang": 200},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("gateway")).start()
    yield gateway
    gateway.stop()


def body_of(name: str, request: dict) -> bytes | None:
    if name in REMADE:
        return REMADE[name]()
    body = request["body"]
    if isinstance(body, str):
        return body.encode()
    return None if body is None else json.dumps(body).encode()


def send(port: int, request: dict, body: bytes | None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(request["method"], request["path"], skip_accept_encoding=True)
    for name, value in request["headers"].items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    kind = answer.getheader("content-type", "")
    return answer, json.loads(text) if kind.startswith("application/json") else text


def without_parser_text(body):
    """JSON.parse words its error differently in every version of Node: there must be one, whatever it says."""
    if not isinstance(body, dict) or body.get("title") != "SyntaxError":
        return body
    return {**body, "detail": bool(body["detail"])}


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_answers_as_recorded(gateway, path):
    recorded = json.loads(path.read_text())
    request, expected = recorded["request"], recorded["response"]
    limit = 4 * 1024 * 1024 if "config-file" in recorded["eventgate"] else 102400
    gateway.control(clear=True, body_limit=limit, **BROKER.get(path.stem, {}))
    body = body_of(path.stem, request)
    if not path.stem.startswith(("33", "34", "42", "35")):
        assert len(body or b"") == request["body_bytes"]
    answer, answered = send(gateway.port, request, body)
    assert (answer.status, answer.reason) == (expected["status"], expected["reason"])
    assert without_parser_text(answered) == without_parser_text(expected["body"])
    for header in ("content-type", "allow"):
        wanted = {k.lower(): v for k, v in expected["headers"].items()}.get(header)
        assert answer.getheader(header) == wanted
    assert answer.getheader("keep-alive") == "timeout=5"


def test_accepted_events_are_written_down_with_the_defaults_of_their_schema(gateway):
    gateway.clear()
    before = len(gateway.accepted())
    send(gateway.port, {"method": "POST", "path": "/v1/events", "headers": {"content-type": "application/json"}},
         json.dumps(two_events()).encode())
    entries = gateway.accepted()[before:]
    assert [entry["id"] for entry in entries] == [EVENT["request"]["body"]["meta"]["id"]] * 2
    assert entries[0]["event"]["http"]["has_cookies"] is False
