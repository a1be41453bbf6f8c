# SPDX-License-Identifier: Apache-2.0
"""Debian's prometheus, not as a system service: scrapes one address every second and answers queries."""
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from .install import ensure
from .process import Process, free_port

CONFIG = """global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
- job_name: tailgate
  static_configs: [{{targets: ["{target}"]}}]
"""


def binary(name: str) -> str:
    return shutil.which(name) or str(ensure("prometheus") / "root" / "usr" / "bin" / name)


def promtool_check(metrics: str) -> str:
    """What `promtool check metrics` finds wrong: nothing is an empty string."""
    done = subprocess.run([binary("promtool"), "check", "metrics"], input=metrics, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() if done.returncode or done.stderr else ""


class Prometheus:
    def __init__(self, folder: Path, target: str):
        self.folder = folder
        self.port = free_port()
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(CONFIG.format(target=target))

    def start(self) -> "Prometheus":
        self.process = Process("prometheus", [
            binary("prometheus"), f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn"], self.folder / "prometheus.log")
        self.process.wait_ready(self.ready, 30)
        return self

    def ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).status == 200
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.stop(5)

    def query(self, expression: str) -> list[dict]:
        """[{"metric": labels, "value": [time, text]}]"""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]["result"]

    def wait_value(self, expression: str, accept, timeout: float = 20) -> float:
        """The first value of the expression that `accept` takes."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.query(expression)
            if result and accept(float(result[0]["value"][1])):
                return float(result[0]["value"][1])
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression}: {result} after {timeout:g} s")
            time.sleep(0.3)
