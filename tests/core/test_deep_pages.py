"""Pages far down a list by offset."""

from __future__ import annotations

from typing import cast

import pytest
from msgspec.structs import replace

from filmgate.core.query.deep_pages import DEEP, DeepPages
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.ledger import Ledger
from filmgate.ports.tasks import COUNTED, Page, TaskFilter
from tests.ledger.examples import A, B, task


class Shelf:
    """A list in memory that notes what it was asked for."""

    def __init__(self, tasks: list[Task]) -> None:
        self.tasks = tasks
        self.asked: list[TaskFilter] = []

    async def find(self, application_id: str, wanted: TaskFilter) -> Page:
        """Read a page as a ledger does."""
        self.asked.append(wanted)
        listed = [each for each in self.tasks if each.application_id == application_id][::-1]
        if wanted.after is not None:
            listed = [each for each in listed if (each.created_at, each.id) < wanted.after]
        rest = listed[wanted.offset :]
        total = min(COUNTED, len(listed)) if wanted.counted else None
        return Page(rest[: wanted.limit], len(rest) > wanted.limit, total)


class Clock:
    """A clock that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def shelf() -> Shelf:
    """Return a list that is a little longer than deep."""
    return Shelf([task() for _ in range(DEEP + 500)])


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def pages(shelf: Shelf, clock: Clock) -> DeepPages:
    """Return what reads the list."""
    return DeepPages(cast("Ledger", shelf), clock)


async def test_deep_pages_go_on_where_the_last_one_ended(pages: DeepPages, shelf: Shelf):
    """Nothing is left out one by one any more, no task is missing, and the total stays."""
    listed: list[Task] = []
    while True:
        page = await pages.find(A.id, TaskFilter(limit=100, offset=len(listed), counted=True))
        listed += page.tasks
        assert page.total == DEEP + 500
        if not page.more:
            break
    assert listed == shelf.tasks[::-1]
    assert [wanted.offset for wanted in shelf.asked if wanted.after is None] == list(range(0, DEEP, 100))
    assert [wanted.offset for wanted in shelf.asked if wanted.after is not None] == [0] * 5


async def test_new_tasks_move_no_deep_page(pages: DeepPages, shelf: Shelf):
    """Who reads on sees no task twice, although others came in front."""
    first = await pages.find(A.id, TaskFilter(limit=50, offset=DEEP - 50))
    shelf.tasks += [task() for _ in range(7)]
    second = await pages.find(A.id, TaskFilter(limit=50, offset=DEEP))
    assert second.tasks[0].created_at == first.tasks[-1].created_at - 1


@pytest.mark.parametrize(
    ("other", "application"),
    [
        ({"offset": DEEP + 1}, A.id),
        ({"newest": False}, A.id),
        ({"states": (State.PENDING,)}, A.id),
        ({"user_id": "somebody"}, A.id),
        ({}, B.id),
    ],
    ids=str,
)
async def test_an_end_counts_for_its_own_list(
    pages: DeepPages, shelf: Shelf, other: dict[str, object], application: str
):
    """Another order, filter, place or application does not go on there."""
    await pages.find(A.id, TaskFilter(limit=50, offset=DEEP - 50))
    wanted = replace(TaskFilter(limit=50, offset=DEEP), **other)
    await pages.find(application, wanted)
    assert shelf.asked[-1] == wanted


async def test_an_end_is_forgotten_after_a_minute(pages: DeepPages, shelf: Shelf, clock: Clock):
    """Who comes back later gets what is at that place now."""
    await pages.find(A.id, TaskFilter(limit=50, offset=DEEP - 50))
    clock.now += 61
    await pages.find(A.id, TaskFilter(limit=50, offset=DEEP))
    assert shelf.asked[-1].after is None


async def test_ends_are_bounded(pages: DeepPages, shelf: Shelf):
    """However many lists are read, the oldest ends make room."""
    await pages.find(A.id, TaskFilter(limit=50, offset=DEEP - 50))
    for number in range(1_000):
        await pages.find(A.id, TaskFilter(limit=1, offset=DEEP, created_max=1e9 + number))
    await pages.find(A.id, TaskFilter(limit=50, offset=DEEP))
    assert shelf.asked[-1].after is None


async def test_shallow_pages_are_read_by_offset(pages: DeepPages, shelf: Shelf):
    """At the top of a list an offset means what it says, whatever came in front."""
    await pages.find(A.id, TaskFilter(limit=10))
    shelf.tasks.append(task())
    page = await pages.find(A.id, TaskFilter(limit=10, offset=10))
    assert page.tasks[0] is shelf.tasks[::-1][10]
