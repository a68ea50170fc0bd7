"""The doctor's look at Kafka: does it answer, are the topics there, is anything dead-lettered."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from adapters import kafka_log
from ops.doctor.check import Check, check
from ops.where import Where

ANSWER_TIMEOUT_S = 10.0
DEAD_LETTERS = ".dlq"


async def looks(where: Where) -> list[Check]:
    """All findings; one when Kafka does not answer, for then nothing else can be seen."""
    consumer = AIOKafkaConsumer(bootstrap_servers=where.bootstrap)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await consumer.start()
            there = await consumer.topics()
    except (KafkaError, TimeoutError, OSError) as error:
        return [_answers(where, str(error) or "no answer in time")]
    finally:
        await consumer.stop()
    found = [_answers(where, "")]
    missing = [name for name in _names(where) if name not in there]
    found.append(_topics(missing))
    if not missing:
        found.append(await _log_id(where))
        found += await _dead_letters(where)
    return found


def _answers(where: Where, problem: str) -> Check:
    return check(
        "kafka answers",
        ok=not problem,
        found=f"{where.bootstrap} {problem}".strip(),
        cure="penguin up, or point PM_KAFKA_BOOTSTRAP to a broker that runs",
    )


def _names(where: Where) -> list[str]:
    return [where.prefix + name for name in kafka_log.declared_topics()]


def _topics(missing: list[str]) -> Check:
    return check(
        "topics",
        ok=not missing,
        found=f"missing: {', '.join(missing)}" if missing else "all are there",
        cure="penguin run migrate makes them",
    )


async def _log_id(where: Where) -> Check:
    """Every kept partition must begin with the mark of one and the same log."""
    kept = [
        TopicPartition(where.prefix + name, number)
        for name, declared in kafka_log.declared_topics().items()
        if not name.endswith(DEAD_LETTERS) and ".due." not in name
        for number in range(declared["partitions"])
    ]
    ids = set((await kafka_log.log_id(where.bootstrap, kept)).values())
    return check(
        "log id",
        ok=len(ids) == 1 and not ids & {"", "unmarked"},
        found=", ".join(sorted(one or "empty" for one in ids)),
        cure="partitions of different logs are mixed: restore Kafka whole, or use a new PM_PREFIX",
    )


async def _dead_letters(where: Where) -> list[Check]:
    declared = kafka_log.declared_topics()
    counts = {
        where.prefix + name: topic["partitions"]
        for name, topic in declared.items()
        if name.endswith(DEAD_LETTERS)
    }
    consumer = AIOKafkaConsumer(bootstrap_servers=where.bootstrap)
    await consumer.start()
    try:
        return [_letters(n, await _records(consumer, n, counts[n])) for n in counts]
    finally:
        await consumer.stop()


def _letters(topic: str, count: int) -> Check:
    return check(
        f"dead letters {topic}",
        ok=count == 0,
        found=count,
        cure=f"penguin events --topic {topic} shows each with its reason; its batch is parked",
    )


async def _records(consumer: AIOKafkaConsumer, topic: str, count: int) -> int:
    partitions = [TopicPartition(topic, number) for number in range(count)]
    begin = await consumer.beginning_offsets(partitions)
    end = await consumer.end_offsets(partitions)
    return sum(end[one] - begin[one] for one in partitions)
