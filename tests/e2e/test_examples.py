# SPDX-License-Identifier: Apache-2.0
"""Every settings file in config/ is accepted and runs as it stands, with only addresses and paths given by variables."""
import json
import os
import subprocess

import pytest

from services.process import free_port
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
            "TAILGATE_ADMIN": f"127.0.0.1:{free_port()}"}


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
    assert set(EXAMPLES) == {"minimal.yaml", "stdin-pipe.yaml", "envoy-eventgate.yaml", "envoy-kafka.yaml"}


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


@pytest.mark.services
def test_envoy_eventgate(environment, gateway):
    assert run_once("envoy-eventgate.yaml", {**environment, "EVENTGATE_URL": gateway.url}) == []
    accepted = gateway.events()
    assert len(accepted) == len(LINES)
    assert {event["$schema"] for event in accepted} == {"/mediawiki/api/request/1.0.0"}


@pytest.mark.services
def test_envoy_kafka(environment, kafka):
    assert run_once("envoy-kafka.yaml", {**environment, "KAFKA_BROKERS": kafka.address("plain")}) == []
    messages = kafka.consume("staging.mediawiki.api-request")
    events = [json.loads(message.value) for message in messages]
    assert len(events) == len(LINES)
    assert all(isinstance(event["http"]["status_code"], int) for event in events)
    assert all(message.key == (event.get("client_id") or "").encode() or message.key is None
               for message, event in zip(messages, events))
