"""The clients of an application: they use the service as people do, several at once, and remember all of it."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx2

from tests.kill import burst, tricks
from tests.kill.history import History, Order
from tests.kill.wirelog import Wire

_SHORT = {"duration": 1, "resolution": "540p"}
_BURST = 8

_ENOUGH = 40
"""Unfinished tasks, from which on no more are submitted in this round."""

_LOOKS = 20
_LOOK_PAUSE = 0.05
"""So often, and so many seconds apart, a client looks whether the work on a task has begun."""


class App(NamedTuple):
    """An application: its key, where it is called back, and what signs that."""

    name: str
    headers: dict[str, str]
    hook: str
    fades: bool = False
    """Whether its rules remove files."""


class Client:
    """One client of an application, with connections and random numbers of its own."""

    def __init__(self, app: App, port: int, history: History, wire: Wire, chance: random.Random) -> None:
        self.app = app
        self.history = history
        self._port = port
        self._wire = wire
        self._chance = chance
        self.http = httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=app.headers, timeout=60)
        self.other: Client | None = None
        """A client of another application."""

    def acts(self, *names: str) -> list[Callable[[], object]]:
        """Return what is done next, in a random order: the usual acts, or those named."""
        kinds: dict[str, Callable[[], object]] = {
            "scripted": lambda: self.submit("scripted", self._prompt("[delay=0.2] [steps=3]")),
            "quick": lambda: self.submit("scripted", self._prompt("[delay=0.2] [fail=generation_failed]")),
            "unkeyed": lambda: self.submit("scripted", self._prompt("[fail=generation_failed]"), keyed=False),
            "hasty": lambda: self.submit("hasty", self._prompt("[hang]")),
            "paid": self.pay, "paid2": self.pay, "paid3": self.pay,
            "unkeyed paid": lambda: self.pay(keyed=False),
            "picture": self._picture, "linked": self._linked, "upload": self._upload, "drop upload": self._drop_upload,
            "look": self.look, "look2": self.look, "foreign": self._look_abroad, "grave": self._look_at_graves,
            "cancel": self._cancel, "delete": self.delete, "repeat": self._repeat, "burst": self.burst,
            "import": self._import, "mirror": self._mirror, "regret": self._regret,
        }  # fmt: skip
        special: dict[str, Callable[[], object]] = {
            "gate": lambda: self.pay("gate"),
            "marked": lambda: self.pay("marked"),
            "delete end": lambda: self.delete(ended=True),
        }
        chosen = [(kinds | special)[name] for name in (names or kinds)]
        self._chance.shuffle(chosen)
        return chosen

    def _prompt(self, script: str) -> str:
        return f"number {self.history.number()} {script}"

    def _new(self, model: str, prompt: str, *, keyed: bool = True, **body: Any) -> Order:
        order = Order(self.app.name, prompt, keyed=keyed, model=model, callback_url=self.app.hook, **_SHORT, **body)
        self.history.add(order)
        return order

    @property
    def _full(self) -> bool:
        return sum(not order.held for order in self.history.open(self.app.name)) >= _ENOUGH

    # ---- requests for videos -----------------------------------------------------------------------------------------

    def submit(self, model: str, prompt: str, *, keyed: bool = True, **body: Any) -> None:
        """Ask for a video."""
        if self._full:
            self.look()
        else:
            self.send(self._new(model, prompt, keyed=keyed, **body))

    def pay(self, model: str | None = None, *, keyed: bool = True) -> None:
        """Ask for a video that a provider makes."""
        model = model or self._chance.choice([name for name in tricks.ACCOUNTS if name != "spare"])
        self.submit(model, tricks.draw(model, self.history.number(), self._chance), keyed=keyed)

    def send(self, order: Order) -> None:
        """Send a request, and remember the id; after a crash the same key gives the same task."""
        order.sent = True
        headers = {} if order.key is None else {"Idempotency-Key": order.key}
        try:
            answer = self.http.post("/api/v1/tasks", json=order.body, headers=headers)
        except httpx2.TransportError:
            self.history.in_flight += 1
            raise
        self._answered(order, answer.status_code, answer.json())

    def burst(self) -> None:
        """Send several requests in one moment, with keys and without."""
        if self._full:
            self.look()
            return
        orders = []
        for _ in range(_BURST):
            keyed = self._chance.random() < 0.6
            if self._chance.random() < 0.4:
                model = self._chance.choice(("marked", "gate", "agents"))
                prompt = tricks.draw(model, self.history.number(), self._chance, completes=0.0)
            else:
                model, prompt = "scripted", self._prompt("[fail=generation_failed]")
            order = self._new(model, prompt, keyed=keyed)
            order.grouped = order.sent = True
            orders.append(order)
        headers = [self.app.headers | ({} if each.key is None else {"Idempotency-Key": each.key}) for each in orders]
        bodies = [order.body for order in orders]
        replies = burst.post(self._port, "/api/v1/tasks", list(zip(headers, bodies, strict=True)))
        for order, reply in zip(orders, replies, strict=True):
            if reply is None:
                self.history.in_flight += 1
            else:
                self._answered(order, reply.status, reply.body)
        if None in replies:
            raise httpx2.ReadError("a burst was cut off")

    def _answered(self, order: Order, status: int, body: Any) -> None:
        if status == 201:
            self.history.accepted(order, body["id"])
        elif not (status == 404 and order.dropped) and not (status == 409 and order.key):
            self.history.blame("answers wrong", f"{order.prompt}: {status} {body}")

    def _picture(self) -> None:
        data = base64.b64encode(tricks.PICTURE).decode()
        self.submit("scripted", self._prompt("from a picture"), start={"image": f"data:image/png;base64,{data}"})

    def _linked(self) -> None:
        """Refer to pictures that lie elsewhere: they are fetched before the task is begun."""
        sides = {side: {"image": f"{self._wire.url}/pictures/{side}.png"} for side in ("start", "end")}
        self.submit("scripted", self._prompt("between two pictures"), **sides)

    def _repeat(self) -> None:
        """Send a request again that was answered long ago, under its key."""
        if known := [order for order in self.history.known(self.app.name) if order.key and not order.imported]:
            self.send(self._chance.choice(known))

    def _mirror(self) -> None:
        """Use a key that the other application has used: it is another key."""
        if self.other and (theirs := [each for each in self.history.known(self.other.app.name) if each.key]):
            order = self._new("scripted", self._prompt("under a key of somebody else"))
            order.key = self._chance.choice(theirs).key
            if all(each is order or each.key != order.key for each in self.history.of(self.app.name)):
                self.send(order)

    # ---- ends --------------------------------------------------------------------------------------------------------

    def _cancel(self) -> None:
        with self.history.lock:
            found = [order for order in self.history.open(self.app.name) if not order.cancelled]
            if not found:
                return
            order = self._chance.choice(found)
            order.cancelled = True
        answer = self.http.post(f"/api/v1/tasks/{order.id}/cancel")
        self._expect(answer, "cancel", 200, *([404] if order.dropped else []))

    def _regret(self) -> None:
        """Cancel a task whose submit is under way to a provider that never answers it."""
        if self._full:
            self.look()
            return
        order = self._new(
            "marked", f"number {self.history.number()} [answer=cut] [look=plain] [list=plain] [end=failed]"
        )
        self.send(order)
        for _ in range(_LOOKS):
            if self.http.get(f"/api/v1/tasks/{order.id}").json().get("state") != "pending":
                break
            time.sleep(_LOOK_PAUSE)
        with self.history.lock:
            order.cancelled = True
        answer = self.http.post(f"/api/v1/tasks/{order.id}/cancel")
        self._expect(answer, "cancel", 200, *([404] if order.dropped else []))

    def delete(self, *, ended: bool = False) -> None:
        """Delete a task, perhaps one that has ended."""
        with self.history.lock:
            known = [order for order in self.history.known(self.app.name) if order.end is not None or not ended]
            if len(known) <= 4:
                return
            order = self._chance.choice(known)
            order.dropped = True
        self._expect(self.http.delete(f"/api/v1/tasks/{order.id}"), "delete", 204)
        order.gone = True

    def _upload(self) -> None:
        answer = self.http.post("/agents/v1/files", files={"file": ("a.png", tricks.PICTURE, "image/png")})
        if self._expect(answer, "upload", 201):
            self.history.uploads[self.app.name].append(answer.json()["id"])

    def _drop_upload(self) -> None:
        with self.history.lock:
            files = self.history.uploads[self.app.name]
            file_id = files.pop() if files else None
        if file_id is not None:
            answer = self.http.delete(f"/agents/v1/files/{file_id}")
            self._expect(answer, "delete of a file", 204, *([404] if self.app.fades else []))

    def _expect(self, answer: httpx2.Response, what: str, *statuses: int) -> bool:
        if answer.status_code not in statuses:
            self.history.blame("answers wrong", f"{what}: {answer.status_code} {answer.text}")
        return answer.status_code == statuses[0]

    # ---- imports -----------------------------------------------------------------------------------------------------

    def _import(self) -> None:
        """Import a job; the other application may want the same one at the same time."""
        prompt = f"number {self.history.number()} [end={self._chance.choice(('done', 'failed'))}]"
        (job_id,) = self._wire.jobs("marked", [prompt])
        self.take_over(self._imported(prompt, job_id))
        if self.other and self._chance.random() < 0.5:
            self.other.take_over(self.other._imported(prompt, job_id))

    def _imported(self, prompt: str, job_id: str) -> Order:
        order = Order(self.app.name, prompt, model="marked")
        order.imported, order.wanted = True, job_id
        self.history.add(order)
        return order

    def take_over(self, order: Order) -> None:
        """Import a job, as an admin or by a query for its id."""
        order.sent = True
        if self.app.fades:
            answer = self.http.get(f"/api/v1/tasks/{order.wanted}")
        else:
            answer = self.http.post("/api/v1/admin/import", json={"engine": "marked", "ids": [order.wanted]})
        if answer.status_code == 200:
            self.history.accepted(order, str(order.wanted))
        elif answer.status_code in (404, 409):
            order.refused = True
        elif answer.status_code != 503:
            self.history.blame("answers wrong", f"import of {order.wanted}: {answer.status_code} {answer.text}")

    def _look_at_graves(self) -> None:
        """Ask for jobs of tasks that were deleted: nobody gets them any more, by whatever id."""
        gone = [each for each in self.history.of(self.app.name) if each.gone and (each.imported or each.fulfilled)]
        if not gone:
            return
        order = self._chance.choice(gone)
        submits = self._wire.submits().get(order.prompt)
        for job_id in [order.wanted] if order.imported else [] if submits is None else submits.jobs:
            for client in (self, self.other):
                if client is not None and client.http.get(f"/api/v1/tasks/{job_id}").status_code != 404:
                    self.history.blame("imports wrong", f"{client.app.name} got {job_id}, deleted by {order.app}")

    # ---- queries -----------------------------------------------------------------------------------------------------

    def look(self, more: list[Order] | None = None) -> None:
        """Ask for all tasks whose end is not known, and for some more."""
        wanted = [each for each in {*self.history.open(self.app.name), *(more or ())} if each.id is not None]
        for start in range(0, len(wanted), 100):
            some = wanted[start : start + 100]
            gone = {order for order in some if order.gone}
            ended = {order for order in some if order.end is not None}
            answer = self.http.post("/luma/tasks", json={"ids": [order.id for order in some]})
            if self._expect(answer, "query", 200):
                found = {task["id"]: task for task in answer.json()}
                self.history.observed(some, found, gone, ended, fades=self.app.fades)

    def _look_abroad(self) -> None:
        """Ask for tasks of the other application, one and many, and for jobs that its tasks have at the provider."""
        if self.other is None or not (theirs := self.history.known(self.other.app.name)):
            return
        some = self._chance.sample(theirs, min(5, len(theirs)))
        ids = [str(order.id) for order in some]
        jobs = [
            job
            for order in some
            if order.fulfilled and (made := self._wire.submits().get(order.prompt))
            for job in made.jobs
        ]
        one = self.http.get(f"/api/v1/tasks/{ids[0]}")
        many = self.http.post("/luma/tasks", json={"ids": [*ids, *jobs]})
        if one.status_code != 404 or many.json() != []:
            self.history.blame("foreign visible", f"{self.app.name}: {one.status_code} {many.text[:200]}")

    def recover(self) -> None:
        """Do what clients do after a crash: send again what may be, and look what has become of the rest."""
        mine = self.history.of(self.app.name)
        self._claim([order for order in mine if order.sent and order.id is None and order.key is None])
        for order in self.history.unanswered(self.app.name):
            if order.imported:
                self.take_over(order)
            elif order.key is not None:
                self.send(order)
        for order in mine:
            if order.dropped and not order.gone:
                answer = self.http.delete(f"/api/v1/tasks/{order.id}")
                self._expect(answer, "delete", 204, 404)
                order.gone = True
        # Few of those that are gone: an id that nobody knows here is looked for at the providers.
        kept, gone = self.history.known(self.app.name), [order for order in mine if order.gone]
        self.look(self._chance.sample(kept, min(50, len(kept))) + self._chance.sample(gone, min(3, len(gone))))

    def _claim(self, lost: list[Order]) -> None:
        """Look whether requests without a key have made a task, now that nobody works on them any more."""
        wanted = {order.prompt: order for order in lost if not order.given_up}
        if not wanted:
            return
        for offset in (0, 100, 200):
            page = self.http.get("/api/v1/tasks", params={"limit": 100, "offset": offset}).json()["tasks"]
            for task in page:
                if (order := wanted.pop(task["prompt"], None)) is not None:
                    self.history.accepted(order, task["id"])
        for order in wanted.values():
            order.given_up = True  # it has made nothing, and never will

    def live(self, until: float, over: Callable[[], bool], names: tuple[str, ...]) -> None:
        """Use the service until it dies or the time is up."""
        acts: list[Callable[[], object]] = []
        try:
            while time.monotonic() < until and not over():
                acts = acts or self.acts(*names)
                acts.pop()()
        except httpx2.TransportError:
            return
