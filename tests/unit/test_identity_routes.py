"""What lets mail out needs a verified address, on whichever route it is."""

from __future__ import annotations

from fastapi.routing import APIRoute

from api.main import ROUTERS
from api.wiring import AtDesk, May

#: What lets mail out by a tenant's wish. To resume is not among it: it was launched before.
SENDING = ("/launch", "/schedule", "/test")


def routes() -> list[APIRoute]:
    found = [route for module in ROUTERS for route in module.router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


def asks_for_verified(route: APIRoute) -> bool:
    guards = [found.call for found in route.dependant.dependencies]
    return any(isinstance(guard, AtDesk | May) and guard.sends for guard in guards)


def test_whatever_lets_mail_out_refuses_who_is_not_verified() -> None:
    """Launch, schedule and test mails; and there are such routes."""
    sending = [found for found in routes() if found.path.endswith(SENDING)]

    assert len(sending) >= 3
    assert not [found.path for found in sending if not asks_for_verified(found)]
