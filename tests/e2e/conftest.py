# SPDX-License-Identifier: Apache-2.0
"""Fixtures: real services, one of each for the whole run, and the program under test."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from services.faulty import Faulty  # noqa: E402
from services.gateway import Gateway  # noqa: E402
from services.kafka import Kafka  # noqa: E402
from tailgate import Tailgate  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out tests marked services or slow")
    parser.addoption("--hang", type=int, default=60, help="how long the broker behind the gateway hangs, in seconds")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--quick"):
        return
    left_out = [item for item in items if item.get_closest_marker("services") or item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """Kafka 4: whoever stops or kills it starts it again."""
    broker = Kafka(tmp_path_factory.mktemp("kafka")).start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def kafka3(tmp_path_factory):
    """Kafka 3.9, with which the distribution's librdkafka can do SCRAM."""
    broker = Kafka(tmp_path_factory.mktemp("kafka3"), "3.9.2").start()
    yield broker
    broker.stop()


@pytest.fixture
def start_gateway(tmp_path):
    """start_gateway(body_limit=…, kafka=…) → a running Gateway."""
    started = []

    def start(**options) -> Gateway:
        started.append(Gateway(tmp_path / f"gateway{len(started)}", **options).start())
        return started[-1]
    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


@pytest.fixture
def start_faulty():
    """start_faulty([step, …], default=…) → a running Faulty."""
    started = []

    def start(*args, **options) -> Faulty:
        started.append(Faulty(*args, **options).start())
        return started[-1]
    yield start
    for server in started:
        server.stop()


@pytest.fixture
def tailgate(tmp_path):
    """tailgate(sinks=…, filters=…, …) → a Tailgate, not yet started."""
    made = []

    def make(sinks: dict, filters: list | None = None, **settings) -> Tailgate:
        made.append(Tailgate(tmp_path / f"tailgate{len(made)}", sinks, filters, **settings))
        return made[-1]
    yield make
    for program in made:
        program.close()
