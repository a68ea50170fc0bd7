"""The composition root: builds adapters and hands them to the rooms, one function a role.

Each function blocks until SIGTERM, drains, and returns; it calls `ready` once it serves.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from adapters.settings import Settings

if TYPE_CHECKING:
    from adapters.dns import DnsResolver
    from adapters.message.dkim import Signer
    from adapters.message.signing_pool import SigningPool
    from adapters.sealing import Seals
    from api.commands.domains import Dns
    from domain.ports import Renderer
    from streams.dispatching.skeletons import Brief, SigningKey
    from streams.runtime import StreamRuntime

Ready = Callable[[], None]
Serve = Callable[[asyncio.Event, Ready], Awaitable[None]]

#: How long the releaser rests: with nothing waiting, unless it is called, and with all of it held.
REST_S, HELD_REST_S = 0.5, 0.2
#: Records of a stream travel together when they wait so long for each other.
LINGER_MS = 5


def _until_told(serve: Serve, ready: Ready) -> None:
    """Run a service until SIGTERM or SIGINT sets its event."""
    import uvloop

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(stop, ready)

    uvloop.run(main())


def sink(settings: Settings, ready: Ready) -> None:
    """The mailbox provider stand-in with its inbox page."""
    from ops.sink import server

    server.run(settings, ready)


def dns(settings: Settings, ready: Ready) -> None:
    """The authoritative DNS stand-in on loopback."""
    from ops import dns_server

    dns_server.run(settings, ready)


def relay(settings: Settings, ready: Ready) -> None:
    """Decisions from the event store into Kafka; the first of a stack takes send authority."""
    from adapters.relay import Relay
    from ops.authority import first_start

    carrier = Relay(settings.database_url, settings.kafka_bootstrap, settings.prefix)

    def told() -> None:
        ready()
        threading.Thread(target=first_start, args=(settings,), daemon=True).start()

    _until_told(carrier.run, told)


def schedule(settings: Settings, ready: Ready) -> None:
    """The fold that keeps what is pending."""
    from adapters.dead_letters import KafkaDeadLetters
    from projections.runner import Place, Reader
    from streams.schedule.fold import ScheduleFold

    fold = ScheduleFold(id_key=settings.id_key, retry_scale=settings.retry_scale)
    place = Place(settings.database_url, settings.kafka_bootstrap, settings.prefix)

    async def serve(stop: asyncio.Event, ready: Ready) -> None:
        letters = KafkaDeadLetters(settings.kafka_bootstrap, settings.prefix, "schedule")
        async with letters:
            await Reader.of(fold, place, letters).run(stop, ready)

    _until_told(serve, ready)


def projections(settings: Settings, ready: Ready) -> None:
    """Every read model."""
    from adapters.dead_letters import KafkaDeadLetters
    from projections import live
    from projections.session import Place

    place = Place(settings.database_url, settings.kafka_bootstrap, settings.prefix)

    async def serve(stop: asyncio.Event, ready: Ready) -> None:
        letters = KafkaDeadLetters(settings.kafka_bootstrap, settings.prefix, "projections")
        async with letters:
            await live.run(place, letters, stop, ready)

    _until_told(serve, ready)


def _resolver(settings: Settings) -> DnsResolver:
    from adapters.dns import DnsResolver

    spread = random.Random()  # noqa: S311 - spreads load over servers of one preference
    return DnsResolver(settings.dns_server, settings.smtp_port, spread)


def planner(settings: Settings, ready: Ready) -> None:
    """Audiences into batches; scheduled launches; looks at domains, lists, the end of campaigns."""
    from datetime import UTC, datetime

    from adapters import postgres
    from adapters.dead_letters import KafkaDeadLetters
    from adapters.event_store import EventStore, InThread
    from adapters.kafka_log import KafkaLog
    from ops import reputation_watch
    from ops.domain_care import tender
    from ops.due_launches import launcher
    from streams import deleting, finishing, launching, metering, suppressing, tending, worker
    from streams.planner import agent
    from streams.planner.planning import PlannerDeps

    async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
        pool = postgres.pool(settings.database_url, "pm_worker")
        await stack.enter_async_context(pool)
        log = KafkaLog(settings.kafka_bootstrap, settings.prefix, linger_ms=LINGER_MS)
        await stack.enter_async_context(log)
        letters = KafkaDeadLetters(settings.kafka_bootstrap, settings.prefix, "planner")
        await stack.enter_async_context(letters)
        api_pool = postgres.pool(settings.database_url, "pm_api", size_max=2)
        await stack.enter_async_context(api_pool)
        store = EventStore(settings.database_url, "pm_worker", needs_relay=True)
        decider = InThread(stack.enter_context(store))
        key = settings.id_key
        agent.install(app, PlannerDeps(pool, log, _resolver(settings), key, api_pool), letters)
        suppressed = suppressing.SuppressingDeps(pool, api_pool, decider, key)
        suppressing.install(app, suppressed, letters)
        finishing.install(
            app, finishing.FinishingDeps(pool, finishing.counted_in(api_pool), decider, key)
        )
        deleting.install(app, deleting.DeletingDeps(pool, decider, lambda: datetime.now(UTC)))
        counters = postgres.pool(settings.database_url, "pm_projector", size_max=1)
        await stack.enter_async_context(counters)
        metering.install(
            app, metering.MeteringDeps(counters, decider, lambda: datetime.now(UTC), key)
        )
        launch = stack.enter_context(launcher(settings))
        launching.install(app, launching.LaunchingDeps(pool, launch, lambda: datetime.now(UTC)))
        tend = stack.enter_context(tender(settings, _dns_of(settings)))
        tending.install(app, tending.TendingDeps(pool, *tend))
        reputation_watch.install(app, settings, pool, log, _resolver(settings))

    worker.run("planner", settings, install, ready)


def release(settings: Settings, ready: Ready) -> None:
    """Due sends into lanes, within caps."""
    from adapters import postgres
    from adapters.kafka_log import KafkaLog
    from adapters.log_ends import KafkaLogEnds
    from streams import timers, worker
    from streams.releasing.gate import Gate, Memory
    from streams.releasing.tick import Pace, Releaser

    async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
        log = KafkaLog(settings.kafka_bootstrap, settings.prefix)
        ends = KafkaLogEnds(settings.kafka_bootstrap, settings.prefix)
        await stack.enter_async_context(log)
        await stack.enter_async_context(ends)
        memory = Memory(settings.data_dir / "releaser.json")
        gate = Gate(
            ends,
            slice_deadline_s=settings.slice_deadline_s,
            memory=memory,
            stack_id=settings.stack_id,
        )
        pace = Pace(
            id_key=settings.id_key,
            lease_s=settings.lease_s,
            lane_depth_sends=settings.lane_depth_sends,
            freshness_max_s=settings.freshness_max_s,
            rest_s=REST_S,
            held_rest_s=HELD_REST_S,
        )
        connect = partial(postgres.connect, settings.database_url, "pm_release", connect_timeout=5)
        releaser = Releaser(connect, log, gate, pace)
        stack.push_async_callback(releaser.close)
        timers.every(app, settings.release_every_s, "releasing", releaser.tick)

    worker.run("release", settings, install, ready)


def sweeper(settings: Settings, ready: Ready) -> None:
    """What dead dispatchers left behind, and what became of it after all."""
    from adapters import dot_journal, postgres
    from adapters.kafka_log import KafkaLog
    from adapters.log_ends import KafkaLogEnds
    from streams import resolving, sweeping, timers, worker

    async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
        log = KafkaLog(settings.kafka_bootstrap, settings.prefix)
        ends = KafkaLogEnds(settings.kafka_bootstrap, settings.prefix)
        await stack.enter_async_context(log)
        await stack.enter_async_context(ends)
        pool = postgres.pool(settings.database_url, "pm_release", size_max=2)
        await stack.enter_async_context(pool)
        api_pool = postgres.pool(settings.database_url, "pm_api", size_max=1)
        await stack.enter_async_context(api_pool)
        inspect = partial(dot_journal.inspect, settings.data_dir)
        journals = sweeping.Journals(
            partial(dot_journal.forsaken, settings.data_dir),
            partial(dot_journal.discard, settings.data_dir),
        )

        async def sweep() -> None:
            async with pool.connection(timeout=5) as conn:
                await sweeping.sweep(conn, log, ends, inspect, id_key=settings.id_key)
                await sweeping.tidy(conn, ends, journals)
                if settings.ambiguous_resend:
                    await resolving.resend(conn, log, id_key=settings.id_key)

        walk = resolving.Walk()

        async def hear() -> None:
            async with pool.connection(timeout=5) as conn, api_pool.connection(timeout=5) as api:
                await resolving.hear(conn, api, log, walk, id_key=settings.id_key)

        timers.every(app, settings.sweep_every_s, "sweeping", sweep)
        timers.every(app, settings.hear_every_s, "hearing", hear)

    worker.run("sweeper", settings, install, ready)


def dispatcher(settings: Settings, ready: Ready) -> None:
    """Claimed slices over SMTP."""
    from adapters import postgres
    from adapters.dead_letters import KafkaDeadLetters
    from adapters.dot_journal import DotJournal
    from adapters.kafka_log import KafkaLog
    from adapters.message.signing_pool import SigningPool
    from adapters.smtp_lane.lanes import SmtpLanes
    from adapters.smtp_lane.options import Options
    from streams import worker
    from streams.dispatching.agent import DispatcherDeps
    from streams.dispatching.agent import install as install_agents
    from streams.dispatching.dots import Dots

    async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
        pool = postgres.pool(settings.database_url, "pm_dispatcher")
        started = KafkaLog(settings.kafka_bootstrap, settings.prefix)
        outcomes = KafkaLog(settings.kafka_bootstrap, settings.prefix, linger_ms=LINGER_MS)
        letters = KafkaDeadLetters(settings.kafka_bootstrap, settings.prefix, "dispatcher")
        for opened in (pool, started, outcomes, letters):
            await stack.enter_async_context(opened)
        pool_size = settings.signing_processes
        signing = await stack.enter_async_context(SigningPool(pool_size)) if pool_size else None
        dots = Dots(stack.enter_context(DotJournal(settings.data_dir)))  # closed after the lanes
        lanes = SmtpLanes(dots, Options.of(settings))
        stack.push_async_callback(lanes.close)
        deps = DispatcherDeps(
            pool=pool,
            started_log=started,
            outcomes_log=outcomes,
            lanes=lanes,
            resolver=_resolver(settings),
            compile=partial(compiled, settings, seals_of(settings), signing=signing),
            dots=dots,
            owner=f"{socket.gethostname()}/{os.getpid()}",
            letters=letters,
        )
        install_agents(app, settings, deps)

    worker.run("dispatcher", settings, install, ready)


def seals_of(settings: Settings) -> Seals:
    """What seals and opens secrets. Raises Unopened for a key that is none."""
    from adapters.sealing import Seals, keys_from

    return Seals(keys_from(settings.secret_key, settings.secret_key_file))


def compiled(
    settings: Settings, seals: Seals, brief: Brief, signing: SigningPool | None = None
) -> Renderer:
    """A campaign's message, signed by the keys that it asks for; ahead, where `signing` can.

    Its keys are opened here, once for each compiled message.
    """
    from adapters.message.dkim import load_signer
    from adapters.message.skeleton import compile_message
    from adapters.sealing import signing_key_field

    domain = brief.sender_address.rpartition("@")[2]

    def signer(key: SigningKey) -> Signer:
        place = signing_key_field(brief.tenant_id, key.domain_id, key.selector)
        return load_signer(domain, key.selector, seals.open(key.private_key, *place))

    return compile_message(
        brief.content,
        sender_address=brief.sender_address,
        sender_name=brief.sender_name,
        domain=domain,
        campaign_id=brief.campaign_id,
        tenant_id=brief.tenant_id,
        launched_at=brief.launched_at,
        tracking_url=settings.tracking_url,
        id_key=settings.id_key.encode(),
        message_class=brief.message_class,
        signers=[signer(key) for key in brief.keys],
        pool=signing,
    )


def _dns_of(settings: Settings) -> Dns:
    """How commands look at DNS; where the stand-in is named, it publishes what they look for."""
    from api.commands.domains import Dns
    from ops import dns_server

    reader = partial(_resolver, settings)
    if not settings.dns_server:
        return Dns(reader, settings.bounce_host)
    return Dns(reader, settings.bounce_host, partial(dns_server.publish_record, settings.data_dir))


def volume(settings: Settings, ready: Ready) -> None:
    """What receivers answer into how much may leave."""
    from ops import volume_role
    from streams import worker

    worker.run("volume", settings, partial(volume_role.install, settings), ready)


def api(settings: Settings, ready: Ready) -> None:
    """Questions and commands over HTTP."""
    from ops import api_role

    serve = partial(api_role.serve, settings, seals_of(settings), _dns_of(settings))
    _until_told(serve, ready)
