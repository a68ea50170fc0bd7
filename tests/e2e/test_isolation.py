"""I11 from outside: each operation of the API, with another tenant's ids, keys and cursors."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.isolation_kit import Attempt, Tenant, attempts
from tests.main_job_kit import MainJob

pytestmark = pytest.mark.stack

#: Operations that answer about several things at once: each of another tenant's fails alone.
ITEM_BY_ITEM = frozenset({"change_leads", "suppress_several", "erase_leads"})


class Two(NamedTuple):
    """Two tenants of one stack, and what its API says of itself."""

    mine: Tenant
    theirs: Tenant
    described: dict[str, Any]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    job = MainJob(tmp_path_factory.mktemp("isolation"), latency_ms=1)
    job.up()
    try:
        yield settled(job)
    finally:
        job.run("down")


def settled(job: MainJob) -> Two:
    mine, theirs = Tenant(job), Tenant(job)
    mine.settle()
    theirs.settle()
    with urllib.request.urlopen(job.addresses["api_url"] + "/openapi.json") as answer:  # noqa: S310 - the stack's own
        return Two(mine, theirs, json.load(answer))


def nobodys(ids: dict[str, str]) -> dict[str, str]:
    """Ids of the same kinds that nothing has."""
    return {name: f"{value.partition('_')[0]}_{'z' * 26}" for name, value in ids.items()}


def test_what_is_another_tenants_is_answered_as_what_does_not_exist(two: Two) -> None:
    """I11: 404 and never 403, the same words; nothing of theirs in any answer; nothing changed."""
    before = everything_of(two.theirs, two.described)
    tried, told_apart, leaked = 0, [], []
    foreign = attempts(two.described, two.theirs.ids)
    unknown = attempts(two.described, nobodys(two.theirs.ids))
    for theirs, nobodys_ in zip(foreign, unknown, strict=True):
        answer = two.mine.ask(theirs.method, theirs.path, theirs.body)
        other = two.mine.ask(nobodys_.method, nobodys_.path, nobodys_.body)
        if theirs.named:
            tried += 1
            if not alike(answer.alike, other.alike, two.theirs.ids):
                told_apart.append(f"{theirs}: {answer} but {other}")
        if two.theirs.canary in answer.text:
            leaked.append(f"{theirs}: {answer}")

    assert leaked == []
    assert told_apart == []
    assert tried > 60
    assert everything_of(two.theirs, two.described) == before


def alike(one: tuple[int, Any], other: tuple[int, Any], ids: dict[str, str]) -> bool:
    """The same status and the same words, but for ids that the caller itself sent."""
    texts = [json.dumps(told) for _, told in (one, other)]
    for value in ids.values():
        texts[0] = texts[0].replace(value, f"{value.partition('_')[0]}_{'z' * 26}")
    return one[0] == other[0] and texts[0] == texts[1]


def everything_of(tenant: Tenant, described: dict[str, Any]) -> dict[str, Any]:
    """What a tenant sees of its own things, without what moves by itself."""
    found = {}
    for attempt in attempts(described, tenant.ids):
        if attempt.method == "GET" and readable(attempt):
            answer = tenant.ask("GET", attempt.path)
            found[attempt.path] = json.dumps(answer.alike, sort_keys=True)
    return found


def readable(attempt: Attempt) -> bool:
    """Whether it says the same when it is asked twice."""
    moving = ("/v1/audit", "/v1/usage", "/v1/keys", "/v1/live", "/v1/overview", "/v1/analytics")
    return not attempt.path.startswith(moving)


def test_operations_that_name_a_thing_say_that_it_is_not_there(two: Two) -> None:
    """I11: each path with an id in it is 404 for the other tenant, whatever the rest is."""
    wrong = []
    for attempt in attempts(two.described, two.theirs.ids):
        in_path = any(value in attempt.path.partition("?")[0] for value in two.theirs.ids.values())
        if in_path and attempt.name not in ITEM_BY_ITEM:
            answer = two.mine.ask(attempt.method, attempt.path, attempt.body)
            if answer.status != 404:
                wrong.append(f"{attempt}: {answer}")

    assert wrong == []


def test_a_key_opens_its_own_tenant_alone(two: Two) -> None:
    """I11: naming another tenant with one's own key is as good as no key."""
    path = f"/v1/leads?tenant={two.theirs.made['tenant_id']}"

    assert two.mine.ask("GET", path).status == 401
    assert two.mine.ask("GET", "/v1/leads", key="pm_live_nothing").status == 401


def test_another_tenants_cursor_is_no_cursor(two: Two) -> None:
    answer = two.mine.ask("GET", f"/v1/leads?limit=1&cursor={two.theirs.cursor}")

    assert (answer.status, json.loads(answer.text)["code"]) == (400, "invalid_cursor")
