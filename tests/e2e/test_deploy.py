# SPDX-License-Identifier: Apache-2.0
"""What deploy/ hands to others: the manifest parses, its settings are accepted by the program, its numbers fit."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from services import envoy

REPO = Path(__file__).resolve().parents[2]
TAILGATE = os.environ.get("TAILGATE", str(REPO / "build/dev/tailgate"))
DOCUMENTS = list(yaml.safe_load_all((REPO / "deploy/kubernetes.yaml").read_text()))
SETTINGS = {d["metadata"]["name"]: d["data"] for d in DOCUMENTS if d["kind"] == "ConfigMap"}
POD = next(d for d in DOCUMENTS if d["kind"] == "Deployment")["spec"]["template"]["spec"]
SIDECAR = next(c for c in POD["initContainers"] if c["name"] == "tailgate")


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


def size(text):
    number, unit = re.fullmatch(r"(\d+)([KMG]i)B?", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def test_the_settings_in_the_manifest_are_valid(tmp_path):
    file = tmp_path / "tailgate.yaml"
    file.write_text(SETTINGS["tailgate"]["tailgate.yaml"])
    done = subprocess.run([TAILGATE, "validate", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_sidecar_outlives_the_gateway_and_is_never_in_the_way_of_it():
    assert all(c["restartPolicy"] == "Always" for c in POD["initContainers"])
    assert POD["initContainers"][0] is SIDECAR  # first to start, last to end
    assert "readinessProbe" not in SIDECAR
    for probe in ("startupProbe", "livenessProbe"):
        assert SIDECAR[probe]["exec"]["command"] == ["/usr/bin/tailgate", "health"]


def test_the_grace_periods_fit_into_the_pods():
    shutdown = yaml.safe_load(SETTINGS["tailgate"]["tailgate.yaml"])["shutdown"]
    drain = 15 + 10  # the gateway's preStop and end
    assert seconds(shutdown["grace"]) + drain + 5 <= POD["terminationGracePeriodSeconds"]
    assert seconds(shutdown["quiet"]) > 10  # Envoy flushes every 10 s
    unit = (REPO / "deploy/tailgate.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)", unit, re.M).group(1)) > seconds(shutdown["grace"])


def test_the_volumes_hold_what_the_settings_allow():
    settings = yaml.safe_load(SETTINGS["tailgate"]["tailgate.yaml"])
    limits = {v["name"]: size(v["emptyDir"]["sizeLimit"]) for v in POD["volumes"] if "emptyDir" in v}
    rotate = next(c for c in POD["initContainers"] if c["name"] == "rotate")["command"][-1]
    each = int(re.search(r"\((\d+) << 20\)", rotate).group(1)) << 20
    kept = int(re.search(r"tail -n \+(\d+)", rotate).group(1)) - 1
    assert each * (kept + 1) < limits["log"]
    source = settings["sources"]["access_log"]
    assert size(source["rotated"]["max_bytes"]) < limits["log"]
    assert size(source["max_backlog"]) + each < limits["log"] and source["when_backlog_full"] == "drop_oldest"
    assert size(settings["dead_letters"]["max_bytes"]) < limits["state"]
    assert size(settings["memory_limit"]) + (20 << 20) < size(SIDECAR["resources"]["limits"]["memory"])


def test_every_container_is_confined():
    assert POD["securityContext"]["runAsNonRoot"] and POD["securityContext"]["runAsUser"] == 65532
    for container in POD["initContainers"] + POD["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.services
def test_the_manifests_envoy_settings_are_accepted_by_a_real_envoy(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_text(SETTINGS["envoy"]["envoy.yaml"].replace("/var/log/envoy", str(tmp_path)))
    done = subprocess.run([envoy.binary(), "--mode", "validate", "-c", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_rotation_renames_the_large_log_and_keeps_the_newest(tmp_path):
    """The container's own script, with small sizes, no waiting, and nobody on Envoy's port."""
    script = next(c for c in POD["initContainers"] if c["name"] == "rotate")["command"][-1]
    script = script.replace("/var/log/envoy", str(tmp_path)).replace("256 << 20", "10").replace("while sleep 5", "for _ in 1")
    script = script.replace("/dev/tcp/127.0.0.1/9901", "/dev/null")
    for age in range(12):
        old = tmp_path / f"access.log.{age:02}"
        old.write_text("old\n")
        os.utime(old, (age + 1, age + 1))
    (tmp_path / "access.log").write_text("more than ten bytes\n")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = sorted(f.name for f in tmp_path.iterdir())
    assert len(names) == 12 and "access.log" not in names and "access.log.00" not in names


def test_the_unit_is_understood_by_systemd(tmp_path):
    if not shutil.which("systemd-analyze"):
        text = (REPO / "deploy/tailgate.service").read_text()
        assert re.findall(r"^\[(\w+)\]$", text, re.M) == ["Unit", "Service", "Install"]
        return
    unit = tmp_path / "tailgate.service"
    text = (REPO / "deploy/tailgate.service").read_text()
    unit.write_text(text.replace("/usr/bin/tailgate", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "tailgate.service" not in done.stderr, done.stderr


def test_the_metrics_table_is_what_the_program_exports():
    documented = set(re.findall(r"^\| `(tailgate_\w+)`", (REPO / "deploy/OPERATIONS.md").read_text(), re.M))
    exported = set(re.findall(r'"(tailgate_\w+)"', (REPO / "src/metrics/exporter.cpp").read_text()))
    assert documented == exported
