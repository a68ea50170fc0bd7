"""Changes as they happen: server-sent events, resumed by position."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from api.callers import Caller
from api.listeners import Listeners
from api.problems import KINDS, MEDIA_TYPE
from api.wiring import may

router = APIRouter(prefix="/v1/live", tags=["live"])
EXAMPLE = (
    'event: campaign.counters\ndata: {"campaign_id":"cmp_agnhktnyopyf3jxw6k2vxzhd4e",'
    '"requested":9900,"states":{"accepted":9421},"counters":{},"rates":{}}\n\n'
    'id: 48213\nevent: position\ndata: {"position":48213}\n\n'
)
_NO = ("unauthorized", "tenant_missing", "invalid", "forbidden", "too_many_streams")
ANSWERS: dict[int | str, dict[str, Any]] = {
    KINDS[code].status: {"description": KINDS[code].title, "content": {MEDIA_TYPE: {}}}
    for code in _NO
}
ANSWERS |= {
    200: {
        "description": "Events until the client goes: campaign.state, campaign.counters,"
        " import.state, import.progress (with leads:read), volume.scope (with ips:read), position",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


@router.get("", responses=ANSWERS, response_class=StreamingResponse)
async def listen(
    request: Request,
    caller: Annotated[Caller, may("campaigns:read")],
    last_event_id: Annotated[
        str,
        Header(pattern=r"^\d{0,19}$", description="the position to go on from; none: from now on"),
    ] = "",
) -> StreamingResponse:
    """Campaigns' states and counters, imports' progress, decisions about volume, as they change.

    An event tells what is, not by how much it changed. After each group comes `position`, whose id
    a client gives back as Last-Event-ID: it is then told of all that changed since. Streams end
    after ten minutes; clients come back by themselves. Imports are told to those alone who may read
    leads, at most every 0.7 s.
    """
    listeners: Listeners = request.app.state.listeners
    listeners.require_room(caller.tenant_id)
    since = int(last_event_id) if last_event_id else None
    events = listeners.stream(caller, since)
    return StreamingResponse(events, media_type="text/event-stream")
