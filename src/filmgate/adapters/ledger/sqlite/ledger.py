"""The ledger in one SQLite file: a writer with group commit, a reader on the event loop, a reader beside it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import apsw

from filmgate.adapters.ledger.rows import json, key_from, media_from, task_from
from filmgate.adapters.ledger.sqlite import changes
from filmgate.adapters.ledger.sqlite.accounts import SqliteAccounts
from filmgate.adapters.ledger.sqlite.connection import BUSY_SECONDS, connect
from filmgate.adapters.ledger.sqlite.figures import SqliteFigures
from filmgate.adapters.ledger.sqlite.find import find
from filmgate.adapters.ledger.sqlite.migrate import migrate
from filmgate.adapters.ledger.sqlite.provider_ids import open_submits
from filmgate.adapters.ledger.sqlite.reader import BackgroundReader, ListReaders, Reader
from filmgate.adapters.ledger.sqlite.retention import SqliteRetention
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.adapters.ledger.sqlite.store import Store
from filmgate.adapters.ledger.sqlite.webhooks import SqliteWebhooks
from filmgate.adapters.ledger.sqlite.writer import Writer
from filmgate.adapters.ledger.statements import Values
from filmgate.adapters.ledger.transactions import idempotency
from filmgate.adapters.ledger.transactions.transaction import Rule, T, Transaction
from filmgate.adapters.ledger.transactions.writes import LedgerWrites
from filmgate.domain.errors import Unavailable
from filmgate.domain.limits import NO_LIMITS, Limits
from filmgate.domain.states import AT_PROVIDER, Stage, State
from filmgate.domain.task import Task
from filmgate.domain.work import WorkKind
from filmgate.modes import file_mode
from filmgate.ports.idempotency import IdempotencyMatch, IdempotencyRecord
from filmgate.ports.keys import ApiKey
from filmgate.ports.media import StoredMedia
from filmgate.ports.provider_ids import OpenSubmit
from filmgate.ports.tasks import Page, RawRequest, TaskChange, TaskFilter

_GET_TASK = SQL["get_task"]


class SqliteLedger(LedgerWrites):
    """Implements `filmgate.ports.ledger.Ledger`. Use it from the event loop that opened it."""

    def __init__(self, path: Path, limits: Limits = NO_LIMITS, *, list_seconds: float = 2.0) -> None:
        """Take the file's path; its folder must exist when the ledger is opened.

        `limits` are the rules for applications that have none of their own. A list that takes longer to read than
        `list_seconds` raises Unavailable.
        """
        self._list_seconds = list_seconds
        self._path = path
        self._limits = limits
        self._opened: Store | None = None
        self.webhooks = SqliteWebhooks(lambda: self._store)
        self.accounts = SqliteAccounts(lambda: self._store, limits)
        self.retention = SqliteRetention(lambda: self._store, limits)
        self.figures = SqliteFigures(lambda: self._store)

    async def open(self) -> None:
        """Open or create the file, for its owner's eyes only, and bring its schema up to date."""
        loop = asyncio.get_running_loop()
        try:
            connection, reader, background, lists = await asyncio.to_thread(self._connect)
        except (apsw.Error, OSError) as error:
            raise Unavailable(f"The ledger {self._path} cannot be opened: {error}") from error
        self._opened = Store(reader, background, lists, Writer(connection, loop))

    async def close(self) -> None:
        """Finish open writes and close; closing twice does no harm."""
        store, self._opened = self._opened, None
        if store is not None:
            await store.lists.close()
            await store.background.close()
            store.reader.close()
            await store.writer.close()

    async def ready(self) -> None:
        """Raise Unavailable unless the file can be read and its write lock taken."""
        self._store.reader.rows("SELECT 1")
        await self._write(_nothing)

    async def key(self, digest: bytes) -> ApiKey | None:
        """Find the key with this digest."""
        rows = self._store.reader.rows(SQL["key_by_digest"], (digest,))
        return key_from(rows[0]) if rows else None

    async def keys(self) -> list[ApiKey]:
        """List all keys, oldest first."""
        rows = await self._store.background.run(lambda reader: reader.rows(SQL["list_keys"]))
        return [key_from(row) for row in rows]

    async def get(self, application_id: str, task_id: str) -> Task | None:
        """Find one task of the application; the values are in the order of the statement, which is quickest."""
        rows = self._store.reader.rows(_GET_TASK, (task_id, application_id))
        return task_from(rows[0]) if rows else None

    async def get_many(self, application_id: str, task_ids: Sequence[str]) -> list[Task]:
        """Find the application's tasks among these ids with one query."""
        values = {"application_id": application_id, "ids": json(list(task_ids))}
        found = {task.id: task for task in map(task_from, self._store.reader.rows(SQL["get_tasks"], values))}
        return [found[task_id] for task_id in dict.fromkeys(task_ids) if task_id in found]

    async def by_video(self, application_id: str, video_id: str) -> Task | None:
        """Find the application's task that made this video."""
        return self._one("task_by_video", {"application_id": application_id, "video_id": video_id})

    async def by_trace(self, application_id: str, trace_id: str) -> Task | None:
        """Find the application's newest task under this trace id."""
        return self._one("task_by_trace", {"application_id": application_id, "trace_id": trace_id})

    async def find(self, application_id: str, wanted: TaskFilter) -> Page:
        """List the application's tasks that match the filter."""
        return await self._store.lists.run(application_id, lambda reader: find(reader, application_id, wanted))

    async def echoes(self, task_ids: Sequence[str]) -> dict[str, RawRequest]:
        """Return the submit bodies of these tasks by id."""
        rows = self._store.reader.rows(SQL["echoes"], {"ids": json(list(task_ids))})
        return {task_id: RawRequest(dialect, body) for task_id, dialect, body in rows}

    async def media(self, token: str) -> StoredMedia | None:
        """Find a file by the token of its link."""
        rows = self._store.reader.rows(SQL["media_by_token"], (token,))
        return media_from(rows[0]) if rows else None

    async def uploads(
        self, application_id: str, *, limit: int, after: tuple[float, str] | None = None
    ) -> list[StoredMedia]:
        """List the application's files that no task owns."""
        time, token = after or (math.inf, "")
        values = {"application_id": application_id, "after_time": time, "after_token": token, "limit": limit}
        return [media_from(row) for row in self._store.reader.rows(SQL["uploads"], values)]

    async def counts(self) -> dict[tuple[str, State], int]:
        """Count the unfinished tasks by engine and state."""
        rows = await self._store.background.run(lambda reader: reader.rows(SQL["count_unfinished"]))
        return {(engine, State(state)): count for engine, state, count in rows}

    async def find_idempotent(self, application_id: str, key: str, now: float) -> IdempotencyMatch | None:
        """Find the submission of the application under an idempotency key."""
        rows = self._store.reader.rows(SQL["submit_by_key"], {"application_id": application_id, "key": key, "now": now})
        return IdempotencyMatch(*rows[0]) if rows else None

    async def rejoin(self, credential_id: str, mark: IdempotencyRecord, now: float) -> str | None:
        """Find the task that a repeated submission is about; it writes only if there may be one."""
        values = {"credential_id": credential_id, "digest": mark.digest, "tries": mark.tries, "now": now}
        if not self._store.reader.rows(SQL["sent_before"], values):
            return None
        return await self._write(partial(idempotency.rejoin, values=values | {"expires_at": now + mark.lasts}))

    async def change(self, application_id: str, task_id: str) -> TaskChange:
        """Find a task with the number of its last change."""
        return self._store.reader.snapshot(lambda reader: changes.change(reader, application_id, task_id))

    async def changes(self, application_id: str, after: int, limit: int) -> list[TaskChange]:
        """List the tasks of the application that have changed since a number."""
        return self._store.reader.snapshot(lambda reader: changes.changes(reader, application_id, after, limit))

    async def last_change(self, application_id: str) -> int:
        """Return the number of the last change of any task of the application."""
        ((number,),) = self._store.reader.rows(SQL["last_change"], {"application_id": application_id})
        return number or 0

    async def at_provider(self, engine: str, since: float = 0.0) -> int:
        """Count the engine's tasks that its provider has or may have."""
        values = {"engine": engine, "stages": json(sorted(AT_PROVIDER))}
        ((count,),) = self._store.reader.rows(SQL["count_at_provider"], values)
        held = {"engine": engine, "stage": Stage.SUBMIT_UNKNOWN, "since": since}
        ((old,),) = self._store.reader.rows(SQL["count_held_before"], held)
        return int(count - old)

    async def find_upstream(self, engine: str, upstream_ids: Sequence[str]) -> dict[str, str]:
        """Return which of these ids of a provider are known, with the task of each."""
        values = {"engine": engine, "ids": json(list(upstream_ids))}
        return dict(self._store.reader.rows(SQL["known_upstream"], values))

    async def has_departed(self, application_id: str, task_id: str) -> bool:
        """Return whether the application has deleted a task of this id that a provider had made."""
        return bool(self._store.reader.rows(SQL["departed"], {"application_id": application_id, "id": task_id}))

    async def unknown_submits(self) -> list[Task]:
        """List the tasks that may or may not have been accepted by a provider."""
        values = {"stage": Stage.SUBMIT_UNKNOWN}
        rows = await self._store.background.run(lambda reader: reader.rows(SQL["unknown_submits"], values))
        return [task_from(row) for row in rows]

    async def open_submits(self, engine: str) -> list[OpenSubmit]:
        """List the submissions that the engine's provider may have accepted without an answer."""
        return self._store.reader.snapshot(partial(open_submits, engine=engine))

    async def next_work(self, queue: str, now: float = 0.0, *, share: int = 0) -> float | None:
        """Return when the earliest work of a queue is due, or when its lease ends."""
        shared = {"queue": queue, "now": now, "share": share}
        statement, values = ("next_shared_due", shared) if share else ("next_due", {"queue": queue})
        ((earliest,),) = self._store.reader.rows(SQL[statement], values)
        return None if earliest is None else float(earliest)

    async def next_attempts(self, task_ids: Sequence[str]) -> dict[str, float]:
        """Return when the next stage of each of these tasks may be claimed; those that are claimed are left out."""
        return dict(
            self._store.reader.rows(SQL["next_attempts"], {"ids": json(list(task_ids)), "kind": WorkKind.ADVANCE})
        )

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise Unavailable("The ledger is not open.")
        return self._opened

    def _one(self, statement: str, values: Values) -> Task | None:
        rows = self._store.reader.rows(SQL[statement], values)
        return task_from(rows[0]) if rows else None

    async def _write(self, rule: Rule[T]) -> T:
        return await self._store.writer.run(rule)

    def _connect(self) -> tuple[apsw.Connection, Reader, BackgroundReader, ListReaders]:
        self._path.touch(mode=file_mode())
        connection = connect(self._path, writes=True)
        try:
            migrate(connection)
            lists = ListReaders(self._path, busy=BUSY_SECONDS, seconds=self._list_seconds)
            return connection, Reader(self._path), BackgroundReader(self._path, busy=BUSY_SECONDS), lists
        except BaseException:
            connection.close()
            raise


async def _nothing(_: Transaction) -> None:
    """Take the write lock and return it."""
