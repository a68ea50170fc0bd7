"""What every request body has in common: no unknown field, no NUL, bounded texts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME_MAX = 200
#: What people call things: one line, no control characters.
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
    Field(description="what people call it", examples=["Spring news"]),
]


#: Why something is done. It stands in the log for ever, so it names nobody.
Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f@]+$"
    ),
    Field(description="why; without names and addresses", examples=["asked for by its owner"]),
]
#: An id in a path. One that nothing has is not found; what cannot be one is refused.
IdPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
#: An id in a body or a filter; empty: none.
IdText = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")]


class Body(BaseModel):
    """A request's JSON object. A field that it does not declare is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
