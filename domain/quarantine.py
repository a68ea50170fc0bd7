"""Quarantine of a sending IP: nothing new leaves from it for a while; its history is kept."""

from __future__ import annotations

from domain.event import Event
from domain.sending_ip import SendingIpQuarantined, SendingIpReleased, State, require_active


def begin(state: State, *, reason: str) -> tuple[Event, ...]:
    """Let nothing new leave from it until it is released. Raises NotFound, WrongState."""
    require_active(state)
    if state.quarantined:
        return ()
    return (SendingIpQuarantined(tenant_id=state.tenant_id, ip=state.ip, reason=reason),)


def end(state: State, *, reason: str) -> tuple[Event, ...]:
    """Let mail leave from it again. Raises NotFound, WrongState."""
    require_active(state)
    if not state.quarantined:
        return ()
    return (SendingIpReleased(tenant_id=state.tenant_id, ip=state.ip, reason=reason),)
