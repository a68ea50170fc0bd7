"""The three ways in which a command ends otherwise than well, and their exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UP = "`penguin up`"


class Expected(Exception):  # noqa: N818 - a finding; told in one line, never with a traceback
    """Told to the caller in one line that names the cure; `exit_code` is what scripts see."""

    exit_code = 1


class DoesNotHold(Expected):
    """What was checked is not so."""

    exit_code = 1


class Usage(Expected):
    """The command was called in a way that it does not have."""

    exit_code = 2


class Missing(Expected):
    """Something that the command needs is not there."""

    exit_code = 3


def as_expected(error: Exception) -> Expected | None:
    """The same finding in the command's own words; None for a bug, which deserves its traceback."""
    if isinstance(error, Expected):
        return error
    import psycopg
    import pydantic
    from aiokafka.errors import KafkaError

    from adapters.archive.container import Damaged
    from adapters.kafka_log import LogUnavailable
    from adapters.postgres import Unusable
    from adapters.sealing import Unopened
    from domain.ports import ConcurrentAppend, StoreUnavailable
    from domain.refusals import Invalid, NotFound, Refused

    answers: tuple[tuple[tuple[type[Exception], ...], type[Expected], str], ...] = (
        ((Invalid,), Usage, ""),
        ((NotFound,), Missing, ""),
        ((Refused, Damaged), DoesNotHold, ""),
        ((ConcurrentAppend,), DoesNotHold, "; nothing was stored, ask again"),
        (
            (LogUnavailable, KafkaError),
            Missing,
            f"; does Kafka run? {UP}, or set PM_KAFKA_BOOTSTRAP",
        ),
        (
            (psycopg.OperationalError, StoreUnavailable),
            Missing,
            f"; does Postgres run? {UP}, or set PM_DATABASE_URL",
        ),
        ((Unusable, Unopened, FileNotFoundError, PermissionError), Missing, ""),
    )
    if isinstance(error, pydantic.ValidationError) and error.title == "Settings":
        return Usage(_wrong_setting(error.errors()[0]))
    said = " ".join(str(error).split()) or type(error).__name__
    for kinds, answer, cure in answers:
        if isinstance(error, kinds):
            return answer(said + cure)
    return None


def _wrong_setting(told: Mapping[str, Any]) -> str:
    """In the words of the environment, and without the value, which may be a secret."""
    name = "_".join(str(part) for part in told["loc"]).upper().removeprefix("PM_")
    return f"PM_{name}: {told['msg']}; README.md lists the settings"
