"""What every request body has in common: no unknown field, no NUL, bounded texts."""

from __future__ import annotations

from typing import Annotated

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


class Body(BaseModel):
    """A request's JSON object. A field that it does not declare is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
