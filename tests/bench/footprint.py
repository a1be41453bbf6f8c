# SPDX-License-Identifier: Apache-2.0
"""What tailgate takes when there is little to do, how soon it starts, and what it holds when nothing leaves it."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import peers
from measured import CACHE

MB = 1e6
TIMEOUT = 60  # seconds until something that must come has come
SETTLED = 3  # seconds after the last event: positions are saved by then
EACH_LINE = {"batch": {"max_events": 1}}


@contextmanager
def a_folder():
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="footprint-") as folder:
        yield Path(folder)


@contextmanager
def running(folder, paths, sink):
    """`tailgate run` as in a deployment, with its admin server and a file source."""
    settings = folder / "settings.yaml"
    settings.write_text(json.dumps({
        "version": 1, "data_dir": str(folder / "data"), "sources": {"log": {"type": "file", "paths": [str(paths)]}},
        "filters": peers.FILTERS, "sinks": {"out": sink}, "admin": {"listen": "127.0.0.1:0"}}))
    with open(folder / "stderr", "wb") as stderr:
        process = subprocess.Popen([peers.TAILGATE, "run", "-c", settings], stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        yield process
        if process.poll() is not None:
            sys.exit(f"tailgate run ended with {process.returncode}\n{(folder / 'stderr').read_text()[-2000:]}")
    finally:
        process.kill()  # nothing of its end is measured
        process.wait()


def await_lines(out, lines, pause=0.05):
    until = time.monotonic() + TIMEOUT
    while not out.exists() or out.read_bytes().count(b"\n") < lines:
        if time.monotonic() > until:
            sys.exit(f"{out.name}: {lines} lines were not there within {TIMEOUT} s")
        time.sleep(pause)


def some_lines(data, count):
    with open(data.path, "rb") as file:
        return [file.readline() for _ in range(count)]


def cpu_seconds(pid):
    """User and system time of all threads, by the process's own clock: /proc/PID/stat counts hundredths of a second, of
    which 0.1 % of 20 s are two."""
    return time.clock_gettime(~pid << 3 | 2)  # the kernel's number for it, as clock_getcpuclockid(3) makes it


def memory(pid):
    """Bytes by name: VmRSS, RssAnon, VmHWM and the like."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}


def system_calls(pid, seconds):
    """So many a second; None where strace may not look."""
    with a_folder() as folder:
        strace = subprocess.Popen(["strace", "-f", "-c", "-o", folder / "calls", "-p", str(pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        strace.send_signal(signal.SIGINT)
        strace.wait(10)
        total = re.search(r"^100\.00 +\S+ +\S+ +(\d+) .*total$", (folder / "calls").read_text(), re.M)
    return int(total.group(1)) / seconds if total else None


def idle(data, files, seconds, look=lambda pid: None):
    """CPU in percent of a core while `files` that were read to their ends are followed; and what `look` finds then."""
    with a_folder() as folder:
        (folder / "logs").mkdir()
        for number, line in enumerate(some_lines(data, files)):
            (folder / "logs" / f"{number}.log").write_bytes(line)
        out = folder / "out"
        with running(folder, folder / "logs" / "*.log", {"type": "file", "path": str(out)}) as process:
            await_lines(out, files)
            time.sleep(SETTLED)
            before = cpu_seconds(process.pid)
            time.sleep(seconds)
            share = 100 * (cpu_seconds(process.pid) - before) / seconds
            return share, look(process.pid)


def first_of_pipe(data):
    """Seconds from before the start to the first byte; stdin stays open, as behind `tail -f`."""
    begin = time.monotonic()
    process = subprocess.Popen([peers.TAILGATE, "pipe", "-q", *peers.WORK], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    with process:
        os.write(process.stdin.fileno(), some_lines(data, 1)[0])
        came = os.read(process.stdout.fileno(), 1)
        took = time.monotonic() - begin
        process.stdin.close()
        process.stdout.read()
    if not came:
        sys.exit("tailgate pipe ended without an event")
    return took


def first_of_run(data):
    with a_folder() as folder:
        out = folder / "out"
        (folder / "access.log").write_bytes(b"".join(some_lines(data, 100)))
        begin = time.monotonic()
        with running(folder, folder / "access.log", {"type": "file", "path": str(out), **EACH_LINE}):
            await_lines(out, 1, pause=0.0005)
            return time.monotonic() - begin


def stripped_size():
    with a_folder() as folder:
        subprocess.run(["strip", "-o", folder / "stripped", peers.TAILGATE], check=True)
        return (folder / "stripped").stat().st_size


def memory_limit():
    schema = subprocess.run([peers.TAILGATE, "describe", "schema"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r'"memory_limit".*?"default":\s*"(\d+)MiB"', schema, re.S).group(1)) << 20


def loaded(data, seconds):
    """The peak of resident memory while a sink refuses connections."""
    with a_folder() as folder, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and never listens: nobody else gets the port meanwhile
        sink = {"type": "http", "url": f"http://127.0.0.1:{closed.getsockname()[1]}/"}
        with running(folder, data.path, sink) as process:
            time.sleep(seconds)
            return memory(process.pid)["VmHWM"]


def measure(data, seconds):
    """Lines of a table: what, measured, aim. `data` is more than fits into the memory limit."""

    def look(pid):
        return memory(pid), system_calls(pid, seconds) if shutil.which("strace") else None

    one, (resident, calls) = idle(data, 1, 2 * seconds, look)
    many, _ = idle(data, 1000, 2 * seconds)
    pipes = [first_of_pipe(data) for _ in range(20)]
    runs = [first_of_run(data) for _ in range(10)]
    limit = memory_limit()
    peak = loaded(data, seconds)
    return [
        ["CPU, 1 idle file", f"{one:.3f} %", "under 0.1 %"],
        ["CPU, 1,000 idle files", f"{many:.3f} %", "under 0.5 %"],
        ["system calls a second, 1 idle file", f"{calls:.1f}" if calls is not None else "no strace", ""],
        ["RSS, 1 idle file", f"{resident['VmRSS'] / MB:.1f} MB", "at most 15 MB"],
        ["of which anonymous", f"{resident['RssAnon'] / MB:.1f} MB", ""],
        ["start to first event, pipe", f"{1e3 * median(pipes):.1f} ms", "at most 50 ms"],
        ["start to first event, run", f"{1e3 * median(runs):.1f} ms", ""],
        ["size of the binary, stripped", f"{stripped_size() / (1 << 20):.2f} MiB", ""],
        ["peak RSS, nothing can be delivered", f"{peak / MB:.1f} MB",
         f"at most {(limit + 20 * MB) / MB:.1f} MB: memory_limit ({limit / MB:.1f} MB) and 20 MB"],
    ]


def words(data, seconds):
    return ("`tailgate run` with a file source, a file sink, a data_dir and its admin server. Idle: each file holds "
            f"one line, all are read, then {2 * seconds} s; 100 % is one core. Start to first event: from before the "
            "start to the first byte on stdout (one line on stdin, which stays open; median of 20) or in the file (100 "
            "lines; `batch.max_events: 1`, so that none waits for others; median of 10). Nothing can be delivered: "
            f"{data.bytes / MB:.0f} MB of lines, an HTTP sink whose port is closed, after {seconds} s. 1 MB is 10^6 "
            "bytes.\n")
