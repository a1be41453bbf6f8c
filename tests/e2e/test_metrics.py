# SPDX-License-Identifier: Apache-2.0
"""What the program says about itself, read by the tools that operators use."""
import pytest

from services import faulty
from services.process import wait_until
from services.prometheus import Prometheus, promtool_check
from tailgate import http_sink, request_event


def test_promtool_finds_nothing_to_say(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(request_event(0), "broken")
    server.wait_taken(1)
    status, text = program.admin_get("/metrics")
    assert status == 200
    assert promtool_check(text) == ""
    assert "tailgate_sink_delivered_total" in text and "process_resident_memory_bytes" in text
    assert str(program.input) not in text, "a path as a label would grow without end"


@pytest.mark.services
def test_a_real_prometheus_sees_deliveries_and_an_outage(start_faulty, tailgate, tmp_path):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    prometheus = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{program.admin}").start()
    try:
        program.append(*(request_event(n) for n in range(25)))
        prometheus.wait_value('tailgate_sink_delivered_total{sink="api"}', lambda v: v == 25)
        prometheus.wait_value('tailgate_sink_up{sink="api"}', lambda v: v == 1)
        assert prometheus.query("up")[0]["value"][1] == "1"
        server.default = faulty.status(503)
        program.append(*(request_event(n) for n in range(25, 50)))
        prometheus.wait_value('tailgate_sink_up{sink="api"}', lambda v: v == 0)
        prometheus.wait_value('tailgate_source_lag_bytes{source="access_log"}', lambda v: v > 0)
    finally:
        prometheus.stop()


def test_status_names_files_offsets_and_lanes(start_faulty, tailgate):
    server = start_faulty()
    program = tailgate({"api": http_sink(server.url)}).start()
    program.append(*(request_event(n) for n in range(5)))
    program.wait_settled("api", 5)

    def settled():
        files = program.status()["sources"]["access_log"]["files"]
        return files and files[0]["settled"] == program.input.stat().st_size
    wait_until(settled, 10, "the file's settled offset is its size")
    sink = program.status()["sinks"]["api"]
    assert sink["state"] == "up" and sink["delivered"] == 5 and sink["in_flight"] == 0
