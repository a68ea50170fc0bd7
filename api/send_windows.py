"""Sending windows as requests name them and answers show them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.bodies import Body
from api.desk import Desk
from domain import tenant, windows
from domain.windows import SendWindow

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Window(Body):
    """When mail may leave: hours of some days of the week, as clocks show them."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    days: Annotated[
        list[DayName],
        Field(min_length=1, max_length=7, description="on which it opens", examples=[["mon"]]),
    ]
    opens: Annotated[ClockTime, Field(alias="from", examples=["09:00"])]
    closes: Annotated[
        ClockTime,
        Field(
            alias="to",
            description="of the next day where it is before `from`; 24:00 is midnight",
            examples=["17:00"],
        ),
    ]
    zone_of: Annotated[
        Literal["campaign", "recipient"],
        Field(description="by whose clocks: the campaign's, or each recipient's own"),
    ] = "campaign"
    zone: Annotated[
        str,
        Field(
            max_length=64,
            description="IANA name: the campaign's, and of recipients whose own is not known;"
            " left out, the tenant's",
            examples=["Europe/Berlin"],
        ),
    ] = ""


def wanted(desk: Desk, body: Window | None) -> SendWindow | None:
    """The window that a request names. Raises Invalid for one that can never open."""
    if body is None:
        return None
    zone = body.zone or desk.state(tenant, tenant.stream(desk.tenant_id)).time_zone
    days: list[str] = [day for day in windows.DAYS if day in body.days]
    found = SendWindow(
        days=days,
        opens=body.opens,
        closes=body.closes,
        zone_of=body.zone_of,
        zone=windows.zone_named(zone) or zone,
    )
    windows.check(found)
    return found


def told(window: SendWindow | None) -> dict[str, Any] | None:
    """A window as it is answered: in the words of a request."""
    if window is None:
        return None
    names = {"opens": "from", "closes": "to"}
    return {names.get(name, name): value for name, value in window.items()}
