"""How a mailbox provider is to be treated by the mail of one cell, as the governor decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Courtesy:
    """So many connections at a time to each next hop, and so many messages in each, at most."""

    cell: str  # sending IP and provider: what is bound together
    connections: int
    per_connection: int
