# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments: of the program over rotations, of the broker and the gateway under load."""
import time

from oracle import Kill
from scene import Scene
from services.process import wait_until
from writers import ROTATIONS, ManyLogs, Writer

SINKS = ("eventgate", "kafka", "file")


def kill(scene: Scene, program, sink_gone: tuple = ()):
    scene.row.expect(program.process.running, "the program had ended before it was killed")
    scene.kills.append(Kill(time.time(), sink_gone))
    program.kill()


def kill_and_restart(scene: Scene, program):
    """At once after the last start, in the midst of work, or with some time down, in which the log may be rotated."""
    chance = scene.chance
    time.sleep(chance.uniform(0, 0.1) if chance.random() < 0.3 else chance.uniform(0.1, 1))
    kill(scene, program)
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0, 1.5))
    program.start(ready=False)


def cell(scene: Scene, sink: str, rotation: str):
    """One of the matrix."""
    to = scene.sink(sink)
    program = scene.program(to)
    writer = scene.writer(program, rotation)
    program.start()
    writer.start()
    for _ in range(max(1, scene.length.kills // (len(SINKS) * len(ROTATIONS)))):
        kill_and_restart(scene, program)
    time.sleep(scene.chance.uniform(0, 1))
    return scene.finish(program, to, {0: writer.finish()})


def storm(scene: Scene):
    """The log is rotated every 50 ms, and the program killed meanwhile."""
    to = scene.sink("file")
    program = scene.program(to, source={"rotated": {"max_files": 1000}})
    writer = scene.writer(program, "rename", every=0.05)
    program.start()
    writer.start()
    until = time.monotonic() + scene.length.spell
    while time.monotonic() < until:
        kill_and_restart(scene, program)
    return scene.finish(program, to, {0: writer.finish()})


def kafka_killed(scene: Scene):
    """The broker is killed again and again; so, now and then, is the program."""
    kafka, _ = scene.own_kafka()
    from sinks import KafkaSink
    to = KafkaSink(kafka, "load")
    program = scene.program(to)
    writer = scene.writer(program, "rename")
    program.start()
    writer.start()
    until = time.monotonic() + scene.length.load
    gone: list[float] = []
    while time.monotonic() < until:
        time.sleep(scene.chance.uniform(0.5, 3))
        if scene.chance.random() < 0.3:
            kill(scene, program, tuple(gone[-3:]))  # what came before those was answered since
            gone.clear()
            program.start(ready=False)
        gone.append(time.time())
        kafka.kill()
        time.sleep(scene.chance.uniform(0, 2))
        kafka.restart()
    row = scene.finish(program, to, {0: writer.finish()}, 90)
    kafka.stop()
    return row


def gateway_killed(scene: Scene):
    """The gateway is killed again and again: requests that it had accepted without an answer come twice."""
    to = scene.sink("eventgate")
    program = scene.program(to)
    writer = scene.writer(program, "rename")
    program.start()
    writer.start()
    until = time.monotonic() + scene.length.load
    killed = 0
    while time.monotonic() < until:
        time.sleep(scene.chance.uniform(0.3, 2))
        to.gateway.kill()
        killed += 1
        time.sleep(scene.chance.uniform(0, 1.5))
        to.gateway.start()
    # One request is in flight (strict), of at most batch.max_events events.
    return scene.finish(program, to, {0: writer.finish()}, excused=killed * 500)


def many_files(scene: Scene):
    """Hundreds of logs, each with its own order, rotated and written while the sink is away and the program killed."""
    to = scene.sink("server", script=[])
    to.settings["batch"]["max_events"] = 500
    program = scene.program(to)
    count = scene.length.files
    logs = ManyLogs([Writer(program.input.with_name(f"access.log-{n:03d}"), scene.chance.choice(ROTATIONS[:2]),
                            scene.seed, path=n, every=scene.length.spell / 2) for n in range(count)], rate=8)
    scene.close_later(logs.finish)
    program.start()
    logs.start()
    for _ in range(2):
        time.sleep(scene.length.spell / 2)
        to.server.stop()
        kill(scene, program)
        program.start(ready=False)
        time.sleep(scene.length.spell / 2)
        to.server.start()
    written = logs.finish()
    wait_until(lambda: program.admin_status("/readyz") == 200, 10, "ready")
    return scene.finish(program, to, written, 90)


def scenarios() -> dict:
    cells = {f"kill -9, {sink}, {rotation} rotation".replace("none rotation", "no rotation"):
             (lambda scene, sink=sink, rotation=rotation: cell(scene, sink, rotation))
             for sink in SINKS for rotation in ROTATIONS}
    return {**cells,
            "kill -9, a rotation every 50 ms": storm,
            "kill -9 of Kafka, again and again": kafka_killed,
            "kill -9 of the gateway, again and again": gateway_killed,
            "many files, sink away, kill -9": many_files}
