"""The limits that a sender keeps towards the servers it talks to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from adapters.settings import Settings

CONNECT_TIMEOUT_S = 15.0


@lru_cache(maxsize=1)
def unverified_context() -> ssl.SSLContext:
    """TLS against listeners only: any certificate will do (opportunistic TLS, RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=1)
def verified_context() -> ssl.SSLContext:
    """TLS with a certificate that the system's authorities vouch for, in the server's name."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Options:
    """How many connections, how long each, and how patient."""

    hello_name: str = "mail.penguinmails.invalid"
    connections: int = 8  # per (source, next hop)
    messages_max: int = 200  # per connection
    age_max_s: float = 300.0  # of a connection
    idle_s: float = 30.0
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    timeout_s: float = 60.0  # each phase before the dot
    dot_timeout_s: float = 40.0
    down_s: float = 5.0  # how long a next hop that failed is left alone while another is there
    required_tls: Callable[[], ssl.SSLContext] = verified_context

    @classmethod
    def of(cls, settings: Settings) -> Options:
        """The limits that the settings name."""
        return cls(
            hello_name=settings.hello_name,
            connections=settings.lane_connections,
            messages_max=settings.connection_messages_max,
            age_max_s=settings.connection_age_max_s,
            connect_timeout_s=min(CONNECT_TIMEOUT_S, settings.smtp_timeout_s),
            timeout_s=settings.smtp_timeout_s,
            dot_timeout_s=settings.dot_timeout_s,
        )
