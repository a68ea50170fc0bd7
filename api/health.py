"""Health pages, for people and probes; they need no token and tell nothing of a tenant."""

from __future__ import annotations

from fastapi import APIRouter

from api import shapes
from api.answers import Json
from api.wiring import PortsDep
from projections import health
from projections.reads import Away

router = APIRouter(prefix="/health", tags=["health"])


@router.get("", responses=shapes.HEALTH)
async def get_health(ports: PortsDep) -> Json:
    """Whether the API answers and whether its database does. 503 when that one is away."""
    try:
        async with ports.reads.of_nobody() as bound:
            await health.database(bound)
    except Away:
        return Json({"status": "red", "api": "green", "database": "red"}, status_code=503)
    return Json({"status": "green", "api": "green", "database": "green"})


@router.get("/db", responses=shapes.HEALTH_DB)
async def get_database(ports: PortsDep) -> Json:
    """The database server that answers, and since when it runs."""
    async with ports.reads.of_nobody() as bound:
        return Json(await health.database(bound))


@router.get("/queue", responses=shapes.HEALTH_QUEUE)
async def get_queue(ports: PortsDep) -> Json:
    """How long the oldest due send waits, and lag and age of each reader of the log."""
    async with ports.reads.of_nobody() as bound:
        return Json(await health.queue(bound))


@router.get("/email", responses=shapes.HEALTH_EMAIL)
async def get_email(ports: PortsDep) -> Json:
    """Whether the gate lets mail out, and what is let go and under way in each lane."""
    async with ports.reads.of_nobody() as bound:
        return Json(await health.email(bound))
