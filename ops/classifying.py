"""What `penguin classify` says of a quoted reply: JSON objects in, JSON objects out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from adapters.mailbox_providers import provider_of
from domain.outcome_rules import OutcomeClass
from domain.outcomes import explain, is_final, retry_hint_s, suppresses
from domain.ports import Phase
from domain.retries import again_after_5xx, retry_delay

FIELDS = ("reply", "phase", "provider", "host")
KNOWN = frozenset(FIELDS)
#: Phases by the names that bounces and transcripts give them too.
PHASES: dict[str | None, Phase | None] = {
    None: None,
    "": None,
    "eom": Phase.DOT,
    **{phase.value: phase for phase in Phase},
}
PHASES_TOLD = "connect, ehlo, auth, mail, rcpt, data, dot"
MESSAGE_CLASS = "bulk"
#: A reply that has a class digit and no code of its own.
SOME_4XX, SOME_5XX = 499, 599

_CODE = re.compile(r"\s*(?:smtp; ?)?([2-5]\d\d)(?:[ -]|\s*$|(?=\D))")
_QUOTED_CODE = re.compile(r"(?<![\d.])([45]\d\d)[ -]+(?=#?[45]\.\d{1,3}\.\d{1,3})")
_STATUS = re.compile(r"(?<![\w.])([45])\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_NOT_NOW = re.compile(
    r"temporar|transient|try again|later|deferred|delayed|retry|gr[ae]ylist", re.IGNORECASE
)


class BadLine(ValueError):  # noqa: N818 - a finding about the input
    """A line that says nothing to classify; the text tells what is wrong with it."""


def answers(lines: Iterable[bytes], passed_over: set[str]) -> Iterator[tuple[bytes, bool]]:
    """For each line its answer, and whether the line was good. Never fails, never skips one.

    Fields that nobody reads are no fault (lines come with labels of their own): `passed_over` gets
    their names, for a field may be misspelled.
    """
    for number, line in enumerate(lines, 1):
        try:
            yield orjson.dumps(answer(line, passed_over)), True
        except BadLine as bad:
            yield orjson.dumps({"line": number, "error": str(bad)}), False


def answer(line: bytes, passed_over: set[str]) -> dict[str, Any]:
    """The answer to one line. Raises BadLine."""
    asked = _asked(line, passed_over)
    reply, phase = asked["reply"], _phase(asked.get("phase"))
    provider = asked.get("provider") or (provider_of(asked["host"]) if asked.get("host") else "")
    if not reply or reply.isspace():
        return _without_reply(phase)
    code = code_of(reply)
    if code < 400:  # noqa: PLR2004 - RFC 5321 §4.2.1
        return _told(OutcomeClass.ACCEPTED, f"code.{code}", "RFC 5321 §4.2.1")
    meant = explain(code, phase, reply, provider)
    hint = retry_hint_s(reply)
    if is_final(code, phase):
        if not again_after_5xx(meant.reason, phase, meant.rule, 1, MESSAGE_CLASS):
            return _told(meant.reason, meant.rule, meant.source, hard=suppresses(meant.reason))
        hint = None  # as domain/outcomes.py: a wait is read from what is said for now
    wait = retry_delay(meant.reason, 1, MESSAGE_CLASS, hint, 0)
    return _told(meant.reason, meant.rule, meant.source, retry_after_s=int(wait.seconds))


def code_of(reply: str) -> int:
    """The reply's code; without one what its status or its words make of it, 599 or 499."""
    if found := _CODE.match(reply):
        return int(found[1])
    if found := _QUOTED_CODE.search(reply):
        return int(found[1])
    if found := _STATUS.search(reply):
        return SOME_4XX if found[1] == "4" else SOME_5XX
    return SOME_4XX if _NOT_NOW.search(reply) else SOME_5XX


def _asked(line: bytes, passed_over: set[str]) -> dict[str, Any]:
    try:
        asked = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error}" if line.strip() else "the line is empty") from error
    if not isinstance(asked, dict):
        raise BadLine('not a JSON object; write {"reply": "550 5.1.1 User unknown"}')
    if not asked.keys() <= KNOWN:
        passed_over.update(asked.keys() - KNOWN)
        asked = {name: asked[name] for name in FIELDS if name in asked}
    if "reply" not in asked:
        raise BadLine("reply: it is missing; give the text with its codes")
    for name, value in asked.items():
        if not (isinstance(value, str) or (value is None and name != "reply")):
            raise BadLine(f"{name}: it must be a string")
    return asked


def _phase(name: str | None) -> Phase | None:
    if name not in PHASES:
        raise BadLine(f"phase: {name!r} is unknown; there are {PHASES_TOLD}")
    return PHASES[name]


def _without_reply(phase: Phase | None) -> dict[str, Any]:
    if phase is Phase.DOT:
        return _told(OutcomeClass.AMBIGUOUS, "no_reply.dot", "RFC 1047")
    wait = retry_delay(OutcomeClass.INFRA, 1, MESSAGE_CLASS, None, 0)
    source = "RFC 5321 §4.5.4.1"
    return _told(OutcomeClass.INFRA, "no_reply", source, retry_after_s=int(wait.seconds))


def _told(
    reason: OutcomeClass,
    rule: str,
    source: str,
    *,
    hard: bool = False,
    retry_after_s: int | None = None,
) -> dict[str, Any]:
    return {
        "class": reason,
        "hard": hard,
        "suppress": hard,
        "retry_after_s": retry_after_s,
        "rule": rule,
        "source": source,
    }
