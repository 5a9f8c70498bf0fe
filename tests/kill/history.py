"""What a client knows: every submit it sent, every answer it got, every state it saw. And what of it was not kept."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

ENDS = ("completed", "failed")


class Order:
    """A submit, and what was seen of its task. While `id` is None nobody knows whether it was accepted."""

    def __init__(self, prompt: str, **body: Any) -> None:
        self.key = str(uuid.uuid4())
        self.prompt = prompt
        self.body = {"prompt": prompt, **body}
        self.id: str | None = None
        self.end: dict[str, Any] | None = None
        self.cancelled = False
        self.dropped = False
        self.gone = False

    @property
    def model(self) -> str:
        """Which engine it is for."""
        return str(self.body["model"])


class History:
    """All submits of a client, and by its kind whatever broke a promise."""

    KINDS = (
        "lost", "changed", "doubled", "stuck", "keys forgotten", "back from the dead", "files wrong", "files left over",
        "callbacks missing", "callbacks wrong", "submits doubled", "recalls missing", "answers wrong",
    )  # fmt: skip

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.told: dict[str, set[str]] = defaultdict(set)
        self.uploads: dict[str, bytes] = {}
        self.wrong: dict[str, list[str]] = {kind: [] for kind in self.KINDS}

    @property
    def known(self) -> list[Order]:
        """Submits that were answered, whose task the owner has not deleted."""
        return [order for order in self.orders if order.id is not None and not order.dropped]

    @property
    def open(self) -> list[Order]:
        """Those of them whose end was not seen yet."""
        return [order for order in self.known if order.end is None]

    @property
    def unanswered(self) -> list[Order]:
        """Submits whose answer was lost."""
        return [order for order in self.orders if order.id is None]

    def blame(self, kind: str, what: str) -> None:
        """Write down that a promise was not kept."""
        self.wrong[kind].append(what)

    def accepted(self, order: Order, task_id: str) -> None:
        """A submit was answered, for the first time or again."""
        if order.id not in (None, task_id):
            self.blame("keys forgotten", f"{order.prompt}: {order.id}, under the same key later {task_id}")
        order.id = order.id or task_id

    def observed(self, asked: Iterable[Order], found: dict[str, dict[str, Any]]) -> None:
        """Tasks were asked for: all are there, and an end that was seen once stays as it was."""
        for order in asked:
            task = found.get(str(order.id))
            if order.dropped:
                if task is not None and order.gone:
                    self.blame("back from the dead", f"{order.id} was deleted")
            elif task is None:
                self.blame("lost", f"{order.id}: {order.prompt}")
            elif order.end is not None:
                if task != order.end:
                    self.blame("changed", f"{order.id}: {order.end} has become {task}")
            elif task["state"] in ENDS:
                order.end = task

    def listed(self, tasks: Iterable[dict[str, Any]]) -> None:
        """All tasks were listed: each submit has made one."""
        by_prompt = defaultdict(set)
        for task in tasks:
            by_prompt[task["prompt"]].add(task["id"])
        for prompt, ids in by_prompt.items():
            if len(ids) > 1:
                self.blame("doubled", f"{prompt}: {sorted(ids)}")

    def ends(self) -> Counter[str]:
        """Count the ends that were seen."""
        return Counter(str(order.end["state"]) for order in self.known if order.end is not None)
