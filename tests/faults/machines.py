# SPDX-License-Identifier: Apache-2.0
"""What machines do to a shipper: disks that are full or read-only, clocks that jump, descriptors that run out."""
import errno
import json
import os
import resource
import subprocess
import time
from pathlib import Path

from kills import kill
from oracle import check_closing, judge
from scene import Scene
from services import faulty
from services.process import patience, wait_until
from writers import line_of

MEGABYTE = 1 << 20


def bad_line(number: int, pad: int = 800) -> bytes:
    return f'{{"bad":{number},"pad":"{"x" * pad}"\n'.encode()


def buried(folder: Path) -> tuple[list[int], int]:
    """(the numbers of the bad lines in the dead letters, torn letters)"""
    numbers, torn = [], 0
    for path in sorted(folder.rglob("*.ndjson")):
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                raw = json.loads(line)["raw"]
                numbers.append(int(raw.split(":")[1].split(",")[0]))
                torn += not line.endswith(b"\n")
            except (ValueError, KeyError, IndexError):
                torn += 1
    return numbers, torn


def fill(disk: Path, leave: int):
    """Takes all room but `leave` bytes."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    with open(ballast, "wb") as out:
        while True:
            stat = os.statvfs(disk)
            room = stat.f_bavail * stat.f_frsize - leave
            try:
                return os.posix_fallocate(out.fileno(), 0, room) if room > 0 else None
            except OSError as error:  # the program has written since: less is left than a moment ago
                if error.errno != errno.ENOSPC:
                    raise


def disk_full(scene: Scene):
    """20 MB for positions and dead letters, filled again and again; once the program is killed while it is full."""
    disk = scene.tmpfs("disk", 20)
    to = scene.sink("file")
    program = scene.program(to, data_dir=str(disk / "data"))
    writer = scene.writer(program, "rename", rate=1000, spoil=lambda n: bad_line(n) if n % 10 == 1 else None)
    program.start()
    writer.start()
    for turn in range(3):
        time.sleep(scene.chance.uniform(0.3, 1))
        fill(disk, scene.chance.randrange(0, 200_000))
        time.sleep(scene.chance.uniform(0.5, 1) * scene.length.spell)
        if turn == 1:
            kill(scene, program)
            program.start(ready=False)
            time.sleep(0.5)
        (disk / "ballast").unlink()
        if not program.process.running:
            scene.row.problems.append(f"ended by itself with {program.process.popen.returncode}: {program.log()[-600:]}")
            program.start()
    written = writer.finish()
    bad = {(0, number) for number in range(written) if number % 10 == 1}
    # While the disk is full no position can be saved, so a kill repeats more.
    row = scene.finish(program, to, {0: written}, excused=10**9, taken_away=bad, dead_lettered_by_source=len(bad))
    letters, torn = buried(disk / "data" / "dead")
    row.torn += torn
    row.expect(set(letters) == {number for _, number in bad}, f"{len(set(letters))} letters of {len(bad)} bad lines")
    return row


def read_only(scene: Scene):
    """data_dir becomes read-only while the program runs, and is so at a start: it says so and ends; later all goes on."""
    disk = scene.tmpfs("disk", 20)

    def remount(how: str):
        subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)
    to = scene.sink("file")
    program = scene.program(to, data_dir=str(disk / "data"))
    writer = scene.writer(program, "rename", every=2)
    program.start()
    writer.start()
    time.sleep(1)
    # An open file keeps a mount writable: what is there becomes read-only by a limit of zero more bytes.
    fill(disk, 0)
    time.sleep(scene.length.spell)
    kill(scene, program)
    remount("ro")
    program.start(ready=False)
    code = program.process.popen.wait(20 * patience())
    scene.row.expect(code == 1 and "read-only" in program.log().lower(), f"exit code {code}: {program.log()[-300:]}")
    remount("rw")
    (disk / "ballast").unlink()
    program.start()
    # Nothing could be saved while the disk was full, so all of that time comes twice.
    return scene.finish(program, to, {0: writer.finish()}, excused=10**9)


def log_volume(scene: Scene, dropping: bool):
    """A log volume of 64 MiB fills while the sink is down. With max_backlog and reclaim the oldest lines go and are
    counted, and the writer never waits for room; with reclaim alone it waits, and nothing is lost."""
    scene.row.strict = False
    size = 64 if scene.length.files > 100 else 16
    disk = scene.tmpfs("logs-disk", size)
    to = scene.sink("server", script=[], max_in_flight=4)
    to.settings |= {"ordering": "none", "batch": {"max_wait": "50ms", "max_events": 500}}
    to.server.default = faulty.status(503)
    source = {"paths": [str(disk / "access.log*")], "reclaim": "punch_hole"}
    if dropping:
        source |= {"max_backlog": f"{size // 2}MiB", "when_backlog_full": "drop_oldest"}
    program = scene.program(to, source=source, memory_limit="4MiB")
    limit = int(size * MEGABYTE * (1.5 if dropping else 1.1) / 1300)
    # The program looks once a second: what is written until it has made room, late on a busy machine, fits beside
    # max_backlog.
    writer = scene.writer(program, "none", rate=limit // 10, pad=1050, limit=limit, log=disk / "access.log")
    program.start()
    writer.start()
    if dropping:
        writer.join(90 * patience())
        scene.row.expect(writer.full == 0, f"the writer found no room {writer.full} times")
    else:
        wait_until(lambda: writer.full > 5, 60, "the volume is full")
    to.server.default = faulty.ok()
    writer.join(90 * patience())
    scene.row.expect(not writer.is_alive(), "the writer has not come to its end")
    written = writer.written
    lost_bytes = 0
    if dropping:
        wait_until(lambda: program.status()["sources"]["access_log"]["lag_bytes"] == 0, 60, "all is settled")
        lost_bytes = int(program.metric("tailgate_source_lost_bytes_total"))
        arrivals, torn = to.arrivals()
        came = {arrival.number for arrival in arrivals}
        missing = [number for number in range(written) if number not in came]
        scene.row.expect(bool(missing) and lost_bytes == sum(len(line_of(n, 0, 1050)) for n in missing),
                         f"{len(missing)} lines are missing, {lost_bytes} bytes were counted as lost")
        scene.row.expect(program.stop() == 1, f"exit code {program.exit_code} though lines were dropped")
        check_closing(scene.row, program)
        judge(scene.row, {0: written}, arrivals, torn, taken_away={(0, number) for number in missing})
        return scene.row
    return scene.finish(program, to, {0: written}, 90)


def clock_jumps(scene: Scene):
    """The clock of the wall goes a day ahead, back, to 1999 and to 2040; waits, retries and order do not care."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library, "libfaketime is not installed (tests/packages.txt: faketime)"
    stamp = scene.folder / "clock"
    stamp.write_text("+0")
    script = [faulty.status(503) if scene.chance.random() < 0.3 else faulty.ok() for _ in range(60)]
    to = scene.sink("server", script=script)
    program = scene.program(to, dead_letters={"max_age": "30d"})
    program.env = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
    writer = scene.writer(program, "rename", rate=500, spoil=lambda n: bad_line(n) if n % 10 == 1 else None)
    program.start()
    writer.start()
    for jump in ("+1d", "-2d", "@1999-12-31 23:59:58", "@2040-01-01 00:00:00", "+0"):
        time.sleep(scene.length.spell / 5)
        stamp.write_text(jump)
    kill(scene, program)
    program.start(ready=False)
    written = writer.finish()
    bad = {(0, number) for number in range(written) if number % 10 == 1}
    row = scene.finish(program, to, {0: written}, taken_away=bad, dead_lettered_by_source=len(bad))
    letters, torn = buried(program.data_dir / "dead")
    row.torn += torn
    row.expect(set(letters) == {number for _, number in bad}, f"{len(set(letters))} letters of {len(bad)} bad lines")
    return row


def descriptors(scene: Scene):
    """No descriptor is left for the logs that appear; they are read when there are some again."""
    to = scene.sink("file")
    program = scene.program(to)
    program.start()
    pid = program.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(list(Path(f"/proc/{pid}/fd").iterdir())) + 3, before[1]))
    writers = [scene.writer(program, path=n, rate=100, log=program.input.with_name(f"access.log-{n:03d}"))
               for n in range(20)]
    for writer in writers:
        writer.start()
    program.wait_log("Too many open files", 20)
    time.sleep(scene.length.spell)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    return scene.finish(program, to, {writer.path: writer.finish() for writer in writers})


def scenarios() -> dict:
    return {"a full disk under data_dir": disk_full,
            "a read-only disk under data_dir": read_only,
            "a full log volume, sink down, oldest dropped": lambda scene: log_volume(scene, True),
            "a full log volume, sink down, writer waits": lambda scene: log_volume(scene, False),
            "the clock jumps": clock_jumps,
            "out of descriptors": descriptors}
