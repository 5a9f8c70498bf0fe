"""What clients know: every request they sent, every answer they got, every state they saw. And what was not kept."""

from __future__ import annotations

import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.kill import tricks

ENDS = ("completed", "failed")


class Order:
    """A request for a video, and what was seen of its task. While `id` is None nobody knows whether it was accepted.

    One without a key is sent once: if its answer is lost it may have made one task, which a list shows; one that has
    made none is `given_up`.
    """

    def __init__(self, app: str, prompt: str, *, keyed: bool = True, **body: Any) -> None:
        self.app = app
        self.key = str(uuid.uuid4()) if keyed else None
        self.prompt = prompt
        self.body = {"prompt": prompt, **body}
        self.id: str | None = None
        self.end: dict[str, Any] | None = None
        self.sent = False
        self.refused = False
        self.cancelled = False
        self.dropped = False
        self.gone = False
        self.held = False
        self.imported = False
        self.given_up = False
        self.grouped = False
        self.wanted: str | None = None
        """The job that is to be imported."""

    @property
    def model(self) -> str:
        """Which engine it is for."""
        return str(self.body["model"])

    @property
    def fulfilled(self) -> bool:
        """Whether its provider has brought it to its end: the service knows the job then."""
        end = self.end or {}
        return end.get("state") == "completed" or tricks.FAILED in str(end.get("failure_reason"))


class History:
    """All requests of all clients, and by its kind whatever broke a promise."""

    KINDS = (
        "lost", "lost in group commits", "changed", "doubled", "stuck", "ends wrong", "keys forgotten",
        "back from the dead", "foreign visible", "files wrong", "files left over", "webhooks missing", "webhooks wrong",
        "webhook ids wrong", "submits at the wire doubled", "unknown outcomes repeated", "jobs without a task",
        "recalls missing", "backups wrong", "imports wrong", "answers wrong", "tracebacks",
    )  # fmt: skip

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.orders: list[Order] = []
        self.events: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """By task, by the id of the webhook: the states that were told under it."""

        self.codes: dict[str, str] = {}
        """How tasks have ended, by id: completed, or the code of the failure."""

        self.uploads: dict[str, list[str]] = defaultdict(list)
        self.in_flight = 0
        """Requests that were under way when the process was killed."""

        self.wrong: dict[str, list[str]] = {kind: [] for kind in self.KINDS}
        self._blamed: set[tuple[str, str]] = set()
        self._numbers = 0

    def number(self) -> int:
        """Return a number that no other request has."""
        with self.lock:
            self._numbers += 1
            return self._numbers

    def of(self, app: str) -> list[Order]:
        """Return the requests of an application."""
        with self.lock:
            return [order for order in self.orders if order.app == app]

    def known(self, app: str | None = None) -> list[Order]:
        """Return requests that were answered, whose task the owner has not deleted."""
        with self.lock:
            return [
                order for order in self.orders
                if order.id is not None and not order.dropped and app in (None, order.app)
            ]  # fmt: skip

    def open(self, app: str | None = None) -> list[Order]:
        """Return those of them whose end was not seen yet."""
        return [order for order in self.known(app) if order.end is None]

    def unanswered(self, app: str) -> list[Order]:
        """Return requests whose answer was lost."""
        return [order for order in self.of(app) if order.id is None and order.sent and not order.refused]

    def add(self, order: Order) -> None:
        """Remember a request that is about to be sent."""
        with self.lock:
            self.orders.append(order)

    def blame(self, kind: str, what: str) -> None:
        """Write down that a promise was not kept, once."""
        with self.lock:
            if (kind, what) not in self._blamed:
                self._blamed.add((kind, what))
                self.wrong[kind].append(what)

    def accepted(self, order: Order, task_id: str) -> None:
        """Take in that a request was answered, for the first time or again."""
        with self.lock:
            if order.id not in (None, task_id):
                self.blame("keys forgotten", f"{order.prompt}: {order.id}, under the same key later {task_id}")
            order.id = order.id or task_id

    def observed(
        self,
        asked: Iterable[Order],
        found: dict[str, dict[str, Any]],
        gone: set[Order],
        ended: set[Order],
        *,
        fades: bool = False,
    ) -> None:
        """Take in that tasks were asked for: all are there, and an end that was seen once stays as it was.

        `gone` were deleted before they were asked for, and of `ended` the end had been seen. What another client has
        seen meanwhile may be newer than these answers. With `fades` rules of the application remove files, and with
        them what is told of them.
        """
        with self.lock:
            for order in asked:
                task = found.get(str(order.id))
                if order.dropped:
                    if task is not None and order in gone:
                        self.blame("back from the dead", f"{order.id} was deleted")
                elif task is None:
                    kind = "lost in group commits" if order.grouped else "lost"
                    self.blame(kind, f"{order.id}: {order.prompt}")
                elif order.end is not None:
                    is_older = order not in ended and task["state"] not in ENDS
                    if not is_older and _fixed(task, fades=fades) != _fixed(order.end, fades=fades):
                        self.blame("changed", f"{order.id}: {order.end} has become {task}")
                elif task["state"] in ENDS:
                    order.end = task

    def listed(self, app: str, tasks: Iterable[dict[str, Any]]) -> None:
        """Take in that all tasks of an application were listed: each request has made one, and all are its own."""
        by_prompt = defaultdict(set)
        for task in tasks:
            by_prompt[task["prompt"]].add(task["id"])
        owners = {(order.prompt, order.app) for order in self.orders}
        for prompt, ids in by_prompt.items():
            if len(ids) > 1:
                self.blame("doubled", f"{prompt}: {sorted(ids)}")
            if (prompt, app) not in owners:
                self.blame("foreign visible", f"{app} lists {prompt}")

    def ends(self) -> Counter[str]:
        """Count the ends that were seen."""
        return Counter(str(order.end["state"]) for order in self.known() if order.end is not None)


def _fixed(task: dict[str, Any], *, fades: bool) -> dict[str, Any]:
    return {name: task[name] for name in ("id", "state", "prompt")} if fades else task
