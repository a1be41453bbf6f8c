# SPDX-License-Identifier: Apache-2.0
"""A real one-node Kafka (KRaft) on loopback with a plain, a TLS, a SASL and a SASL-over-TLS listener.

4.3.1 is the default. SCRAM is tested on 3.9.2: librdkafka before 2.6.1 cannot do SCRAM with Kafka 4.
"""
import base64
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .install import ensure
from .pki import Authority
from .process import Process, ServiceError, free_ports, tail

USER, PASSWORD = "shipper", "shipper-secret"
JAVA = ["java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
LISTENERS = {"plain": "PLAINTEXT", "tls": "SSL", "sasl": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=CONTROLLER://127.0.0.1:{controller},{listeners}
advertised.listeners={listeners}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
num.partitions=3
auto.create.topics.enable=true
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
offsets.topic.num.partitions=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.enable=false
ssl.keystore.type=PEM
ssl.keystore.location={folder}/tls/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/tls/ca.crt
ssl.client.auth=requested
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
"""
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
LOG4J = """log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=[%d] %p %m (%c)%n
"""


@dataclass
class Message:
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict = field(default_factory=dict)
    time: float = 0  # of creation or of the append, as the topic says; seconds since the epoch


class Kafka:
    def __init__(self, folder: Path, version: str = "4.3.1", config: dict | None = None):
        self.folder = folder
        self.version = version
        self.libs = ensure(f"kafka-{version}") / "libs"
        controller, *ports = free_ports(5)
        self.ports = dict(zip(LISTENERS, ports))
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)
        self.controller = controller
        self.configure(config or {})

    def advertise(self, listener: str, port: int) -> str:
        """A value of advertised.listeners by which clients of one listener come to another port, such as a proxy's."""
        ports = {**self.ports, listener: port}
        return ",".join(f"{LISTENERS[n]}://127.0.0.1:{p}" for n, p in ports.items())

    def configure(self, config: dict):
        """Before start(): these broker settings on top of ours."""
        authority = Authority(self.folder / "tls")
        certificate, key = authority.issue("server")
        self.ca = authority.ca
        (self.folder / "tls" / "server.pem").write_text(
            key.read_text() + certificate.read_text() + authority.ca.read_text())
        listeners = ",".join(f"{LISTENERS[n]}://127.0.0.1:{p}" for n, p in self.ports.items())
        text = PROPERTIES.format(controller=self.controller, listeners=listeners, folder=self.folder)
        for listener in ("sasl_plaintext", "sasl_ssl"):
            prefix = f"listener.name.{listener}."
            text += f'{prefix}plain.sasl.jaas.config={PLAIN} user_{USER}="{PASSWORD}" user_reader="reader-secret";\n'
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                text += f"{prefix}{mechanism}.sasl.jaas.config={SCRAM};\n"
        text += "".join(f"{k}={v}\n" for k, v in config.items())
        (self.folder / "server.properties").write_text(text)
        (self.folder / "log4j.properties").write_text(LOG4J)

    def _java(self, *argv) -> list:
        logging = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        if self.version.startswith("3"):
            logging = [f"-Dlog4j.configuration=file:{self.folder}/log4j.properties"]
        return [*JAVA, *logging, *argv]

    @property
    def _env(self) -> dict:
        return {"CLASSPATH": f"{self.libs}/*", "LOG_DIR": str(self.folder)}

    def tool(self, *argv: str) -> str:
        done = subprocess.run(self._java(*argv), env={**os.environ, **self._env}, capture_output=True, text=True)
        if done.returncode:
            raise ServiceError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def address(self, listener: str = "plain") -> str:
        return f"127.0.0.1:{self.ports[listener]}"

    def format(self):
        # The first byte is fixed: an id that begins with "-" would be read as an option.
        cluster = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
        scram = []
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            scram += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        self.tool("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.folder / "server.properties"),
                  *scram)

    def start(self, timeout: float = 90) -> "Kafka":
        if not (self.folder / "data" / "meta.properties").exists():
            self.format()
        argv = self._java("kafka.Kafka", self.folder / "server.properties")
        self.process = Process(f"kafka {self.version}", argv, self.folder / "broker.log", env=self._env)
        self.process.wait_ready(self.ready, timeout)
        return self

    def ready(self) -> bool:
        return self._kcat("-L", "-m", "1").returncode == 0

    def restart(self) -> "Kafka":
        """The same ports and data, after stop() or kill()."""
        return self.start()

    def stop(self):
        if self.process:
            self.process.stop(20)

    def kill(self):
        """kill -9"""
        self.process.kill()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def log_tail(self) -> str:
        return tail(self.folder / "broker.log")

    def create_topic(self, name: str, partitions: int = 1, **config):
        """create_topic("t", 6, max_message_bytes=1000): underscores of option names stand for dots."""
        options = []
        for key, value in config.items():
            options += ["--config", f"{key.replace('_', '.')}={value}"]
        self.tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address(), "--create",
                  "--topic", name, "--partitions", str(partitions), *options)

    def _acl(self, action: str, principal: str, operation: str, topic: str, force: list):
        main = "org.apache.kafka.tools.AclCommand" if self.version.startswith("4") else "kafka.admin.AclCommand"
        self.tool(main, "--bootstrap-server", self.address(), action, "--deny-principal", f"User:{principal}",
                  "--operation", operation, "--topic", topic, *force)

    def deny(self, topic: str, principal: str = USER, operation: str = "Write"):
        """Holds on the SASL listeners; whoever comes by the plain one is a super user."""
        self._acl("--add", principal, operation, topic, [])

    def undeny(self, topic: str, principal: str = USER, operation: str = "Write"):
        self._acl("--remove", principal, operation, topic, ["--force"])

    def client_options(self, listener: str, mechanism: str = "PLAIN") -> dict:
        """librdkafka options for a listener."""
        options = {"security.protocol": LISTENERS[listener]}
        if "tls" in listener:
            options["ssl.ca.location"] = str(self.ca)
        if "sasl" in listener:
            options |= {"sasl.mechanisms": mechanism, "sasl.username": USER, "sasl.password": PASSWORD}
        return options

    def _kcat(self, *argv: str, listener: str = "plain", mechanism: str = "PLAIN", stdin: bytes | None = None):
        options = []
        for key, value in self.client_options(listener, mechanism).items():
            options += ["-X", f"{key}={value}"]
        return subprocess.run(["kcat", "-b", self.address(listener), *options, *argv], input=stdin,
                              capture_output=True, timeout=120)

    def produce(self, topic: str, lines: bytes, *argv: str, **access):
        done = self._kcat("-P", "-t", topic, *argv, stdin=lines, **access)
        if done.returncode:
            raise ServiceError(f"kcat -P ended with {done.returncode}: {done.stderr.decode()}")

    def consume(self, topic: str, **access) -> list[Message]:
        """The whole topic, each partition in order. An unknown topic is an empty one."""
        done = self._kcat("-C", "-t", topic, "-e", "-q", "-o", "beginning",
                          "-f", "%p %o %T %K %S %h\n%k%s\n", **access)
        if done.returncode and b"Unknown topic" not in done.stderr:
            raise ServiceError(f"kcat -C ended with {done.returncode}: {done.stderr.decode()}")
        return parse_messages(done.stdout)


def parse_messages(out: bytes) -> list[Message]:
    messages, at = [], 0
    while at < len(out):
        end = out.index(b"\n", at)
        partition, offset, stamp, key_size, size, headers = out[at:end].split(b" ", 5)
        key_end = end + 1 + max(int(key_size), 0)
        value_end = key_end + max(int(size), 0)
        key = out[end + 1:key_end] if int(key_size) >= 0 else None
        pairs = dict(h.split("=", 1) for h in headers.decode().split(",") if "=" in h)
        messages.append(Message(int(partition), int(offset), key, out[key_end:value_end], pairs,
                                int(stamp) / 1000))
        at = value_end + 1
    return messages


def main():
    import argparse
    parser = argparse.ArgumentParser(description="run a Kafka until Ctrl-C")
    parser.add_argument("--version", default="4.3.1")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    kafka = Kafka(options.folder or Path(tempfile.mkdtemp()), options.version).start()
    for listener in LISTENERS:
        print(f"{listener}: {kafka.address(listener)}")
    print(f"ca: {kafka.ca}\nuser: {USER} {PASSWORD}", flush=True)
    try:
        kafka.process.popen.wait()
    except KeyboardInterrupt:
        kafka.stop()


if __name__ == "__main__":
    main()
