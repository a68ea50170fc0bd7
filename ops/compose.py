"""The composition root: builds adapters and hands them to the rooms, one function a role.

Each function blocks until SIGTERM, drains, and returns; it calls `ready` once it serves.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.settings import Settings

Ready = Callable[[], None]


def sink(settings: Settings, ready: Ready) -> None:
    """The mailbox provider stand-in with its inbox page."""
    from ops.sink import server

    server.run(settings, ready)


def dns(settings: Settings, ready: Ready) -> None:
    """The authoritative DNS stand-in on loopback."""
    from ops import dns_server

    dns_server.run(settings, ready)
