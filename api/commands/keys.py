"""API keys by command: create, rotate, revoke, list. A key's text is in the answer alone, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import errors

from adapters.postgres import named_sql
from api import key_tokens
from api.desk import Desk
from api.key_tokens import Made
from domain import api_key
from domain.api_key import Grant
from domain.membership import Granter
from domain.refusals import NotFound, Taken, WrongState

SQL = named_sql(Path(__file__).with_suffix(".sql"))
Row = dict[str, Any]


@dataclass(frozen=True)
class CreatedKey:
    """A key just made. `text` is shown once and kept nowhere."""

    key_id: str
    text: str = field(repr=False)
    position: int | None


def create(
    desk: Desk, wanted: Grant, *, name: str, by: Granter, now: datetime, replaces: str = ""
) -> CreatedKey:
    """Make a key. Raises Invalid for what its maker may not give.

    The event comes first: a key opens something only once its row is there. Repeating it with the
    same idempotency key is Taken: its text was shown then.
    """
    key_id = desk.fresh_id("key")
    decided = desk.decide(
        api_key,
        api_key.stream(key_id),
        partial(
            api_key.create,
            tenant_id=desk.tenant_id,
            key_id=key_id,
            wanted=wanted,
            by=by,
            now=now,
            replaces=replaces,
        ),
    )
    made = key_tokens.make(key_tokens.TEST if wanted.test else key_tokens.LIVE)
    _keep(desk, key_id, wanted, made, name=name, now=now)
    return CreatedKey(key_id, made.text, decided.position)


def _keep(desk: Desk, key_id: str, wanted: Grant, made: Made, *, name: str, now: datetime) -> None:
    chosen = None if wanted.workspace_ids is None else list(wanted.workspace_ids)
    values = {
        "tenant_id": desk.tenant_id,
        "key_id": key_id,
        "handle": made.handle,
        "hash": made.hash,
        "role": wanted.role,
        "scopes": sorted(set(wanted.scopes)),
        "workspace_ids": chosen,
        "test": wanted.test,
        "actor": desk.actor,
        "now": now,
        "expires_at": wanted.expires_at,
        "name": name,
    }
    try:
        with desk.transaction() as conn:
            conn.execute(SQL["keep"], values)
            conn.execute(SQL["name"], values)
    except errors.UniqueViolation as error:
        raise Taken("key_id: this key was made already and shown then; rotate it") from error


def revoke(desk: Desk, key_id: str, *, reason: str, now: datetime) -> int | None:
    """End a key; the next request with it is refused. Repeating changes nothing.

    The row comes first: what takes away must not wait for the log. Raises NotFound, Invalid.
    """
    api_key.require_reason(reason)
    one(desk, key_id)
    desk.write(SQL["revoke"], key_id=key_id, now=now)
    decide = partial(api_key.revoke, reason=reason)
    return desk.decide(api_key, api_key.stream(key_id), decide).position


def rotate(
    desk: Desk, key_id: str, *, by: Granter, now: datetime, overlap: timedelta
) -> CreatedKey:
    """Put a new key in an old one's place, with the same rights; the old one ends after `overlap`.

    Raises NotFound; WrongState for a revoked key; Invalid as `create`.
    """
    row = one(desk, key_id)
    if row["revoked_at"]:
        raise WrongState("key_id: the key is revoked; create another one")
    made = create(desk, _grant(row, now), name=row["name"], by=by, now=now, replaces=key_id)
    if not overlap:
        position = revoke(desk, key_id, reason="rotated", now=now)
        return replace(made, position=position)
    desk.write(SQL["shorten"], key_id=key_id, until=now + overlap)
    shorten = partial(api_key.shorten, until=now + overlap)
    position = desk.decide(api_key, api_key.stream(key_id), shorten).position
    return replace(made, position=position)


def _grant(row: Row, now: datetime) -> Grant:
    """What a key may do, for as long again as it was made for."""
    expires_at = row["expires_at"]
    chosen = row["workspace_ids"]
    return Grant(
        role=row["role"],
        scopes=tuple(row["scopes"]),
        workspace_ids=None if chosen is None else tuple(chosen),
        test=row["test"],
        expires_at=None if expires_at is None else now + (expires_at - row["created_at"]),
    )


def one(desk: Desk, key_id: str) -> Row:
    """A key of the tenant that this caller may see. Raises NotFound."""
    found = desk.rows(SQL["one"], key_id=key_id, **_sight(desk))
    if not found:
        raise NotFound("key_id: there is no such key; list them")
    return found[0]


def page(desk: Desk, *, after: str, limit: int) -> list[Row]:
    """The tenant's keys that this caller may see, the newest first."""
    return desk.rows(SQL["page"], after=after, limit=limit, **_sight(desk))


def _sight(desk: Desk) -> dict[str, Any]:
    chosen = desk.workspace_ids
    return {"workspaces": None if chosen is None else sorted(chosen)}
