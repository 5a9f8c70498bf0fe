"""Kills a service again and again while it is used, and compares what it says with what its clients remember.

The service stands in front of a provider in a process of its own that nobody kills, which misbehaves and writes down
what arrives. Clients of two applications use it at once. Beside them an admin decides, files are removed by rules, jobs
are imported, and backups are made.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import httpx2

from filmgate.faults import Point
from tests.kill import verdict
from tests.kill.beside import Admin, Backups, tables
from tests.kill.clients import App, Client
from tests.kill.hatchery import Hatchery
from tests.kill.history import History
from tests.kill.victim import Victim
from tests.kill.wirelog import Wire
from tests.service.receiver import serving
from tests.support.processes import of_session, until

FIRST = (Point.MIGRATED, Point.FIRST_KEY_WRITTEN)
"""Points that only the first start of a data folder comes to."""

BACKUP = (Point.BACKUP_FILLED, Point.BACKUP_PLACED)
"""Points that a backup comes to: it is another process, which is killed there."""

POINTS = tuple(point for point in Point if point not in (*FIRST, *BACKUP))
_ONCE = (Point.RESUMED, Point.COLLECTED, Point.STOPPING)
_GROUPS = (Point.GROUP_BEGUN, Point.GROUP_DONE)
_EVERY = 4
"""After so many kills at a point comes one at a random moment."""

_PATIENCE = 4.0
"""Seconds in which the work should come to the point of a round; it is killed from outside then."""

_CLIENTS = 2
"""Clients of each application at once."""

_KEY = "an admin key for as long as chaos lasts"
_KEPT_BYTES = 120_000


class Round(NamedTuple):
    """One kill: where it was to happen (None: at a random moment), and whether it did."""

    point: Point | None
    hit: bool


class Chaos:
    """A service that is killed, its provider, its receiver, and clients with a good memory."""

    def __init__(self, folder: Path, seed: int, *, studio: int = 0, acts: tuple[str, ...] = ()) -> None:
        """Take an empty folder, the seed of all that is random, and for how many tasks the studio is used.

        `acts` is what the clients do, if not everything.
        """
        self.chance = random.Random(seed)
        self.history = History()
        self.rounds: list[Round] = []
        self.wire_counts: dict[str, int] = {}
        self._folder = folder
        self._studio = studio
        self._acts = acts
        self._sessions: list[int] = []
        self._stack = ExitStack()
        self._points = self._plan()
        self.patience = 240.0
        """Seconds that the service has to come to rest in."""

    @property
    def broken(self) -> set[str]:
        """The kinds of promises that were not kept."""
        return {kind for kind, found in self.history.wrong.items() if found}

    def __enter__(self) -> Chaos:
        self._stack.__enter__()
        self.wire = Wire(self._folder)
        self._stack.callback(self.wire.close)
        self.hooks = verdict.Webhooks(random.Random(self.chance.random()))
        self._stack.enter_context(serving(self.hooks))
        hatchery = Hatchery(self._folder)
        self._stack.callback(hatchery.close)
        self.victim = Victim(
            hatchery, self._folder / "data",
            engines=tables(self.wire.url), max_unfinished="0", collect_every="0.5", log_level="info",
        )  # fmt: skip
        self.victim.env |= {"CHAOS_KEY": "the provider's key", "FILMGATE_PUBLIC_URL": self.victim.url}
        self._stack.callback(self.victim.stop)
        self.backups = Backups(self._folder, hatchery, self.victim, self.history)
        for point in FIRST:
            assert not self.victim.hatch(f"{point}:1"), "it should not have started"
            self._kill(point, hit=True)
        self._first_start()
        return self

    def _first_start(self) -> None:
        """Start it with an admin key and a second application, whose files are kept up to a number of bytes."""
        assert self.victim.hatch(""), self.victim.log.read_text()[-4000:]
        made = self.victim.run("keys", "create", "--name", "second", "--application", "second")
        assert made.returncode == 0, made.stderr
        self.victim.end(children=True)
        self.victim.env |= {"FILMGATE_API_KEY": _KEY, "FILMGATE_ADMIN_KEY": _KEY}
        assert self.victim.hatch(""), self.victim.log.read_text()[-4000:]
        admin = self.victim.headers
        first = App("first", admin, f"{self.hooks.url}/hook/first")
        second = App(
            "second", {"Authorization": f"Bearer {made.stdout.strip()}"}, f"{self.hooks.url}/hook/second", fades=True
        )
        self.clients = [self._client(app) for app in (first, second) for _ in range(_CLIENTS)]
        for number, client in enumerate(self.clients):
            client.other = self.clients[(number + _CLIENTS) % len(self.clients)]
        self.admin = Admin(self.history, self.wire, self.clients[0].http)
        limits = self.clients[0].http.patch("/api/v1/admin/limits/second", json={"media_bytes": _KEPT_BYTES})
        assert limits.status_code == 200, limits.text
        self.leaders = [self.clients[0], self.clients[_CLIENTS]]
        self._secrets = {
            client.app.name: [
                str(each["secret"]) for each in client.http.get("/api/v1/webhooks/secret").json()["secrets"]
            ]
            for client in self.leaders
        }

    def _client(self, app: App) -> Client:
        seed = self.chance.random()
        client = Client(app, int(self.victim.env["FILMGATE_PORT"]), self.history, self.wire, random.Random(seed))
        self._stack.callback(client.http.close)
        return client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    # ---- kills -------------------------------------------------------------------------------------------------------

    def suffer(
        self,
        kills: int,
        tell: Callable[[Chaos], None] = lambda _: None,
        *,
        faults: tuple[str, ...] = (),
        until: float = float("inf"),
    ) -> None:
        """Be killed so many times, or up to a moment: at each point in turn, and in between at random moments.

        With `faults` it is killed at these alone.
        """
        before = len(self.rounds)
        while len(self.rounds) - before < kills and time.monotonic() < until:
            point = next(self._points)
            fault = "" if point is None else f"{point}:{self._times(point)}"
            if faults:
                fault = faults[len(self.rounds) % len(faults)]
                point = Point(fault.partition(":")[0]) if fault else None
            self._kill_running()
            if self.victim.hatch(fault):
                self._use(point)
            self._kill(point, hit=point is not None and self.victim.died)
            self.backups_beside(len(self.rounds))
            verdict.take(self.history, self.hooks, self._secrets)
            tell(self)

    def backups_beside(self, number: int) -> None:
        """Begin a backup in every tenth round; of these every fourth is killed."""
        if self._acts:
            return
        if number % 10 == 0:
            turn = number // 10 % 4
            self.backups.begin(f"{BACKUP[number // 40 % 2]}:1" if turn == 1 else "")
        elif number % 10 == 1 and number // 10 % 4 == 2:
            self.backups.kill()

    def _plan(self) -> Iterator[Point | None]:
        while True:
            points = list(POINTS)
            self.chance.shuffle(points)
            for number, point in enumerate(points, 1):
                yield point
                if number % _EVERY == 0:
                    yield None

    def _times(self, point: Point) -> int:
        if point in (Point.COMMIT_BEGUN, Point.COMMIT_DONE):
            return self.chance.randint(1, 60)
        if point in _GROUPS:
            return self.chance.randint(1, 12)
        return 1 if point in _ONCE or self._acts else self.chance.choice((1, 1, 1, 2, 3))

    def _kill_running(self) -> None:
        if self.victim.process is not None:
            self.victim.end(children=False)

    def _kill(self, point: Point | None, *, hit: bool) -> None:
        """Kill what is left of it, with its children or without."""
        self._sessions.append(self.victim.end(children=self.chance.random() < 0.5))
        self.rounds.append(Round(point, hit))

    def _use(self, point: Point | None) -> None:
        """Use the service until it dies, or the time is up for one that nothing else kills."""
        alive = True
        try:
            for leader in self.leaders:
                leader.recover()
            self.admin.decide()
            if self._studio and self.chance.random() < 0.1:
                self._studio -= 1
                self.clients[0].submit("studio", f"number {self.history.number()} ocean")
        except httpx2.TransportError:
            alive = False
        if self._acts:
            seconds = _PATIENCE if point is None else 15 * _PATIENCE
        else:
            seconds = self.chance.uniform(0.05, 1.5) if point is None else _PATIENCE
        time_is_up = time.monotonic() + (seconds if alive else 0.0)
        names = ("burst", "look") if point in _GROUPS else self._acts
        threads = [
            threading.Thread(target=client.live, args=(time_is_up, lambda: self.victim.died, names))
            for client in self.clients
        ]
        for thread in threads:
            thread.start()
        if point is Point.STOPPING:
            threads[0].join(0.3)
            self.victim.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        for thread in threads:
            thread.join(60)
        if not alive or point is Point.STOPPING or time.monotonic() < time_is_up:
            # It is dead, or dying: a killed process may leave the socket a moment before it is reaped.
            until(lambda: self.victim.died, bool, deadline=30)

    # ---- the verdict -------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Let the service come to rest, compare everything with the clients' memory, and stop it."""
        self.look_at_everything()
        self.backups.check()
        assert self.victim.process is not None
        self._sessions.append(self.victim.process.pid)
        assert self.victim.stop() == 0
        left = until(
            lambda: [pid for session in self._sessions for pid in of_session(session)], lambda pids: not pids, 20
        )
        assert not left

    def look_at_everything(self) -> None:
        """Let the service come to rest, and compare everything with the clients' memory; it goes on running."""
        self._kill_running()  # there is one if whoever watches has had enough
        self.hooks.calm = True
        assert self.victim.hatch(""), self.victim.log.read_text()[-4000:]
        for leader in self.leaders:
            leader.recover()
        self._finish()
        for leader in self.leaders:
            verdict.tasks(self.history, leader)
            verdict.files(self.history, leader)
        verdict.ends(self.history)
        self._webhooks()
        verdict.recalls(self.history, self.wire, min(100, self.patience))
        verdict.imports(self.history)
        self.wire_counts = verdict.at_the_wire(self.history, self.wire)
        verdict.store(self.history, self.victim.data)
        verdict.log(self.history, self.victim.log)
        self.hooks.calm = False

    def _finish(self) -> None:
        """Wait for the ends; what is held and cannot be found, an admin decides."""
        start = time.monotonic()
        while (left := self._open()) and time.monotonic() < start + self.patience:
            self.admin.decide()
            time.sleep(0.1)
        for order in left:
            self.history.blame("stuck", f"{order.id}: {order.prompt}")
        for leader in self.leaders:
            leader.look(self.history.of(leader.app.name))

    def _open(self) -> list[Any]:
        for leader in self.leaders:
            leader.look()
        return self.history.open()

    def _webhooks(self) -> None:
        def missing() -> list[str]:
            verdict.take(self.history, self.hooks, self._secrets)
            return verdict.untold(self.history)

        try:
            # One that met the receiver at a bad moment comes again after seconds.
            until(missing, lambda left: not left, deadline=min(90, self.patience))
        except AssertionError:
            for task_id in missing():
                self.history.blame("webhooks missing", task_id)
        for leader in self.leaders:
            verdict.webhooks(self.history, leader)

    @property
    def reached(self) -> Counter[str]:
        """How often each point was reached, kills or not."""
        return Counter(self.victim.trace.read_text().split())

    @property
    def hits(self) -> Counter[str]:
        """How often the process was killed at each point."""
        return Counter(str(each.point) for each in self.rounds if each.hit)

    def report(self) -> dict[str, Any]:
        """Return the figures, and what was wrong."""
        orders = self.history.orders
        return {
            "kills": len(self.rounds),
            "at points": sum(self.hits.values()),
            "points": len(self.hits),
            "requests under way at kills": self.history.in_flight,
            "tasks": sum(order.id is not None for order in orders),
            **self.history.ends(),
            "deleted": sum(order.dropped for order in orders),
            "imported": sum(order.imported and order.id is not None for order in orders),
            "backups": self.backups.made,
            **self.wire_counts,
            **{f"decided: {name}": count for name, count in self.admin.decided.items()},
            **{kind: len(found) for kind, found in self.history.wrong.items()},
        }
