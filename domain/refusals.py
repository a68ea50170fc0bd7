"""The answers "no" that the domain gives. The first line of each class is its message's pattern."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The domain says no. `code` is stable; the text names the field and the cure."""

    code = "refused"
    wait_s = 0  # seconds after which asking again makes sense; 0: it makes none


class NotFound(Refused):
    """There is no such thing, or it belongs to another tenant."""

    code = "not_found"


class WrongState(Refused):
    """The thing is in a state in which this cannot be done."""

    code = "wrong_state"


class Invalid(Refused):
    """A value cannot be accepted."""

    code = "invalid"


class Taken(Refused):
    """A value that must be unique is used already."""

    code = "taken"


class Outdated(Refused):
    """The thing was changed since the asker looked at it."""

    code = "precondition_failed"
