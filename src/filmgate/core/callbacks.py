"""Telling owners what became of their tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from filmgate.core.query import Form
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.dispatch import Clock
from filmgate.ports.fetcher import Fetcher, FetchError
from filmgate.ports.ledger import Claim, Ledger

log = logging.getLogger(__name__)

DUMMIES = frozenset({"https://api.acedata.cloud/health"})
"""Addresses that clients send only to be answered at once; nobody listens there."""

_PAUSES = (1, 5, 30, 120, 600, 3_600)
_TIMEOUT = 10.0


class Callbacks:
    """Delivers due callbacks at least once: any 2xx is an arrival, anything else is tried again, six times.

    That a task has started is no news once it has ended: such a callback is dropped then.
    """

    def __init__(self, ledger: Ledger, fetcher: Fetcher, forms: Mapping[str, Form], clock: Clock) -> None:
        """Take the forms in which tasks are posted, by the name of the dialect."""
        self._ledger = ledger
        self._fetcher = fetcher
        self._forms = forms
        self._clock = clock

    async def deliver(self, claim: Claim) -> None:
        """Post one callback, then remove it from the due work or put it back for later."""
        task = claim.task
        if task is None or not task.callback_url or task.callback_url in DUMMIES:
            await self._ledger.finish(claim)
            return
        if claim.due.detail == State.PROCESSING and task.final:
            await self._ledger.finish(claim)
            return
        trouble = await self._post(task, task.callback_url)
        if trouble is None:
            await self._ledger.finish(claim)
        elif claim.tries < len(_PAUSES):
            log.info("callback of task %s: %s; trying again", task.id, trouble)
            await self._ledger.postpone(claim, self._clock() + _PAUSES[claim.tries])
        else:
            log.warning("callback of task %s given up after %d tries: %s", task.id, claim.tries + 1, trouble)
            await self._ledger.finish(claim)

    async def _post(self, task: Task, url: str) -> str | None:
        headers = {"content-type": "application/json", "x-trace-id": task.trace_id}
        try:
            response = await self._fetcher.post(url, await self._payload(task), headers, timeout=_TIMEOUT)
        except FetchError as error:
            return error.message
        return None if 200 <= response.status < 300 else f"answered {response.status}"

    async def _payload(self, task: Task) -> bytes:
        form = self._forms[task.dialect]
        echoes = await self._ledger.echoes([task.id]) if form.wants_echo else {}
        return form.one(task, echoes.get(task.id), task.base_url)
