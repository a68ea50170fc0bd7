"""Reputation's state as bytes: the same state gives the same ones, and they give it back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from domain.reputation.state import Owner, State, Track
from domain.reputation.weights import VERSION


class OtherVersion(ValueError):  # noqa: N818 - an answer about bytes that are sound
    """The bytes were written by other rules: replay the log instead."""


def encode(state: State) -> bytes:
    """UTF-8 JSON, keys sorted, no spaces."""
    held = {"version": VERSION, **asdict(state)}
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> State:
    """The state that was encoded. Raises OtherVersion."""
    held = json.loads(data)
    if held["version"] != VERSION:
        raise OtherVersion(f"reputation state of version {held['version']}; this is {VERSION}")
    return State(
        held["now_s"],
        {key: _track(told) for key, told in held["tracks"].items()},
        {key: Owner(**told) for key, told in held["owners"].items()},
        tuple(held["touched"]),
    )


def _track(told: dict[str, Any]) -> Track:
    days = tuple((accepted, engaged) for accepted, engaged in told["days"])
    return Track(**{**told, "days": days})
