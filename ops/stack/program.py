"""What the supervisor needs to know of a process: how it starts, serves and stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from signal import SIGTERM

Nothing: Callable[[], None] = lambda: None  # noqa: E731
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Program:
    """Started in order of `stage`, each stage once the one before serves; stopped by `stop_stage`.

    `command` and `prepare` may block for seconds. `serves` is asked with the pid, again and again.
    """

    name: str
    role: str
    stage: int
    command: Callable[[], list[str]]
    serves: Callable[[int], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    ports: tuple[int, ...] = ()
    prepare: Callable[[], None] = Nothing
    stop_stage: int | None = None  # None: its stage
    stop_signal: int = SIGTERM
    stop_timeout_s: float = STOP_TIMEOUT_S
    start_timeout_s: float = START_TIMEOUT_S

    @property
    def stops_at(self) -> int:
        """Higher stops first."""
        return self.stage if self.stop_stage is None else self.stop_stage
