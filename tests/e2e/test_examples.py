# SPDX-License-Identifier: Apache-2.0
"""Every settings file in config/ is accepted and runs as it stands, with only addresses and paths given by variables."""
import json
import os
import subprocess

import pytest
import yaml

from services.envoy import Envoy
from services.envoy_traffic import Traffic
from services.process import free_port, wait_until
from tailgate import DATA, REPO, binary

EXAMPLES = {path.name: path for path in sorted((REPO / "config").glob("*.yaml"))
            if "\nsources:" in path.read_text()}
LOG = DATA / "envoy-access.jsonl"
LINES = LOG.read_text().splitlines()


@pytest.fixture
def environment(tmp_path):
    log = tmp_path / "access.log"
    log.write_bytes(LOG.read_bytes())
    return {**os.environ, "TAILGATE_DATA": str(tmp_path / "data"), "TAILGATE_LOG": str(log),
            "TAILGATE_ERRORS": str(tmp_path / "errors.jsonl"), "TAILGATE_ADMIN": f"127.0.0.1:{free_port()}"}


def run_once(name: str, environment, stdin: bytes = b"", exit_code: int = 0) -> list[dict]:
    done = subprocess.run([binary(), "run", "-c", EXAMPLES[name], "--once"], input=stdin, env=environment,
                          capture_output=True, timeout=60)
    assert done.returncode == exit_code, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def holds_null(value) -> bool:
    if isinstance(value, dict):
        return any(holds_null(member) for member in value.values())
    return value is None


def test_each_example_has_its_test():
    assert set(EXAMPLES) == {"minimal.yaml", "stdin-pipe.yaml", "envoy-eventgate.yaml", "envoy-kafka.yaml",
                             "container-http.yaml"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_validate_accepts_it(name, environment):
    done = subprocess.run([binary(), "validate", EXAMPLES[name]], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_minimal(environment):
    events = run_once("minimal.yaml", environment)
    assert len(events) == len(LINES)
    assert not any(holds_null(event) for event in events)


def test_stdin_pipe(environment):
    text_between = b"[2026-11-23 00:00:00.000][1][info] a line that is not JSON\n"
    events = run_once("stdin-pipe.yaml", environment, text_between + (REPO / "config/sample-access.jsonl").read_bytes(),
                      exit_code=3)  # one line of the sample is broken on purpose: a dead letter
    sample = (REPO / "config/sample-access.jsonl").read_text().splitlines()
    assert len(events) == len(sample) - 1
    assert all(isinstance(event["http"], dict) for event in events if "http" in event)
    assert any("client_id" in event for event in events)


def test_container_http(environment, start_faulty, tmp_path):
    server = start_faulty()
    wrapped = ["2026-11-23T00:47:27.919456789Z stderr F [info] a line that is not JSON"]
    for number, (path, status) in enumerate([("/health", 200), ("/api", 200), ("/api", 503)]):
        line = json.dumps({"http.path": path, "http.status_code": status, "http.referer": None, "n": number})
        wrapped.append(f"2026-11-23T00:47:27.919456789Z stdout F {line}")
    log = tmp_path / "0.log"
    log.write_text("\n".join(wrapped) + "\n")
    settings = {**environment, "TAILGATE_LOG": str(log), "HTTP_URL": server.url}
    assert run_once("container-http.yaml", settings) == []
    arrived = [{"http": {"path": "/api", "status_code": status}, "n": n} for n, status in ((1, 200), (2, 503))]
    assert server.taken() == arrived
    assert [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()] == arrived[1:]


@pytest.mark.services
def test_envoy_eventgate(environment, gateway):
    assert run_once("envoy-eventgate.yaml", {**environment, "EVENTGATE_URL": gateway.url}) == []
    accepted = gateway.events()
    assert len(accepted) == len(LINES)
    assert {event["$schema"] for event in accepted} == {"/mediawiki/api/request/1.0.0"}


@pytest.mark.services
def test_what_envoy_writes_by_the_snippet_is_what_the_gateway_accepts(environment, gateway, tmp_path):
    snippet = yaml.safe_load((REPO / "config/envoy-access-log.yaml").read_text())
    envoy = Envoy(tmp_path / "envoy", log=tmp_path / "snippet.log", access_log=snippet["access_log"]).start()
    try:
        traffic = Traffic(envoy)
        traffic.send(60)
        traffic.break_off()
        wait_until(lambda: envoy.lines() >= 60, 10, "Envoy has written its log")
    finally:
        envoy.stop()
    settings = {**environment, "TAILGATE_LOG": str(envoy.log), "EVENTGATE_URL": gateway.url}
    assert run_once("envoy-eventgate.yaml", settings) == []
    accepted = gateway.events()
    assert len(accepted) == envoy.lines()
    assert any(event.get("client_id", "").startswith("app-") for event in accepted)
    assert not any(holds_null(event) for event in accepted)


@pytest.mark.services
def test_envoy_kafka(environment, kafka):
    assert run_once("envoy-kafka.yaml", {**environment, "KAFKA_BROKERS": kafka.address("plain")}) == []
    messages = kafka.consume("staging.mediawiki.api-request")
    events = [json.loads(message.value) for message in messages]
    assert len(events) == len(LINES)
    assert all(isinstance(event["http"]["status_code"], int) for event in events)
    assert all(message.key == (event.get("client_id") or "").encode() or message.key is None
               for message, event in zip(messages, events))
