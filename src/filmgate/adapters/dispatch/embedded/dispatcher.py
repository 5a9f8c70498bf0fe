"""Claims due work and runs it in this process, so many at a time per queue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from filmgate.domain.errors import FilmgateError, Unavailable
from filmgate.domain.work import FENCED, LEASE_SECONDS
from filmgate.faults import Point, reach
from filmgate.ports.clock import Clock
from filmgate.ports.dispatch import QueueConfig
from filmgate.ports.ledger import Ledger
from filmgate.ports.work import Claim

log = logging.getLogger(__name__)

_LONGEST_NAP = 1.0
_TROUBLE_PAUSE = 1.0
_JUMP = 2.0
"""Seconds by which the clock is off at least when somebody has set it; less is its daily correction."""

_HANDFUL = 64
"""So much is claimed in one go at most, for a claim is a transaction that others wait behind."""

_RENEWALS = 256
"""So many leases are renewed in one transaction at most."""

_WORKER = "embedded"
"""The worker of every process that is alone with its ledger: the next one goes on with what the last one held."""


class EmbeddedDispatcher:
    """One pump per queue; woken by events, and by the clock for work that is due later.

    The process is alone with its ledger, for it holds the lock of the data folder. So leases from before the start are
    those of a dead process, and are released. From then on leases are renewed for as long as their work runs.
    """

    def __init__(self, ledger: Ledger, clock: Clock, lease: float = LEASE_SECONDS) -> None:
        """Take the ledger, the clock, and the length of a lease in seconds."""
        self._ledger = ledger
        self._clock = clock
        self._lease = lease
        self._wakes: dict[str, asyncio.Event] = {}
        self._pumps: list[asyncio.Task[None]] = []
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._stopped: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._lasting: frozenset[str] = frozenset()
        self._ahead = clock() - time.monotonic()
        self._setting = asyncio.Lock()

    async def start(self, queues: Mapping[str, QueueConfig]) -> None:
        """Resume unfinished work and take new work from now on."""
        freed = await self._ledger.release_leases(_WORKER)
        reach(Point.RESUMED)
        if freed:
            log.info("resuming %d unfinished work items", freed)
        self._wakes = {queue: asyncio.Event() for queue in queues}
        self._lasting = frozenset(queue for queue, config in queues.items() if config.lasting)
        self._pumps = [asyncio.create_task(self._pump(queue, config), name=queue) for queue, config in queues.items()]
        self._pumps.append(asyncio.create_task(self._watch_clock(), name="clock"))
        self._pumps.append(asyncio.create_task(self._renew_leases(), name="leases"))

    def wake(self, queue: str) -> None:
        """Wake the queue: it may have due work."""
        event = self._wakes.get(queue)
        if event is not None:
            event.set()

    def stop_task(self, task_id: str) -> None:
        """Stop the work on a task that has been ended or deleted by its owner."""
        for running, claim in self._running.items():
            # Once is enough: to be told a second time would break off what must not be left half done.
            if claim.due.task_id == task_id and claim.due.kind in FENCED and running not in self._stopped:
                self._stopped.add(running)
                running.cancel()

    async def ready(self) -> None:
        """Raise Unavailable if due work is not taken any more."""
        stopped = [pump.get_name() for pump in self._pumps if pump.done()]
        if stopped:
            raise Unavailable(f"no work is taken any more for {', '.join(stopped)}")

    async def stop(self, grace: float) -> None:
        """Take no more work, wait up to `grace` seconds for running work, leave the rest to be resumed."""
        reach(Point.STOPPING)
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await _end(running for running, claim in self._running.items() if claim.due.queue in self._lasting)
        if self._running:
            log.info("waiting up to %g s for %d work items", grace, len(self._running))
            await asyncio.wait(self._running, timeout=grace)
        await _end(self._running)
        await self._ledger.release_leases(_WORKER)

    async def _pump(self, queue: str, config: QueueConfig) -> None:
        """Work a queue off for as long as the service runs; trouble may pass within a second."""
        wake = self._wakes[queue]
        while True:
            wake.clear()
            try:
                await self._turn(queue, config, wake)
            except FilmgateError as error:
                log.warning("queue %s: no work can start now: %s", queue, error)
                await asyncio.sleep(_TROUBLE_PAUSE)
            except Exception:
                log.exception("queue %s failed; it is retried in a moment", queue)
                await asyncio.sleep(_TROUBLE_PAUSE)

    async def _watch_clock(self) -> None:
        """Notice that the clock was set also while no work is taken."""
        while True:
            await asyncio.sleep(_LONGEST_NAP)
            try:
                await self._mind_clock()
            except FilmgateError as error:
                log.warning("the clock was set, which cannot be written yet: %s", error)

    async def _mind_clock(self) -> None:
        """Keep pauses and limits as long as they were when somebody has set the clock, or the machine has slept."""
        async with self._setting:
            jump = self._clock() - time.monotonic() - self._ahead
            if abs(jump) < _JUMP:
                return
            await self._ledger.clock_moved(jump)
            self._ahead += jump
        log.warning("the clock was set by %+.0f s: due times move with it", jump)
        for wake in self._wakes.values():
            wake.set()

    async def _renew_leases(self) -> None:
        """Renew the leases of running work, long before they end."""
        while True:
            await asyncio.sleep(self._lease / 3)
            held = list(self._running.values())
            try:
                for first in range(0, len(held), _RENEWALS):
                    await self._ledger.renew(held[first : first + _RENEWALS], self._clock(), self._lease)
            except FilmgateError as error:
                log.warning("leases cannot be renewed now: %s", error)

    async def _turn(self, queue: str, config: QueueConfig, wake: asyncio.Event) -> None:
        """Begin due work while there is room, then sleep unless there may be more."""
        # Before anything is taken for late.
        await self._mind_clock()
        wanted = await self._room(queue, config)
        claims = await self._claims(queue, config, wanted) if wanted else []
        for claim in claims:
            self._begin(queue, config, claim)
        if len(claims) < wanted or not wanted:
            await self._nap(queue, config, wake, look=bool(wanted))

    async def _claims(self, queue: str, config: QueueConfig, wanted: int) -> list[Claim]:
        return await self._ledger.claim(queue, _WORKER, self._clock(), self._lease, wanted, share=config.share)

    async def _room(self, queue: str, config: QueueConfig) -> int:
        """Return the number of work items of a queue that may be begun now."""
        free = min(_HANDFUL, config.slots - self._busy[queue])
        if free <= 0 or config.room is None:
            return max(0, free)
        # What is begun already may not show in the room yet: rather too few at first than too many.
        return max(0, min(free, await config.room() - self._busy[queue]))

    def _begin(self, queue: str, config: QueueConfig, claim: Claim) -> None:
        reach(Point.CLAIMED)
        running = asyncio.create_task(self._run(claim, config), name=f"{queue} {claim.due.task_id}")
        self._running[running] = claim
        self._busy[queue] += 1
        running.add_done_callback(partial(self._note_end, queue))

    def _note_end(self, queue: str, running: asyncio.Task[None]) -> None:
        del self._running[running]
        self._stopped.discard(running)
        self._busy[queue] -= 1
        self._wakes[queue].set()

    async def _nap(self, queue: str, config: QueueConfig, wake: asyncio.Event, *, look: bool) -> None:
        """Sleep until work of the queue is due; a look at the index each second finds unannounced work.

        Without `look` there is no room for any: sleep until something ends, or something else makes room.
        """
        while not wake.is_set():
            due = await self._ledger.next_work(queue, self._clock(), share=config.share) if look else None
            pause = _LONGEST_NAP if due is None else min(_LONGEST_NAP, due - self._clock())
            if pause <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wake.wait()
            if not look:
                return

    async def _run(self, claim: Claim, config: QueueConfig) -> None:
        try:
            await config.work(claim)
        except FilmgateError as error:
            log.warning("%s of task %s is retried: %s", claim.due.kind, claim.due.task_id, error)
            await self._give_back(claim)
        except Exception:
            log.exception("%s of task %s failed; it is retried", claim.due.kind, claim.due.task_id)
            await self._give_back(claim)

    async def _give_back(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(_TROUBLE_PAUSE)
            try:
                return await self._ledger.postpone(claim, self._clock())
            except FilmgateError as error:
                log.warning("task %s cannot be given back yet: %s", claim.due.task_id, error)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for running in ending:
        running.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
