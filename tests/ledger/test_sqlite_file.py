"""What only a ledger in a file has: its schema, its plans, its group commit, its other processes."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from msgspec.structs import asdict

from filmgate.adapters.ledger.rows import media_values, task_values
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.adapters.ledger.sqlite.snapshot import Snapshot
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.domain.errors import Conflict, Unavailable
from filmgate.domain.failures import Failure
from filmgate.domain.roles import KeyRole
from filmgate.domain.states import Stage, State
from filmgate.domain.task import FetchedInput, FinishedStills, Task, WorkState
from filmgate.domain.usage import Tally
from filmgate.domain.work import WorkItem, WorkKind, work_for
from filmgate.ports.keys import Application
from filmgate.ports.tasks import Change, TaskFilter

from .examples import CANCELLED, ECHO, ENGINE, NOW, A, advance, key, media, output, submitted, task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger that is not there yet."""
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a ledger with one application."""
    opened = SqliteLedger(path)
    await opened.open()
    await opened.add_application(A)
    yield opened
    await opened.close()


@pytest.fixture
def commits() -> Iterator[list[int]]:
    """Count the transactions that write, on every connection opened from now on."""
    counted: list[int] = []

    def watch(connection: apsw.Connection) -> None:
        connection.set_commit_hook(lambda: bool(counted.append(1)))

    apsw.connection_hooks.append(watch)
    yield counted
    apsw.connection_hooks.remove(watch)


@pytest.fixture
def writers() -> Iterator[list[apsw.Connection]]:
    """Collect the connections opened from now on; the first of a ledger is its writer."""
    seen: list[apsw.Connection] = []
    apsw.connection_hooks.append(seen.append)
    yield seen
    apsw.connection_hooks.remove(seen.append)


class TestGroupCommit:
    async def test_submits_at_once_share_transactions(self, commits: list[int], ledger: SqliteLedger):
        """A hundred submits in one moment take a handful of transactions."""
        before = len(commits)
        tasks = await asyncio.gather(*(submitted(ledger) for _ in range(100)))
        assert len(commits) - before <= 10
        assert await ledger.get_many(A.id, [each.id for each in tasks]) == tasks

    async def test_a_bad_operation_harms_no_other(self, ledger: SqliteLedger):
        """An operation that fails in a group undoes only itself."""
        twin = task()
        acts = [ledger.submit(each, ECHO, []) for each in (task(), twin, twin, task(), task())]
        outcomes = await asyncio.gather(*acts, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None), type(None), Conflict, type(None), type(None)]
        assert (await ledger.find(A.id, TaskFilter(counted=True))).total == 4

    async def test_a_caller_that_goes_does_not_break_the_writer(self, ledger: SqliteLedger):
        """Cancelling callers that wait leaves the ledger working, and what they asked for is done."""
        tasks = [task() for _ in range(20)]
        waiting = [asyncio.create_task(ledger.submit(each, ECHO, [])) for each in tasks]
        await asyncio.sleep(0)
        for caller in waiting[::2]:
            caller.cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes[::2]} == {asyncio.CancelledError}
        assert {type(outcome) for outcome in outcomes[1::2]} == {type(None)}
        await ledger.ready()
        assert (await ledger.find(A.id, TaskFilter(counted=True))).total == 20

    async def test_a_full_disk_is_unavailable_and_passes(self, writers: list[apsw.Connection], ledger: SqliteLedger):
        """Who finds no room gets Unavailable and leaves nothing; with room again the ledger works."""
        writers[0].pragma("max_page_count", writers[0].pragma("page_count") + 2)
        outcomes = await asyncio.gather(*(submitted(ledger) for _ in range(50)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
        accepted = [outcome for outcome in outcomes if isinstance(outcome, Task)]
        assert refused
        assert len(refused) + len(accepted) == 50
        assert (await ledger.find(A.id, TaskFilter(newest=False, limit=50))).tasks == accepted
        writers[0].pragma("max_page_count", 1_000_000)
        await submitted(ledger)
        await ledger.ready()

    async def test_a_commit_that_fails_fails_for_all(self, writers: list[apsw.Connection], ledger: SqliteLedger):
        """If the transaction does not end well every caller gets an error of its own, and nothing is kept."""
        writers[0].set_commit_hook(lambda: True)
        outcomes = await asyncio.gather(*(submitted(ledger) for _ in range(20)), return_exceptions=True)
        writers[0].set_commit_hook(None)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert len({id(outcome) for outcome in outcomes}) == 20
        assert (await ledger.find(A.id, TaskFilter(counted=True))).total == 0
        await submitted(ledger)

    async def test_a_lock_that_never_ends_is_unavailable(self, writers: list[apsw.Connection], ledger: SqliteLedger):
        """While another connection writes for too long the ledger is not ready, but can be read."""
        mine = await submitted(ledger)
        writers[0].set_busy_timeout(10)
        other = apsw.Connection(writers[0].filename)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await ledger.ready()
        assert await ledger.get(A.id, mine.id) == mine
        other.close()
        await ledger.ready()


class TestFile:
    async def test_commits_wait_for_the_disk(self, writers: list[apsw.Connection], ledger: SqliteLedger):
        """The writer keeps a log ahead of the file and syncs it with each commit."""
        assert writers[0].pragma("journal_mode") == "wal"
        assert writers[0].pragma("synchronous") == 2

    async def test_what_was_accepted_survives_a_kill(self, path: Path, ledger: SqliteLedger):
        """Every task whose submit returned is there after its process was killed in the middle of the next ones."""
        script = (
            "import asyncio, sys; from pathlib import Path\n"
            "from filmgate.adapters.ledger.sqlite import SqliteLedger\n"
            "from tests.ledger.examples import submitted\n"
            "async def main():\n"
            "    ledger = SqliteLedger(Path(sys.argv[1])); await ledger.open()\n"
            "    async def forever():\n"
            "        while True: print((await submitted(ledger)).id, flush=True)\n"
            "    await asyncio.gather(*(forever() for _ in range(8)))\n"
            "asyncio.run(main())\n"
        )
        async with asyncio.timeout(60):
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-c", script, str(path), stdout=PIPE, cwd=Path(__file__).parents[2]
            )
            assert other.stdout is not None
            accepted = [await other.stdout.readline() for _ in range(100)]
            other.kill()
            accepted += (await other.stdout.read()).splitlines(keepends=True)
            await other.wait()
        ids = [line.decode().strip() for line in accepted if line.endswith(b"\n")]
        assert [found.id for found in await ledger.get_many(A.id, ids)] == ids
        await submitted(ledger)

    async def test_everything_is_there_after_reopening(self, path: Path, ledger: SqliteLedger):
        """A second ledger on the file finds tasks, claims and keys as the first left them."""
        good = key()
        await ledger.add_key(good)
        mine = await submitted(ledger)
        await ledger.claim(ENGINE, "w", NOW, 60.0)
        await ledger.close()
        again = SqliteLedger(path)
        await again.open()
        found = await again.get(A.id, mine.id)
        assert found is not None
        assert found.fence == 1
        assert await again.key(good.digest) == good
        assert await again.next_work(ENGINE) == NOW + 60.0
        await again.close()

    async def test_a_copy_has_the_files_of_work_in_progress(self, path: Path, ledger: SqliteLedger):
        """What the work on an unfinished task has stored has no link yet: its inputs, its product, and its stills."""
        facts = media().media.facts
        stills = FinishedStills(facts, "x/thumbnail-1.jpg", facts, "x/last_frame-1.jpg", facts)
        await submitted(ledger, work=WorkState({"start": FetchedInput("x/start")}, "x/video-1.mp4", stills))
        with closing(Snapshot(path)) as copied:
            keys = sorted(file.key for file in copied.files())
        assert keys == ["x/last_frame-1.jpg", "x/start", "x/thumbnail-1.jpg", "x/video-1.mp4"]

    async def test_closing_commits_what_waits(self, path: Path, ledger: SqliteLedger):
        """Writes that were asked for before the close are on disk after it."""
        waiting = [asyncio.create_task(submitted(ledger)) for _ in range(50)]
        await asyncio.sleep(0)
        await ledger.close()
        tasks = await asyncio.gather(*waiting)
        assert not path.with_name("ledger.db-wal").exists()
        await ledger.open()
        assert await ledger.get_many(A.id, [each.id for each in tasks]) == tasks

    async def test_a_closed_ledger_is_unavailable(self, ledger: SqliteLedger):
        """After closing, and before opening, every call says so; closing again does no harm."""
        await ledger.close()
        await ledger.close()
        for act in (ledger.get(A.id, "x"), ledger.find(A.id, TaskFilter()), submitted(ledger), ledger.ready()):
            with pytest.raises(Unavailable, match="not open"):
                await act

    async def test_only_the_owner_may_read_the_file(self, path: Path, ledger: SqliteLedger):
        """The files of the ledger are for nobody else's eyes."""
        await submitted(ledger)
        modes = {file.stat().st_mode & 0o777 for file in path.parent.glob("ledger.db*")}
        assert modes == {0o600}

    async def test_a_newer_schema_is_refused(self, path: Path, ledger: SqliteLedger):
        """A file of a later version is not touched, and the reader is told what to do."""
        await ledger.close()
        with_newer = apsw.Connection(str(path))
        with_newer.pragma("user_version", 999)
        with_newer.close()
        with pytest.raises(Unavailable, match=r"schema 999.*start the newer Filmgate"):
            await ledger.open()

    async def test_callbacks_that_were_due_before_there_was_a_log_are_in_it(self, path: Path):
        """A file from before the log of callbacks has its pending ones in the log once it is opened."""
        old = ledger_of(path, 3)
        old.execute(SQL["add_application"], asdict(A))
        told = task(callback_url="http://example.test/hook")
        old.execute(SQL["add_task"], task_values(told))
        old.execute(_PUT_DUE_BEFORE_KEYS, asdict(work_for(told, WorkKind.WEBHOOK, 70.0, State.FAILED)))
        old.close()
        ledger = SqliteLedger(path)
        await ledger.open()
        found = await ledger.webhooks.get(A.id, told.id, State.FAILED)
        assert found is not None
        assert (found.status, found.url, found.next_at) == ("pending", told.callback_url, 70.0)
        await ledger.close()

    async def test_usage_begins_with_the_tasks_that_are_there(self, path: Path):
        """What was submitted, made, failed and held before counts from the migration on."""
        old = ledger_of(path, 5)
        old.execute(SQL["add_application"], asdict(A))
        price = {"work": WorkState(credits=0.5), "created_at": 10.0, "finished_at": 90_000.0, "stage": Stage.DONE}
        done = task(**price, state=State.COMPLETED, output=output())
        failures = [Failure("moderated", "No."), CANCELLED]
        ended = [done, *(task(**price, state=State.FAILED, failure=failure) for failure in failures)]
        begun = task(**price, state=State.FAILED, failure=CANCELLED, started_at=20.0, cancel_requested=True)
        unfinished = task(created_at=10.0, work=WorkState(credits=0.25))
        for each in (*ended, begun, unfinished):
            old.execute(SQL["add_task"], task_values(each))
        for _ in range(3):
            old.execute(SQL["add_media"], media_values(media(done)))
        old.close()
        ledger = SqliteLedger(path)
        await ledger.open()
        usage = await ledger.accounts.usage(A.id, "0001-01-01", "9999-12-31")
        assert usage.days == {
            "1970-01-01": Tally(submitted=5, credits=1.25),
            "1970-01-02": Tally(completed=1, failed=1, cancelled=2, bytes=30),
        }
        assert usage.failures == {"moderated": 1}
        standing = await ledger.accounts.standing(A.id, 10.0)
        assert (standing.files, standing.bytes, standing.unfinished) == (3, 30, 1)
        await ledger.close()

    @pytest.mark.parametrize("revoked", [False, True], ids=["kept", "the oldest is revoked"])
    async def test_the_oldest_live_key_becomes_an_admins(
        self, path: Path, caplog: pytest.LogCaptureFixture, revoked: bool
    ):
        """In a file from before there were roles, one key of `default` gets the role admin, and is named."""
        old = ledger_of(path, 7)
        default = Application("app-d", "default", "user-d", 1.0)
        for each in (A, default):
            old.execute(SQL["add_application"], asdict(each))
        rows = [
            ("theirs", A, 1.0, None),  # the oldest of all, but of another application
            ("younger", default, 9.0, None),
            ("first", default, 5.0, 6.0 if revoked else None),
        ]
        for name, owner, created_at, revoked_at in rows:
            old.execute(
                "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, owner.id, owner.user_id, name, name.encode(), f"{name[:3]}4", created_at, revoked_at),
            )
        old.close()
        ledger = SqliteLedger(path)
        await ledger.open()
        admin = "younger" if revoked else "first"
        roles = {key.name: key.role for key in await ledger.keys()}
        assert roles == dict.fromkeys(roles, KeyRole.MEMBER) | {admin: KeyRole.ADMIN}
        assert [
            f"The key {admin} (ends in {admin[:3]}4) has the role admin now" in text for text in caplog.messages
        ] == [True]
        await ledger.close()
        caplog.clear()
        await ledger.open()
        assert not caplog.messages
        await ledger.close()

    async def test_work_from_before_keys_took_turns_takes_them(self, path: Path):
        """Its key is that of its task; that of a task which is gone is claimed all the same."""
        old = ledger_of(path, 8)
        old.execute(SQL["add_application"], asdict(A))
        batch, person = [task(credential_id="batch") for _ in range(5)], task(credential_id="person")
        for each in (*batch, person):
            old.execute(SQL["add_task"], task_values(each))
            old.execute(_PUT_DUE_BEFORE_KEYS, asdict(advance(each)))
        old.execute(_PUT_DUE_BEFORE_KEYS, asdict(WorkItem(WorkKind.RECALL, "recall:one", "gone", A.id, 70.0, "up-3")))
        old.close()
        ledger = SqliteLedger(path)
        await ledger.open()
        claims = await ledger.claim(ENGINE, "w", NOW, 60.0, limit=2)
        assert {claim.due.task_id for claim in claims} == {batch[0].id, person.id}
        assert [claim.due.task_id for claim in await ledger.claim("recall:one", "w", NOW, 60.0)] == ["gone"]
        await ledger.close()

    async def test_ids_of_providers_from_before_their_table_are_known(self, path: Path):
        """Those of tasks, ended or not, and of recalls whose task is gone; of two engines of one provider the first."""
        old = ledger_of(path, 6)
        old.execute(SQL["add_application"], asdict(A))
        first, second, done = (
            task(engine="one", upstream_id="up-1"),
            task(engine="two", upstream_id="up-1"),
            task(engine="two", upstream_id="up-2", state=State.COMPLETED, output=output()),
        )
        for each in (first, second, done, task(engine="one")):
            old.execute(SQL["add_task"], task_values(each))
        for owed in (WorkItem(WorkKind.RECALL, "recall:one", "gone", A.id, 70.0, "up-3"), *_recalls(done, "up-2")):
            old.execute(_PUT_DUE_BEFORE_KEYS, asdict(owed))
        old.close()
        ledger = SqliteLedger(path)
        await ledger.open()
        assert await ledger.find_upstream("one", ["up-1", "up-2", "up-3"]) == {"up-1": first.id, "up-3": "gone"}
        await ledger.set_origins({"one": "https://api.example", "two": "https://api.example"}, NOW)
        known = {"up-1": first.id, "up-2": done.id, "up-3": "gone"}
        for engine in ("one", "two"):
            assert await ledger.find_upstream(engine, ["up-1", "up-2", "up-3", "up-4"]) == known
        await ledger.set_origins({}, time.time() + 91 * 86_400)
        assert await ledger.find_upstream("two", ["up-1", "up-2", "up-3"]) == {"up-1": first.id, "up-2": done.id}
        await ledger.close()

    async def test_what_is_no_ledger_is_unavailable(self, tmp_path: Path):
        """A file that is something else, and a folder that is not there, give a sentence with the path."""
        text = tmp_path / "text.db"
        text.write_text("a letter to a friend\n" * 100)
        for wrong in (text, tmp_path / "nowhere" / "ledger.db"):
            with pytest.raises(Unavailable, match=re.escape(str(wrong))):
                await SqliteLedger(wrong).open()
        assert text.read_text().startswith("a letter")

    async def test_another_process_adds_a_key_while_the_ledger_is_open(self, path: Path, ledger: SqliteLedger):
        """A key written by another process is found here at once, while this process writes too."""
        script = (
            "import asyncio, sys; from pathlib import Path\n"
            "from filmgate.adapters.ledger.sqlite import SqliteLedger\n"
            "from filmgate.ports.keys import ApiKey\n"
            "async def main():\n"
            "    ledger = SqliteLedger(Path(sys.argv[1])); await ledger.open()\n"
            "    await ledger.add_key(ApiKey('k', 'app-a', 'user-a', 'cli', b'd' * 32, 'hint', 1.0))\n"
            "    await ledger.close()\n"
            "asyncio.run(main())\n"
        )
        async with asyncio.timeout(60):
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path))
            ended = asyncio.create_task(other.wait())
            while not ended.done():
                await submitted(ledger)
            assert await ended == 0
        found = await ledger.key(b"d" * 32)
        assert found is not None
        assert found.name == "cli"

    async def test_processes_may_create_the_file_together(self, path: Path):
        """Several processes that open a new ledger in one moment all succeed."""
        script = (
            "import asyncio, sys; from pathlib import Path\n"
            "from filmgate.adapters.ledger.sqlite import SqliteLedger\n"
            "async def main():\n"
            "    ledger = SqliteLedger(Path(sys.argv[1])); print(flush=True); sys.stdin.readline()\n"
            "    await ledger.open(); await ledger.ready(); await ledger.close()\n"
            "asyncio.run(main())\n"
        )
        async with asyncio.timeout(60):
            others = [
                await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path), stdin=PIPE, stdout=PIPE)
                for _ in range(4)
            ]
            for other in others:
                assert other.stdout is not None
                await other.stdout.readline()
            await asyncio.gather(*(other.communicate(b"go\n") for other in others))
        assert [other.returncode for other in others] == [0] * 4


class TestStatements:
    def test_every_statement_says_what_it_does(self):
        """Each named block has its own line of comment and a name that no other has."""
        folder = Path(sys.modules[SqliteLedger.__module__].__file__ or "").parent / "queries"
        text = "".join(file.read_text() for file in folder.glob("*.sql"))
        assert len(SQL) == text.count("-- name: ")
        assert len(re.findall(r"^-- name: \w+\n-- [A-Z].*[.]$", text, re.MULTILINE)) == len(SQL)

    def test_values_by_place_are_in_the_order_of_the_names(self):
        """Statements that are given bare values name them in that order."""
        assert re.findall(r":(\w+)", SQL["get_task"]) == ["id", "application_id"]


def _recalls(of: Task, upstream_id: str) -> list[WorkItem]:
    return [WorkItem(WorkKind.RECALL, f"recall:{of.engine}", of.id, of.application_id, 70.0, upstream_id)]


def ledger_of(path: Path, schema: int) -> apsw.Connection:
    """Make a ledger with an earlier schema."""
    old = apsw.Connection(str(path))
    for step in migrations()[:schema]:
        old.execute(step).fetchall()
    old.pragma("user_version", schema)
    return old


_PUT_DUE_BEFORE_KEYS = """
INSERT INTO due (kind, queue, task_id, application_id, not_before, detail)
VALUES (:kind, :queue, :task_id, :application_id, :not_before, :detail)
"""


async def test_a_change_of_another_ledger_is_seen(path: Path, ledger: SqliteLedger):
    """Two ledgers on one file, as of two processes, exclude each other by the fence."""
    other = SqliteLedger(path)
    await other.open()
    mine = await submitted(ledger)
    claims = await asyncio.gather(*(each.claim(ENGINE, "w", NOW, 60.0) for each in (ledger, other) * 5))
    assert sum(map(len, claims)) == 1
    assert await other.commit(Change(task_id=mine.id, fence=0, now=NOW, percent=9)) is None
    await other.close()
