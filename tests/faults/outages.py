# SPDX-License-Identifier: Apache-2.0
"""What servers and networks do to a shipper: wrong answers, answers that do not come, services that hang or are away."""
import time

import proxy
from oracle import judge
from scene import Scene
from services import faulty
from sinks import KafkaSink, wait_down
from writers import line_of

ANSWERS = {
    "500": (lambda: faulty.status(500, b"oops"), 0.4),
    "429 with Retry-After": (lambda: faulty.status(429, retry_after="1"), 0.1),
    "reset before accepting": (faulty.reset_before_body, 0.3),
    "reset after accepting": (faulty.reset_after_body, 0.3),
    "hang": (lambda: faulty.hang(3), 0.1),
    "half-close": (faulty.half_close, 0.3),
}
BATCH = 500  # the most events of one request


def answers(scene: Scene, name: str):
    """A scripted server that now and then answers so, until its script is over."""
    step, share = ANSWERS[name]
    script = [step() if scene.chance.random() < share else faulty.ok() for _ in range(int(scene.length.spell * 12))]
    to = scene.sink("server", script=script, timeout="1s")
    program = scene.program(to)
    writer = scene.writer(program, "rename", rate=1000)
    program.start()
    writer.start()
    time.sleep(scene.length.spell)
    return scene.finish(program, to, {0: writer.finish()}, excused=to.cut_off)


def partly(scene: Scene):
    """207: some events are invalid for good, others are refused for a while. Parts of one batch pass each other."""
    def spoil(number: int):
        if number % 17 == 3:
            return line_of(number, status_code="none")
        return line_of(number, status_code=503) if number % 13 == 5 else None
    scene.row.strict = False
    to = scene.sink("eventgate")
    program = scene.program(to)
    writer = scene.writer(program, "rename", spoil=spoil, rate=500)
    program.start()
    to.gateway.control(error_events={"match": '"status_code":503', "message": "message timed out"})
    writer.start()
    time.sleep(scene.length.spell)
    to.gateway.clear()
    written = writer.finish()
    invalid = {(0, number) for number in range(written) if number % 17 == 3}
    row = scene.finish(program, to, {0: written}, taken_away=invalid, dead_lettered=len(invalid))
    letters = [int(letter["event"]["http"]["request_headers"]["x-number"]) for letter in program.dead_letters()]
    row.expect(sorted(letters) == sorted(number for _, number in invalid),
               f"{len(letters)} dead letters for {len(invalid)} invalid events")
    return row


def stopped_gateway(scene: Scene):
    """SIGSTOP: connections are taken by the kernel, nothing answers. What lay in its sockets is accepted late."""
    to = scene.sink("eventgate", timeout="1s")
    program = scene.program(to)
    writer = scene.writer(program, "rename")
    program.start()
    writer.start()
    time.sleep(1)
    to.gateway.process.pause()
    wait_down(program)
    time.sleep(scene.length.spell)
    attempts = int(program.metric("tailgate_sink_attempts_total"))
    to.gateway.process.resume()
    return scene.finish(program, to, {0: writer.finish()}, excused=attempts * BATCH)


def stopped_kafka(scene: Scene):
    kafka, _ = scene.own_kafka()
    to = KafkaSink(kafka, "stopped")
    program = scene.program(to)
    writer = scene.writer(program, "rename")
    program.start()
    writer.start()
    time.sleep(1)
    kafka.pause()
    wait_down(program)
    time.sleep(scene.length.spell)
    kafka.resume()
    row = scene.finish(program, to, {0: writer.finish()}, 90)
    kafka.stop()
    return row


def broker_behind_gateway(scene: Scene):
    """The gateway is up and answers 500 for every event, because its broker is away."""
    kafka, _ = scene.own_kafka()
    to = scene.sink("eventgate", kafka=kafka, timeout="20s", retry={"initial": "100ms", "max": "2s", "event_attempts": 3})
    to.gateway.control(message_timeout_ms=1500)
    program = scene.program(to)
    writer = scene.writer(program, "rename", rate=200)
    program.start()
    writer.start()
    time.sleep(2)
    kafka.kill()
    wait_down(program, 60)
    time.sleep(scene.length.outage)
    kafka.restart()
    written = {0: writer.finish()}
    row = scene.finish(program, to, written, 120, excused=BATCH)
    row.expect(not program.dead_letters(), f"{len(program.dead_letters())} dead letters")
    stored = {message.value for message in kafka.consume("mediawiki.api-request")}
    row.expect(len(stored) == written[0], f"the broker holds {len(stored)} of {written[0]} events")
    kafka.stop()
    return row


def network(scene: Scene, broker: bool):
    """A proxy between the program and a real service, with the faults of networks one after the other."""
    if broker:
        kafka, between = scene.own_kafka(through=True)
        to = KafkaSink(kafka, "network")
    else:
        to = scene.sink("eventgate", timeout="2s")
        between = scene.proxy(to.gateway.port)
        to.settings["url"] = to.settings["url"].replace(str(to.gateway.port), str(between.port))
    program = scene.program(to)
    writer = scene.writer(program, "rename", rate=500)
    program.start()
    writer.start()
    faults = list(proxy.FAULTS)
    scene.chance.shuffle(faults)
    for fault in faults:
        time.sleep(scene.chance.uniform(0.3, 1))
        between.fault(fault)
        time.sleep(scene.chance.uniform(0.5, 1) * scene.length.spell / 2)
        between.fault("pass")
    # A request that went out whole and whose answer did not come back was accepted: one for each fault.
    row = scene.finish(program, to, {0: writer.finish()}, 90, excused=0 if broker else BATCH * len(faults))
    if broker:
        kafka.stop()
    return row


def two_sinks(scene: Scene):
    """One sink hangs: the other gets its lines as far as memory_limit reaches, and all when it is back."""
    slow = scene.sink("server", script=[faulty.hang(2)] * 3, timeout="1s")
    fast = scene.sink("file")
    program = scene.program(fast, memory_limit="4MiB")
    program.settings["sinks"] = {"out": fast.settings, "slow": slow.settings}
    writer = scene.writer(program, "copytruncate")
    program.start()
    writer.start()
    time.sleep(scene.length.spell)
    written = {0: writer.finish()}
    row = scene.finish(program, fast, written)
    arrivals, torn = slow.arrivals()
    judge(row, written, arrivals, torn, excused=slow.cut_off())
    return row


def scenarios() -> dict:
    return {**{f"answers: {name}": (lambda scene, name=name: answers(scene, name)) for name in ANSWERS},
            "answers: 207": partly,
            "SIGSTOP of the gateway": stopped_gateway,
            "SIGSTOP of Kafka": stopped_kafka,
            "Kafka away behind the gateway": broker_behind_gateway,
            "network faults before Kafka": lambda scene: network(scene, True),
            "network faults before the gateway": lambda scene: network(scene, False),
            "two sinks, one hangs": two_sinks}
