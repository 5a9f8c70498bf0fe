"""Kills a service again and again while it is used, and compares what it says with what its client remembers.

The service stands in front of a provider, which is another service in a process of its own that nobody kills, and
calls back to a receiver that writes everything down.
"""

from __future__ import annotations

import base64
import io
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import httpx2
from PIL import Image

from filmgate.faults import Point
from tests.kill import inspection
from tests.kill.hatchery import Hatchery
from tests.kill.history import History, Order
from tests.kill.victim import Victim
from tests.service.receiver import receiver
from tests.support.processes import of_session, until
from tests.support.provider import account
from tests.support.service import RunningService

FIRST = (Point.MIGRATED, Point.FIRST_KEY_WRITTEN)
"""Points that only the first start of a data folder comes to."""

POINTS = tuple(point for point in Point if point not in FIRST)
_ONCE = (Point.RESUMED, Point.COLLECTED, Point.STOPPING)
_EVERY = 4
"""After so many kills at a point comes one at a random moment."""

_PATIENCE = 6.0
"""Seconds in which the work should come to the point of a round; it is killed from outside then."""

_ENOUGH = 30
"""Unfinished tasks, from which on no more are submitted in this round."""

_SHORT = {"duration": 1, "resolution": "540p"}


class Round(NamedTuple):
    """One kill: where it was to happen (None: at a random moment), and whether it did."""

    point: Point | None
    hit: bool


class Ordeal:
    """A service that is killed, its provider, its receiver, and its client with a good memory."""

    def __init__(self, folder: Path, seed: int, *, studio: int) -> None:
        """Take an empty folder, the seed of all that is random, and for how many tasks the studio is used."""
        self.chance = random.Random(seed)
        self.history = History()
        self.rounds: list[Round] = []
        self._folder = folder
        self._studio = studio
        self._sessions: list[int] = []
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Ordeal:
        self._stack.__enter__()
        table = json.dumps({"scripted": {"type": "scripted", "models": ["*"], "slots": 8}})
        self.provider = RunningService(self._folder / "provider", engines=table, max_unfinished="0").start()
        self._stack.callback(self.provider.stop)
        self.hooks = self._stack.enter_context(receiver())
        hatchery = Hatchery(self._folder)
        self._stack.callback(hatchery.close)
        engines = {
            "scripted": {"type": "scripted", "models": ["*"], "slots": 8},
            "hasty": {"type": "scripted", "models": ["hasty"], "deadline": 0.5},
            "far": account(self.provider, models=["far"], slots=8),
            "studio": {"type": "studio", "models": ["studio"]},
        }
        self.victim = Victim(hatchery, self._folder / "data", engines=json.dumps(engines), max_unfinished="0")
        self._stack.callback(self.victim.stop)
        for point in FIRST:
            assert not self.victim.hatch(f"{point}:1"), "it should not have started"
            self._kill(point, hit=True)
        self._start("")
        self.http = self._stack.enter_context(
            httpx2.Client(base_url=self.victim.url, headers=self.victim.headers, timeout=20)
        )
        secrets = self.http.get("/api/v1/callbacks/secret").json()["secrets"]
        self._secrets = [str(each["secret"]) for each in secrets]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def suffer(self, kills: int, tell: Callable[[Ordeal], None] = lambda _: None) -> None:
        """Be killed so many times, at each point in turn and in between at random moments."""
        plan = self._plan()
        while len(self.rounds) < kills:
            point = next(plan)
            fault = "" if point is None else f"{point}:{self._times(point)}"
            self._kill_running()
            if self._start(fault):
                self._use(point)
            self._kill(point, hit=point is not None and self.victim.died)
            inspection.take(self.history, self.hooks, self._secrets)
            tell(self)

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
            return self.chance.randint(1, 40)
        return 1 if point in _ONCE else self.chance.choice((1, 1, 1, 2, 3))

    def _start(self, fault: str) -> bool:
        return self.victim.hatch(fault)

    def _kill_running(self) -> None:
        if self.victim.process is not None:
            self.victim.end(children=False)

    def _kill(self, point: Point | None, *, hit: bool) -> None:
        """Kill what is left of it, with its children or without."""
        self._sessions.append(self.victim.end(children=self.chance.random() < 0.5))
        self.rounds.append(Round(point, hit))

    # ---- what the client does ----------------------------------------------------------------------------------------

    def _use(self, point: Point | None) -> None:
        """Use the service until it dies, or the time is up for one that nothing else kills."""
        time_is_up = time.monotonic() + (self.chance.uniform(0.05, 1.5) if point is None else _PATIENCE)
        try:
            self._recover()
            acts = self._acts()
            while time.monotonic() < time_is_up and not self.victim.died:
                if not acts:
                    acts = self._acts()
                    if point is Point.STOPPING:
                        self.victim.process.send_signal(signal.SIGTERM)
                        self.victim.process.wait(30)
                        return
                acts.pop()()
        except httpx2.TransportError:
            # It is dead, or dying: a killed process may leave the socket a moment before it is reaped.
            until(lambda: self.victim.died, bool, deadline=10)

    def _acts(self) -> list[Callable[[], None]]:
        acts = [
            lambda: self._submit("scripted", f"[delay={self.chance.uniform(0, 0.5):.2f}] [steps=3]", callback=True),
            lambda: self._submit("far", f"[delay={self.chance.uniform(0, 0.8):.2f}]", callback=True),
            lambda: self._submit("hasty", "[hang]", callback=True),
            self._submit_with_picture, self._upload, self._drop_upload, self._look, self._look,
            lambda: self._cancel("far"), lambda: self._cancel("scripted"), self._delete, self._repeat,
        ]  # fmt: skip
        if self._studio and self.chance.random() < 0.3:
            self._studio -= 1
            acts.append(lambda: self._submit("studio", "ocean", callback=True))
        self.chance.shuffle(acts)
        return acts

    def _submit(self, model: str, prompt: str, *, callback: bool = False, **body: Any) -> None:
        if len(self.history.open) >= _ENOUGH:
            self._look()
            return
        self._count += 1
        more = {"callback_url": f"{self.hooks.url}/hook"} if callback else {}
        order = Order(f"number {self._count} {prompt}", model=model, **_SHORT, **more, **body)
        self.history.orders.append(order)
        self._send(order)

    def _submit_with_picture(self) -> None:
        data = base64.b64encode(_picture()).decode()
        self._submit("scripted", "from a picture", start={"image": f"data:image/png;base64,{data}"})

    def _send(self, order: Order) -> None:
        """Submit, and remember the id; after a crash the same key gives the same task."""
        answer = self.http.post("/api/v1/tasks", json=order.body, headers={"Idempotency-Key": order.key})
        if answer.status_code == 201:
            self.history.accepted(order, answer.json()["id"])
        elif not (answer.status_code == 404 and order.dropped):
            self.history.blame("answers wrong", f"submit: {answer.status_code} {answer.text}")

    def _repeat(self) -> None:
        """Send a submit again that was answered long ago."""
        if known := self.history.known:
            self._send(self.chance.choice(known))

    def _cancel(self, model: str) -> None:
        if found := [order for order in self.history.open if order.model == model and not order.cancelled]:
            order = self.chance.choice(found)
            order.cancelled = True
            self._expect(200, self.http.post(f"/api/v1/tasks/{order.id}/cancel"), "cancel")

    def _delete(self) -> None:
        if len(self.history.known) > 4:
            order = self.chance.choice(self.history.known)
            order.dropped = True
            self._expect(204, self.http.delete(f"/api/v1/tasks/{order.id}"), "delete")
            order.gone = True

    def _upload(self) -> None:
        answer = self.http.post("/agents/v1/files", files={"file": ("a.png", _picture(), "image/png")})
        if self._expect(201, answer, "upload"):
            self.history.uploads[answer.json()["id"]] = b""

    def _drop_upload(self) -> None:
        if self.history.uploads:
            file_id, _ = self.history.uploads.popitem()
            self._expect(204, self.http.delete(f"/agents/v1/files/{file_id}"), "delete of a file")

    def _expect(self, status: int, answer: httpx2.Response, what: str) -> bool:
        if answer.status_code != status:
            self.history.blame("answers wrong", f"{what}: {answer.status_code} {answer.text}")
        return answer.status_code == status

    def _recover(self) -> None:
        """Do what clients do after a crash: send again what was not answered, and look what has become of the rest."""
        for order in self.history.unanswered:
            self._send(order)
        for order in self.history.orders:
            if order.dropped and not order.gone:
                assert self.http.delete(f"/api/v1/tasks/{order.id}").status_code in (204, 404)
                order.gone = True
        self._look(self.chance.sample(self.history.orders, min(50, len(self.history.orders))))

    def _look(self, more: list[Order] | None = None) -> None:
        """Ask for all tasks whose end is not known, and for some more."""
        wanted = [order for order in {*self.history.open, *(more or ())} if order.id is not None]
        for start in range(0, len(wanted), 100):
            some = wanted[start : start + 100]
            answer = self.http.post("/luma/tasks", json={"ids": [order.id for order in some]})
            if self._expect(200, answer, "query"):
                self.history.observed(some, {task["id"]: task for task in answer.json()})

    # ---- the verdict -------------------------------------------------------------------------------------------------

    def judge(self, patience: float = 240.0) -> None:
        """Let the service come to rest, then compare everything with the client's memory."""
        self._kill_running()  # there is one if whoever watches has had enough
        assert self._start(""), self.victim.log.read_text()[-4000:]
        self._recover()
        self._finish(patience)
        inspection.tasks(self.history, self.http)
        inspection.callbacks(self.history, self.hooks, self._secrets)
        inspection.files(self.history, self.http)
        inspection.provider(self.history, self.provider)
        inspection.store(self.history, self.victim.data)
        assert self.victim.process is not None
        self._sessions.append(self.victim.process.pid)
        assert self.victim.stop() == 0
        left = until(
            lambda: [pid for session in self._sessions for pid in of_session(session)], lambda pids: not pids, 20
        )
        assert not left

    def _finish(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while self.history.open and time.monotonic() < deadline:
            self._decide()
            self._look()
            time.sleep(0.1)
        for order in self.history.open:
            self.history.blame("stuck", f"{order.id}: {order.prompt}")
        self._look(self.history.orders)

    def _decide(self) -> None:
        """Be the operator: a submit that died before it was sent is sent again, for the provider has nothing of it."""
        held = self.http.get("/api/v1/operator/unknown").json()["submits"]
        there = inspection.made_by(self.provider) if held else {}
        unsent = {order.id: order for order in self.history.known if order.prompt not in there}
        for each in held:
            if each["id"] in unsent:
                # Unless its look-up comes to a decision in this moment.
                self.http.post(f"/api/v1/operator/unknown/{each['id']}", json={"decision": "submit_again"})

    @property
    def reached(self) -> Counter[str]:
        """How often each point was reached, kills or not."""
        return Counter(self.victim.trace.read_text().split())

    @property
    def hits(self) -> Counter[str]:
        """How often the process was killed at each point."""
        return Counter(str(each.point) for each in self.rounds if each.hit)

    def report(self) -> dict[str, Any]:
        """Give the figures, and what was wrong."""
        ends = self.history.ends()
        return {
            "kills": len(self.rounds),
            "at points": sum(self.hits.values()),
            "points": len(self.hits),
            "tasks": len(self.history.orders),
            **ends,
            "deleted": sum(order.dropped for order in self.history.orders),
            **{kind: len(found) for kind, found in self.history.wrong.items()},
        }


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()
