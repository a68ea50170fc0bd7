"""Signatures from other processes: the same bytes, whatever happens to those processes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable

import pytest

from adapters.message import dkim, signing_pool
from adapters.message.signing import FEW
from adapters.message.signing_pool import SigningPool
from domain.campaign import SIGNATURES
from domain.ids import deriver
from domain.ports import Addressee
from tests.message_kit import compiled

KEYS = {algorithm: dkim.new_key(algorithm) for algorithm in ("rsa", "ed25519")}
DIGESTS = [hashlib.sha256(bytes([number])).digest() for number in range(20)]
send_id = deriver(b"a key for tests", "snd")
BODY = "<p>Hi {{ first_name }}</p>{% if city %}<p>{{ city }}</p>{% endif %}"


def signers(mode: str) -> list[dkim.Signer]:
    both = [dkim.load_signer("example.com", name, key.private_der) for name, key in KEYS.items()]
    return [signer for signer in both if signer.algorithm in SIGNATURES[mode]]


def addressees(count: int = 12) -> list[Addressee]:
    return [
        Addressee(
            at, send_id(str(at)), f"a{at}@example.org", {"first_name": "Zoë", "city": f"c{at}"}
        )
        for at in range(count)
    ]


@pytest.fixture
async def pool() -> AsyncIterator[SigningPool]:
    async with SigningPool(2) as found:
        yield found


async def until(holds: Callable[[], object], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("body", [BODY, "<p>the same for all</p>"])
@pytest.mark.parametrize("mode", ["none", "rsa", "ed25519", "both"])
async def test_a_mail_has_the_same_bytes_whoever_signed_it(
    pool: SigningPool, mode: str, body: str
) -> None:
    here, ahead = (
        compiled(body, signers=signers(mode)),
        compiled(body, signers=signers(mode), pool=pool),
    )

    stamps = await ahead.stamps(addressees())

    assert len(stamps) == (12 if mode in {"rsa", "both"} else 0)
    assert bool(ahead.ahead) == bool(stamps)
    assert here.ahead == 0
    for to in addressees():
        mail = to.index, to.send_id, to.address, to.fields
        expected = here.render(*mail)
        assert ahead.render(*mail, stamps.get(to.index, b"")) == expected
        assert ahead.render(*mail) == expected


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
async def test_signatures_come_in_order(pool: SigningPool, algorithm: str) -> None:
    der = KEYS[algorithm].private_der
    (signer,) = signers(algorithm)

    batches = await asyncio.gather(*(pool.sign(der, DIGESTS[at:]) for at in range(8)))

    assert batches == [[signer.sign(digest) for digest in DIGESTS[at:]] for at in range(8)]


async def test_whom_no_mail_can_be_made_for_is_left_out_alone(pool: SigningPool) -> None:
    skeleton = compiled(signers=signers("rsa"), pool=pool)
    refused = Addressee(99, send_id("99"), "a@b@c\r\n", {})

    stamps = await skeleton.stamps([refused, *addressees()])

    assert sorted(stamps) == list(range(12))


async def test_a_few_mails_wait_for_no_other_process(pool: SigningPool) -> None:
    skeleton = compiled(signers=signers("rsa"), pool=pool)

    assert await skeleton.stamps(addressees(FEW - 1)) == {}
    assert pool.pids == []


async def test_a_worker_that_is_killed_is_replaced(
    pool: SigningPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_pool, "RESTART_AFTER_S", 0.01)
    der = KEYS["rsa"].private_der
    expected = await pool.sign(der, DIGESTS)
    await until(lambda: len(pool.pids) == 2)
    before = set(pool.pids)

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: len(set(pool.pids) - before) == 2)

    assert await pool.sign(der, DIGESTS) == expected


async def test_who_waits_for_a_worker_that_dies_is_told() -> None:
    async with SigningPool(1) as pool:
        await pool.sign(KEYS["rsa"].private_der, DIGESTS)
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(pool.sign(KEYS["rsa"].private_der, DIGESTS))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)

        assert await asyncio.wait_for(asked, 4) is None


async def test_a_worker_that_does_not_answer_is_ended_and_nobody_waits_for_it() -> None:
    async with SigningPool(1) as pool:
        await pool.sign(KEYS["rsa"].private_der, DIGESTS)
        (stuck,) = pool.pids
        os.kill(stuck, signal.SIGSTOP)
        pool._answer_max_s = 0.2

        assert await pool.sign(KEYS["rsa"].private_der, DIGESTS) is None
        with pytest.raises(ProcessLookupError):
            os.kill(stuck, 0)


async def test_without_any_worker_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    async with SigningPool(2, answer_max_s=0.1) as pool:
        assert await pool.sign(KEYS["rsa"].private_der, DIGESTS) is None


async def test_a_request_that_is_given_up_leaves_others_their_answers(pool: SigningPool) -> None:
    der = KEYS["rsa"].private_der
    expected = await pool.sign(der, DIGESTS)

    given_up = [asyncio.create_task(pool.sign(der, DIGESTS[1:])) for _ in range(6)]
    await asyncio.sleep(0.005)
    for task in given_up:
        task.cancel()

    assert await asyncio.gather(*(pool.sign(der, DIGESTS) for _ in range(6))) == [expected] * 6
    assert pool._free.qsize() == 2 * signing_pool.REQUESTS_EACH


async def test_closing_ends_every_worker() -> None:
    async with SigningPool(2) as pool:
        await pool.sign(KEYS["rsa"].private_der, DIGESTS)
        await until(lambda: len(pool.pids) == 2)
        pids = pool.pids

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
