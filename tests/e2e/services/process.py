# SPDX-License-Identifier: Apache-2.0
"""A child process that dies with the test, writes its output to a file, and says why it did not start."""
import ctypes
import errno
import itertools
import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ServiceError(AssertionError):
    """A service that does not come up fails the test: it is never a reason to skip."""


def patience() -> float:
    """How many times as long as on a quiet machine things may take before they count as failed: TAILGATE_PATIENCE."""
    return float(os.environ.get("TAILGATE_PATIENCE", "1"))


class Ports:
    """Ports that nobody else takes between the choice and the bind, nor while their service is down.

    They lie below those that the kernel gives to outgoing connections, and each process hands out one block in turn.
    That a block is taken says a socket of an abstract name, which ends with its process and is as local to the network
    namespace as the ports are."""

    BLOCKS = range(10_000, 32_000, 1000)

    def __init__(self):
        self._lock = threading.Lock()
        self._mark: socket.socket | None = None
        self._turn = iter(())

    def take(self) -> int:
        with self._lock:
            if self._mark is None:
                self._turn = itertools.cycle(self._block())
            for port in itertools.islice(self._turn, self.BLOCKS.step):
                if port_free(port):
                    return port
        raise ServiceError("no port is free")

    def _block(self) -> range:
        for first in random.SystemRandom().sample(self.BLOCKS, len(self.BLOCKS)):
            mark = socket.socket(socket.AF_UNIX)
            try:
                mark.bind(f"\0tailgate-test-ports-{first}")
            except OSError:
                mark.close()
                continue
            self._mark = mark
            return range(first, first + self.BLOCKS.step)
        raise ServiceError("other processes hold all blocks of ports")


_ports = Ports()


def free_port() -> int:
    return _ports.take()


def free_ports(count: int) -> list[int]:
    return [_ports.take() for _ in range(count)]


def port_free(port: int) -> bool:
    """Asked by a connection: a socket that were bound to see would be bound yet in a child that was forked meanwhile."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def port_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, timeout: float, what: str, every: float = 0.05):
    """The condition's first true value; a failed test naming `what` after `timeout` seconds, times patience()."""
    timeout *= patience()
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
        timeout *= patience()
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
