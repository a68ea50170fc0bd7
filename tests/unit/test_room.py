"""A dispatcher's bounds: slices and sends in flight, first come, first served."""

from __future__ import annotations

import asyncio

from streams.dispatching.dispatcher import Room


async def entered(room: Room, *sends: int) -> list[asyncio.Task[None]]:
    """One task per slice, each asking for room in this order."""
    tasks = []
    for number in sends:
        tasks.append(asyncio.create_task(room.enter(number)))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_slices_wait_while_the_sends_in_flight_are_many() -> None:
    room = Room(slices_max=10, sends_max=100)

    first, second, third = await entered(room, 60, 60, 10)
    before = [first.done(), second.done(), third.done()]
    room.leave(60)
    await asyncio.gather(second, third)

    assert before == [True, False, False]  # the third would fit, but came later


async def test_slices_wait_while_the_slices_in_flight_are_many() -> None:
    room = Room(slices_max=2, sends_max=100)

    *two, third = await entered(room, 1, 1, 1)
    waited = not third.done()
    room.leave(1)
    await third

    assert all(task.done() for task in two)
    assert waited


async def test_a_slice_larger_than_all_room_enters_alone() -> None:
    room = Room(slices_max=2, sends_max=100)

    (large,) = await entered(room, 500)

    assert large.done()
