"""Turns that a role takes by the clock, such as the releaser's tick and the sweep."""

from __future__ import annotations

from functools import partial

from streams import guard
from streams.runtime import StreamRuntime, Work


def every(app: StreamRuntime, seconds: float, what: str, turn: Work) -> None:
    """Take a turn each so many seconds, never two at once; one that fails is told and repeated."""
    app.every(seconds, what, partial(guard.kept_alive, what, turn))
