"""What is looked at when a service has come to rest: everything that its client or its disk can tell."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from standardwebhooks import Webhook, WebhookVerificationError

from tests.kill.history import ENDS, History, Order
from tests.service.receiver import Receiver
from tests.support.clips import play
from tests.support.processes import until
from tests.support.service import RunningService


def tasks(history: History, http: httpx2.Client) -> None:
    """Each submit has made one task, deleted ones answer 404, and uploads are there."""
    history.listed(_all_tasks(http))
    for order in history.orders:
        if order.gone and order.id and http.get(f"/api/v1/tasks/{order.id}").status_code != 404:
            history.blame("back from the dead", order.id)
    for file_id in history.uploads:
        if (answer := http.get(f"/agents/v1/files/{file_id}")).status_code != 200:
            history.blame("lost", f"upload {file_id}: {answer.status_code}")


def _all_tasks(http: httpx2.Client) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := http.get("/api/v1/tasks", params={"limit": 100, "offset": offset, "newest": "false"}).json()["tasks"]:
        yield from page
        offset += len(page)


def take(history: History, hooks: Receiver, secrets: list[str]) -> None:
    """Read the callbacks that have come, soon enough: a signature is good for five minutes."""
    while not hooks.posts.empty():
        post = hooks.posts.get_nowait()
        if len(post.body) < int(post.headers["content-length"]):
            continue  # The process died in the middle of it; that is no callback, and it comes again.
        task = _verified(post.body, post.headers, secrets)
        if task is None or not post.headers["webhook-id"].startswith(f"msg_{task['id']}"):
            history.blame("callbacks wrong", f"{post.headers}: {post.body!r}")
        else:
            history.told[task["id"]].add(task["state"])


def callbacks(history: History, hooks: Receiver, secrets: list[str]) -> None:
    """Each end was told to whoever wanted to know, signed, and no other end was told of the same task."""

    def missing() -> list[str]:
        take(history, hooks, secrets)
        wanted = [order for order in history.known if "callback_url" in order.body and order.end is not None]
        return [str(order.id) for order in wanted if not history.told[str(order.id)] & {*ENDS}]

    try:
        # One that met the receiver at a bad moment comes again after seconds.
        until(missing, lambda left: not left, deadline=60)
    except AssertionError:
        for task_id in missing():
            history.blame("callbacks missing", task_id)
    for order in history.known:
        told = history.told[str(order.id)]
        if order.end is not None and told - {order.end["state"], "processing"}:
            history.blame("callbacks wrong", f"{order.id} is {order.end['state']}, told was {told}")


def _verified(body: bytes, headers: dict[str, str], secrets: list[str]) -> dict[str, Any] | None:
    for secret in secrets:
        try:
            task: dict[str, Any] = Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            continue
        return task
    return None


def files(history: History, http: httpx2.Client) -> None:
    """Every file of every completed task is whole: as long as promised, of the digest in its entity tag, playable."""
    played: set[str] = set()
    for order in history.known:
        if order.end is None or order.end["state"] != "completed":
            continue
        for name in ("video", "thumbnail", "last_frame"):
            file = http.get(order.end[name]["url"])
            digest = hashlib.sha256(file.content).hexdigest()
            if file.status_code != 200 or file.headers["etag"].strip('"') != digest:
                history.blame("files wrong", f"{order.id}: {name}: {file.status_code}")
            elif name == "video" and digest not in played:
                played.add(digest)
                if play(file.content).frames != 25:
                    history.blame("files wrong", f"{order.id}: has {play(file.content).frames} frames")


def made_by(running: RunningService) -> dict[str, int]:
    """Count what a provider was asked for and has not been told to forget, by prompt."""
    with httpx2.Client(base_url=running.url, headers=running.headers, timeout=20) as http:
        return Counter(task["prompt"] for task in _all_tasks(http))


def provider(history: History, running: RunningService) -> None:
    """The provider was asked once for each task, and works for nobody who has given up."""
    far = [order for order in history.orders if order.model == "far"]
    for prompt, count in made_by(running).items():
        if count > 1:
            history.blame("submits doubled", f"{prompt}: {count} times")
    unwanted = {order.prompt for order in far if order.gone or (order.cancelled and _failed(order))}
    try:
        until(lambda: unwanted & {*made_by(running)}, lambda left: not left, deadline=200)
    except AssertionError:
        for prompt in sorted(unwanted & {*made_by(running)}):
            history.blame("recalls missing", prompt)


def _failed(order: Order) -> bool:
    return order.end is not None and order.end["state"] == "failed"


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
