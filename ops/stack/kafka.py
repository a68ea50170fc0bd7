"""The embedded Apache Kafka in KRaft mode, one broker or three, and whether a broker serves."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from collections.abc import Mapping

from ops.errors import Missing
from ops.stack import jars, links
from ops.stack.java import COLLECTOR, class_archive, java
from ops.stack.processes import HOST
from ops.stack.program import Program
from ops.stack.stack import Stack

STAGE = 0
HEAP = "512m"
PROBE_TOPIC = "penguin.probe"
PROBE_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 15.0
# Of three the last finds no quorum to sign off from and would wait for minutes: it is killed.
LAST_OF_THREE_TIMEOUT_S = 2.0
MIB = 1 << 20
SMALL_MACHINE = {
    "num.partitions": 4,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "log.cleaner.dedupe.buffer.size": 16 * MIB,
    "log.segment.bytes": 128 * MIB,
    "log.index.size.max.bytes": MIB,
}
# A dead broker is noticed, and its id may come back, after 3 s instead of 9.
QUICK = {
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "replica.lag.time.max.ms": 5000,
}


def programs(stack: Stack) -> list[Program]:
    """The brokers of this stack. They start together; kafka-1 stops last."""
    return [_program(stack, name) for name in stack.broker_names]


def _program(stack: Stack, name: str) -> Program:
    last_of_three = stack.brokers > 1 and name == stack.broker_names[0]
    return Program(
        name=name,
        role="kafka",
        stage=STAGE,
        stop_stage=STAGE - 1 if last_of_three else STAGE,
        stop_timeout_s=LAST_OF_THREE_TIMEOUT_S if last_of_three else STOP_TIMEOUT_S,
        command=lambda: _command(stack, name),
        prepare=lambda: _format(stack, name),
        serves=lambda _pid: _serves(stack, name),
        ports=(stack.ports[name], stack.ports[f"{name}.controller"]),
    )


def recorder(stack: Stack) -> str:
    """The name under which this stack's JVM records its class archive."""
    return hashlib.sha256(str(stack.data).encode()).hexdigest()[:8]


def _jvm(stack: Stack, *, records: bool) -> list[str]:
    cache, command = jars.cache_folder(), java()
    found = jars.kafka_jars(cache)
    archive = class_archive(command, found, cache, recorder(stack))
    logger = "-Dorg.slf4j.simpleLogger"
    return [
        command,
        *("-cp", ":".join(map(str, found))),
        COLLECTOR,
        *archive.use,
        *(archive.record if records else ()),
        f"{logger}.defaultLogLevel=warn",
        f"{logger}.showDateTime=true",
        f"{logger}.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    ]


def _command(stack: Stack, name: str) -> list[str]:
    records = name == stack.broker_names[0]
    # The second compiler pays on servers that run for days; here it would take cores from others.
    heap = ("-Xms128m", f"-Xmx{HEAP}", "-XX:TieredStopAtLevel=1")
    return [*_jvm(stack, records=records), *heap, "kafka.Kafka", _properties_file(stack, name)]


def _properties_file(stack: Stack, name: str) -> str:
    return str(stack.data / f"{name}.properties")


def _format(stack: Stack, name: str) -> None:
    """Write the broker's settings and, before its first start, format its folder."""
    lines = [f"{key}={value}\n" for key, value in _properties(stack, name).items()]
    with open(_properties_file(stack, name), "w") as file:  # noqa: PTH123 - a JVM wants the text
        file.writelines(lines)
    if (stack.data / name / "meta.properties").exists():
        return
    tool = [*_jvm(stack, records=False), "kafka.tools.StorageTool", "format"]
    tool += [f"--cluster-id={stack.cluster_id}", f"--config={_properties_file(stack, name)}"]
    done = subprocess.run(tool, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Missing(f"{name}'s folder cannot be formatted: {last}")


def _properties(stack: Stack, name: str) -> Mapping[str, object]:
    number = {broker: index + 1 for index, broker in enumerate(stack.broker_names)}
    controller = {broker: stack.ports[f"{broker}.controller"] for broker in number}
    voters = ",".join(f"{number[b]}@{HOST}:{controller[b]}" for b in number)
    return {
        "process.roles": "broker,controller",
        "node.id": number[name],
        "controller.quorum.voters": voters,
        "listeners": f"CLIENT://{HOST}:{stack.ports[name]},CONTROLLER://{HOST}:{controller[name]}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINK:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": stack.data / name,
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        **_linked(stack, name, controller[name]),
        **_copies(stack.brokers),
        **SMALL_MACHINE,
        **QUICK,
    }


def _linked(stack: Stack, name: str, controller: int) -> dict[str, object]:
    """Whoever comes by the link is sent on to the link (tests)."""
    link = links.read(stack.data).get(name)
    if link is None:
        return {}
    own = f"CLIENT://{HOST}:{stack.ports[name]}"
    return {
        "listeners": f"{own},LINK://{HOST}:{link.upstream},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"{own},LINK://{HOST}:{link.listen}",
    }


def _copies(brokers: int) -> dict[str, object]:
    """Of Kafka's own topics too: one broker and their default of 3, and groups hang silently."""
    in_sync = 2 if brokers > 1 else 1
    return {
        "default.replication.factor": brokers,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": brokers,
        "transaction.state.log.replication.factor": brokers,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": brokers,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


async def _serves(stack: Stack, name: str) -> bool:
    port = stack.ports[name]
    return _listens(port) and await _answers(f"{HOST}:{port}", stack.brokers)


def _listens(port: int) -> bool:
    """Cheap, and spares aiokafka's long complaints about a port where nobody is yet."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def _answers(bootstrap: str, brokers: int) -> bool:
    """The broker knows the others, a record is acknowledged, the group coordinator is awake.

    That it is listed says little: a killed broker stays listed for the session timeout.
    """
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    client = {"bootstrap_servers": bootstrap, "request_timeout_ms": int(PROBE_TIMEOUT_S * 1000)}
    admin = AIOKafkaAdminClient(**client)
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **client)
    try:
        await admin.start()
        if len((await admin.describe_cluster())["brokers"]) < brokers:
            return False
        await _ensure_probe_topic(admin, brokers)
        await producer.start()
        await producer.send_and_wait(PROBE_TOPIC, b"ready")
        await admin.find_coordinator(PROBE_TOPIC)
        (topic,) = await admin.describe_topics([PROBE_TOPIC])
        return len(topic["partitions"][0]["isr"]) == brokers
    except (KafkaError, OSError):
        return False
    finally:
        await producer.stop()
        await admin.close()


async def _ensure_probe_topic(admin: object, brokers: int) -> None:
    from aiokafka.admin import NewTopic

    if PROBE_TOPIC not in await admin.list_topics():  # type: ignore[attr-defined]
        await admin.create_topics([NewTopic(PROBE_TOPIC, 1, brokers)])  # type: ignore[attr-defined]
