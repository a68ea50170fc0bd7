"""Builds what commands about people work with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adapters.identity.accounts import Accounts
from adapters.identity.passwords import Passwords, argon2id
from adapters.identity.rows import Connect, Rows
from adapters.identity.throttle import Throttle
from adapters.settings import Settings
from api.commands.accounts import Identity
from api.commands.domains import Dns
from api.commands.system_mail import PipelineMail
from api.desk import Desks

#: More than signing up takes with an address that is new, which is more work than with a known one.
SIGN_UP_TAKES_S = 0.6


def identity(
    settings: Settings, desks: Desks, connect: Connect, dns: Dns, clock: Callable[[], datetime]
) -> Identity:
    """Over connections under role pm_api."""
    rows = Rows(connect)
    own_url = f"http://{settings.api_host}:{settings.api_port}"
    return Identity(
        accounts=Accounts(rows, desks.seals),
        passwords=Passwords(argon2id()),
        throttle=Throttle(rows, settings.id_key),
        mail=PipelineMail(desks, settings.system_from, dns, clock),
        desks=desks,
        clock=clock,
        public_url=(settings.public_url or own_url).rstrip("/"),
        sign_up_takes_s=SIGN_UP_TAKES_S,
    )
