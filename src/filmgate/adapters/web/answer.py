"""The answer to a query by id: status, headers and bytes, whichever way the request came."""

from __future__ import annotations

from typing import Final

from filmgate.adapters.web.errors import headers_of
from filmgate.adapters.web.headers import APPLIED, Headers
from filmgate.core.query.cache import Query, TaskQuery
from filmgate.core.query.wait import hold
from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import FilmgateError
from filmgate.ports.context import RequestContext

_JSON: Final = (b"content-type", b"application/json")


class QueryAnswers:
    """Answers queries by id: at once, or when the task has ended."""

    def __init__(self, tasks: TaskService, query: Query) -> None:
        self._tasks = tasks
        self._query = query

    async def answer(
        self, context: RequestContext, asked: TaskQuery, wait: str | None = None, prefer: str | None = None
    ) -> tuple[int, Headers, bytes]:
        """Return the status, headers and body for the tasks that are asked for, or for the error that it comes to.

        `wait` is the parameter of a query for one task, `prefer` the header: how long to wait for its end.
        """
        applied: Headers = []
        try:
            if not asked.single:
                body = await self._query.many(context, asked.ids, asked.form)
            elif wait is None and prefer is None:
                body = await self._query.one(context, asked.ids[0], asked.form)
            else:
                wanted = hold(wait, prefer)
                ended = await self._tasks.hold(context, asked.ids[0], wanted.seconds) if wanted.seconds else None
                body = await self._query.one(context, asked.ids[0], asked.form, ended)
                applied = [APPLIED] if wanted.preferred else []
        except FilmgateError as error:
            return error.status, headers_of(error), asked.error(error, context.trace_id)
        return 200, [_JSON, *asked.headers, *applied], body
