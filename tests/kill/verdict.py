"""What is looked at when a service has come to rest: everything that its clients, its provider or its disk can tell."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from standardwebhooks import Webhook, WebhookVerificationError

from tests.kill import tricks
from tests.kill.clients import Client
from tests.kill.history import ENDS, History
from tests.kill.wirelog import Wire
from tests.service.receiver import Answer, Post, Receiver
from tests.support.clips import play
from tests.support.processes import until


class Webhooks(Receiver):
    """A receiver that fails now and then, so that webhooks are delivered again."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self.calm = False
        """Whether it takes everything."""

    def answer(self, post: Post) -> Answer:
        """Report that it has arrived, or not, or nothing."""
        del post
        return Answer(200 if self.calm else self._chance.choices((200, 500, None), (30, 1, 1))[0])


def tasks(history: History, client: Client) -> None:
    """Each request has made one task, deleted ones answer 404, and uploads are there."""
    app = client.app.name
    listed = list(_all(client.http, "/api/v1/tasks", "tasks"))
    history.listed(app, listed)
    history.codes |= {task["id"]: _code(task) for task in listed}
    prompts = {task["prompt"] for task in listed}
    for order in history.of(app):
        if order.given_up and order.prompt in prompts:
            history.blame("changed", f"{order.prompt}: was not there after the crash, and is now")
        if order.gone and order.id and client.http.get(f"/api/v1/tasks/{order.id}").status_code != 404:
            history.blame("back from the dead", order.id)
    for file_id in () if client.app.fades else history.uploads[app]:
        if (answer := client.http.get(f"/agents/v1/files/{file_id}")).status_code != 200:
            history.blame("lost", f"upload {file_id}: {answer.status_code}")


def _code(task: dict[str, Any]) -> str:
    return "completed" if task["state"] == "completed" else str((task.get("failure") or {}).get("code"))


def _all(http: httpx2.Client, path: str, name: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := http.get(path, params={"limit": 100, "offset": offset, "newest": "false"}).json()[name]:
        yield from page
        offset += len(page)


def ends(history: History) -> None:
    """Each task has ended as was said in its prompt, or by its owner's doing."""
    for order in history.known():
        if order.end is None:
            continue
        if order.model in tricks.ACCOUNTS and not order.imported:
            expected = tricks.allowed(order.model, order.prompt)
        elif order.imported:
            expected = {"completed"} if "[end=done]" in order.prompt else {"generation_failed"}
        else:
            expected = {"expired"} if order.model == "hasty" else {"completed"}
            expected = {"generation_failed"} if "[fail=" in order.prompt else expected
        code = history.codes.get(str(order.id))
        if code not in expected | ({"cancelled"} if order.cancelled else set()):
            history.blame("ends wrong", f"{order.id}: {order.prompt}: {code}: {order.end.get('failure_reason')}")


def take(history: History, hooks: Webhooks, secrets: dict[str, list[str]]) -> None:
    """Read the webhooks that have come, soon enough: a signature is good for five minutes."""
    while not hooks.posts.empty():
        post = hooks.posts.get_nowait()
        if len(post.body) < int(post.headers["content-length"]):
            continue  # The process died in the middle of it; that is no webhook, and it comes again.
        app = post.path.rpartition("/")[2]
        task = _verified(post.body, post.headers, secrets[app])
        if task is None or app not in {order.app for order in history.orders if order.id in (None, task["id"])}:
            history.blame("webhooks wrong", f"{post.headers}: {post.body!r}")
        else:
            history.events[task["id"]][post.headers["webhook-id"]].add(task["state"])


def _verified(body: bytes, headers: dict[str, str], secrets: list[str]) -> dict[str, Any] | None:
    for secret in secrets:
        try:
            task: dict[str, Any] = Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            continue
        return task
    return None


def webhooks(history: History, client: Client) -> None:
    """Each end was told, under one id that the log knows, and no other end was told of the same task."""
    logged = {each["id"]: each for each in _all(client.http, "/api/v1/webhooks", "webhooks")}
    for order in history.known(client.app.name):
        events = history.events.get(str(order.id), {})
        states = [state for told in events.values() for state in told]
        if len(states) != len(set(states)) or any(len(told) > 1 for told in events.values()):
            history.blame("webhook ids wrong", f"{order.id}: {dict(events)}")
        if unknown := events.keys() - logged.keys():
            history.blame("webhook ids wrong", f"{order.id}: the log does not know {unknown}")
        if order.end is not None and {*states} - {order.end["state"], "processing"}:
            history.blame("webhooks wrong", f"{order.id} is {order.end['state']}, told was {states}")


def untold(history: History) -> list[str]:
    """Return the tasks whose owner does not know of their end yet."""
    return [
        str(order.id) for order in history.known()
        if "callback_url" in order.body and order.end is not None
        and not any(told & {*ENDS} for told in history.events.get(str(order.id), {}).values())
    ]  # fmt: skip


def files(history: History, client: Client) -> None:
    """Every file of every completed task is whole: as long as promised, of the digest in its entity tag, playable."""
    played: set[str] = set()
    for order in history.known(client.app.name):
        if order.end is None or order.end["state"] != "completed":
            continue
        now = order.end
        if client.app.fades:
            (now,) = client.http.post("/luma/tasks", json={"ids": [order.id]}).json()
        for name in ("video", "thumbnail", "last_frame"):
            if client.app.fades and not now.get(name):
                continue
            file = client.http.get(now[name]["url"])
            digest = hashlib.sha256(file.content).hexdigest()
            if client.app.fades and file.status_code == 404:
                continue
            if file.status_code != 200 or file.headers["etag"].strip('"') != digest:
                history.blame("files wrong", f"{order.id}: {name}: {file.status_code}")
            elif name == "video" and digest not in played:
                played.add(digest)
                if play(file.content).frames != 25:
                    history.blame("files wrong", f"{order.id}: has {play(file.content).frames} frames")


def at_the_wire(history: History, wire: Wire) -> dict[str, int]:
    """Each task was paid for once at most, whatever was asked of whom; and nothing was that is no task.

    Returns what the provider has counted.
    """
    orders = {order.prompt: order for order in history.orders if not order.imported}
    total: Counter[str] = Counter()
    for prompt, submits in wire.submits().items():
        order = orders.get(prompt)
        if submits.charged > 1 or len(submits.jobs) > 1:
            what = f"{prompt}: {submits.charged} submits, jobs {submits.jobs}"
            # The first one was there before the second was sent, or both were from one process.
            unknown = tricks.marks(prompt).get("answer") not in ("plain", "slow")
            history.blame("unknown outcomes repeated" if unknown else "submits at the wire doubled", what)
        if order is None or (order.id is None and submits.charged):
            history.blame("jobs without a task", prompt)
        total["submits at the wire"] += submits.charged
        total["tasks at the wire"] += submits.charged > 0
        total["requests at the wire"] += len(submits.received)
    return dict(total)


def recalls(history: History, wire: Wire, patience: float) -> None:
    """The provider works for nobody who has given up, where it can be told."""

    def missing() -> list[str]:
        submits = wire.submits()
        return [
            order.prompt for order in history.orders
            if order.model in ("marked", "keyed") and not order.imported and "[list=never]" not in order.prompt
            and (order.gone or history.codes.get(str(order.id)) == "cancelled") and order.prompt in submits
            and not {*submits[order.prompt].jobs} <= wire.deleted
        ]  # fmt: skip

    try:
        until(missing, lambda left: not left, deadline=patience)
    except AssertionError:
        for prompt in missing():
            history.blame("recalls missing", prompt)


def imports(history: History) -> None:
    """A job that was imported belongs to one application."""
    owners = Counter(order.wanted for order in history.orders if order.imported and order.id is not None)
    for job_id, count in owners.items():
        if count > 1:
            history.blame("imports wrong", f"{job_id} was imported by both applications")


def log(history: History, path: Path) -> None:
    """Nothing has broken in a way that nobody expected."""
    for line in path.read_text().splitlines():
        if "Traceback" in line:
            history.blame("tracebacks", line[:2000])


def store(history: History, data: Path) -> None:
    """Every file in the store belongs to a row, and every row has its file."""

    def strangers() -> set[str]:
        with sqlite3.connect(f"file:{data}/filmgate.db?mode=ro", uri=True) as ledger:
            rows = {str(row[0]) for row in ledger.execute("SELECT key FROM media")}
        ledger.close()
        root = data / "media"
        found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        empty = {
            path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())
        }
        return (rows ^ found) | empty

    try:
        until(strangers, lambda left: not left, deadline=30)
    except AssertionError:
        for key in sorted(strangers()):
            history.blame("files left over", key)
