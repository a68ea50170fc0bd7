"""DKIM keys of a domain: make the next one, publish it, sign with it, let the one before go."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from adapters.dns import Unanswered
from api import shapes_content as shapes
from api.answers import Json
from api.bodies import Body, IdPath
from api.commands import domain_keys, domain_records, domains
from api.problems import Problem
from api.v1.domains import ReasonQuery, Writer, silent
from api.wiring import PortsDep
from domain.ports import Decided
from domain.sending_domain import State

router = APIRouter(prefix="/v1/domains", tags=["domains"])
SelectorPath = Annotated[str, Path(max_length=63, pattern=r"^[a-z0-9-]+$", examples=["pm2"])]


class NewKey(Body):
    """What the domain is to sign with next."""

    algorithm: Annotated[Literal["rsa", "ed25519"], Field(examples=["rsa"])] = "rsa"


@router.post("/{domain_id}/dkim-keys", status_code=201, responses=shapes.KEY_CREATED)
def create_dkim_key(domain_id: IdPath, body: NewKey, desk: Writer, ports: PortsDep) -> Json:
    """Make the domain's next key: publish `record`, then activate it. Until then it is idle."""
    domains.known(desk, domain_id)
    selector, decided = domain_keys.create(desk, domain_id, body.algorithm)
    state = domains.known(desk, domain_id)
    (record,) = domain_records.described([domains.key_record(state, selector, ports.dns)], [])
    return _told(state, selector, decided, {"record": record}, status=201)


@router.post("/{domain_id}/dkim-keys/{selector}/activate", responses=shapes.KEY_ACTIVATED)
def activate_dkim_key(
    domain_id: IdPath, selector: SelectorPath, desk: Writer, ports: PortsDep
) -> Json:
    """Sign with this key, once its record is seen in DNS; within a minute all mail is.

    The key before is kept for ten days, in which it may be activated again; then it is destroyed.
    """
    state = domains.known(desk, domain_id)
    try:
        look = domains.look_at_key(desk, state, selector, ports.dns)
    except Unanswered as error:
        raise silent() from error
    (record,) = domain_records.described([look.record], domain_records.rows_of([look]))
    if not look.is_there:
        raise Problem("wrong_state", f"selector: {selector} is not published: {record['error']}")
    decided = domain_keys.activate(desk, domain_id, selector)
    return _told(domains.known(desk, domain_id), selector, decided, {"record": record})


@router.delete("/{domain_id}/dkim-keys/{selector}", responses=shapes.KEY_RETIRED)
def retire_dkim_key(
    domain_id: IdPath, selector: SelectorPath, desk: Writer, reason: ReasonQuery = "by its owner"
) -> Json:
    """Destroy a key that does not sign, at once. Its record may then be taken from DNS."""
    domains.known(desk, domain_id)
    decided = domain_keys.retire(desk, domain_id, selector, reason)
    return _told(domains.known(desk, domain_id), selector, decided, {})


def _told(
    state: State, selector: str, decided: Decided, more: dict[str, object], status: int = 200
) -> Json:
    key = state.keys[selector]
    told = {"object": "dkim_key", "domain_id": state.domain_id, "selector": selector}
    told |= {"algorithm": key.algorithm, "public_key": key.public_key, "state": key.state.value}
    return Json(told | more | {"position": decided.position}, status_code=status)
