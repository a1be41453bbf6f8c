# SPDX-License-Identifier: Apache-2.0
"""A child process that dies with the test, writes its output to a file, and says why it did not start."""
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ServiceError(AssertionError):
    """A service that does not come up fails the test: it is never a reason to skip."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def port_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, timeout: float, what: str, every: float = 0.05):
    """The condition's first true value; a failed test naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:g} s still not so: {what}")
        time.sleep(every)


def tail(path: Path, lines: int = 30) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    def __init__(self, name: str, argv: list, log: Path, env: dict | None = None, cwd: Path | None = None,
                 stdin=subprocess.DEVNULL):
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([str(a) for a in argv], stdin=stdin, stdout=out, stderr=out, cwd=cwd,
                                          env={**os.environ, **(env or {})}, start_new_session=True,
                                          preexec_fn=_die_with_parent)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def wait_ready(self, ready, timeout: float):
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise ServiceError(f"{self.name} ended with {self.popen.returncode} at start:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServiceError(f"{self.name} was not ready after {timeout:g} s:\n{tail(self.log)}")
            time.sleep(0.05)

    def signal(self, number: int):
        if self.running:
            self.popen.send_signal(number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, timeout: float = 10) -> int:
        """SIGTERM, then SIGKILL; answers the exit code."""
        self.resume()
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.popen.returncode

    def peak_rss_bytes(self) -> int:
        """The most it ever held, as the kernel keeps it."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0
