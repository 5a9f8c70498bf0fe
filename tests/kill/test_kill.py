"""The process may die at any moment: nothing accepted is lost, nothing ends twice, no child is left behind."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

import httpx2
import pytest

from tests.support.clips import play
from tests.support.processes import of_session, orphans, until
from tests.support.service import RunningService

SCRIPTED = 66
STUDIO = 6
KILLS = 20


@pytest.mark.timeout(600)
def test_twenty_kills_lose_nothing(start_service: Callable[..., RunningService]) -> None:
    """Every task that was accepted between twenty kills is completed once, and its file plays."""
    chance = random.Random(20)  # the moments are random, and the same in every run
    service = start_service(max_unfinished="0")
    accepted: dict[str, str] = {}
    ends: dict[str, dict[str, object]] = {}
    sessions = []
    orders = [f"wave {number} [delay={chance.uniform(0, 3):.2f}] [steps=5]" for number in range(SCRIPTED)]
    studio = [f"ocean number {number}" for number in range(STUDIO)]
    for kill in range(KILLS):
        assert service.process is not None
        sessions.append(service.process.pid)
        share = [("ray-v2", orders.pop()) for _ in range(min(len(orders), 4))]
        share += [("studio", studio.pop())] if studio and kill % 3 == 0 else []
        sender = threading.Thread(target=_submit, args=(service.url, service.headers, share, accepted, orders, studio))
        sender.start()
        time.sleep(chance.uniform(0.0, 1.2))  # not a wait for anything: the moment of the kill
        if chance.random() < 0.5:
            service.stop(signal.SIGKILL)
        else:
            service.kill_group()
        sender.join(30)
        assert not sender.is_alive()
        service.start()
        _remember_ends(service, accepted, ends)
    _submit(
        service.url,
        service.headers,
        [("ray-v2", order) for order in orders] + [("studio", order) for order in studio],
        accepted,
        [],
        [],
    )
    assert sum(model == "ray-v2" for model in accepted.values()) >= 60
    assert sum(model == "studio" for model in accepted.values()) >= 6

    def unfinished() -> list[str]:
        _remember_ends(service, accepted, ends)
        return [task_id for task_id in accepted if task_id not in ends]

    until(unfinished, lambda left: not left, deadline=300)
    assert {task_id: end["state"] for task_id, end in ends.items()} == dict.fromkeys(accepted, "completed")
    played: dict[str, object] = {}
    for task_id, end in ends.items():
        video = httpx2.get(end["video"]["url"])  # type: ignore[index]
        assert video.status_code == 200, task_id
        etag = video.headers["etag"]
        if etag not in played:
            played[etag] = play(video.content)
        frames = 121 if accepted[task_id] == "ray-v2" else 25
        assert played[etag].frames == frames, task_id  # type: ignore[attr-defined]
    for session in sessions:
        until(lambda session=session: of_session(session), lambda left: not left, deadline=10)  # type: ignore[misc]
    last = service.process.pid  # type: ignore[union-attr]
    assert service.stop() == 0
    until(lambda: of_session(last), lambda left: not left, deadline=10)
    until(orphans, lambda left: not left, deadline=10)


def _submit(
    url: str,
    headers: dict[str, str],
    share: list[tuple[str, str]],
    accepted: dict[str, str],
    orders: list[str],
    studio: list[str],
) -> None:
    """Submit a share; what the service did not answer for goes back to be submitted again."""
    while share:
        model, prompt = share.pop()
        body = {"user_prompt": prompt, "model_name": model}
        if model == "studio":
            body |= {"duration": "1s", "resolution": "540p"}
        try:
            answer = httpx2.post(f"{url}/luma/generations", json=body, headers=headers, timeout=20)
        except httpx2.TransportError:
            (orders if model == "ray-v2" else studio).append(prompt)
            continue
        assert answer.status_code == 200, answer.text
        accepted[answer.json()["id"]] = model


def _remember_ends(service: RunningService, accepted: dict[str, str], ends: dict[str, dict[str, object]]) -> None:
    """Ask for all accepted tasks: all are there, and an end that was seen once stays as it was."""
    ids = list(accepted)
    found = {}
    for start in range(0, len(ids), 100):
        answer = httpx2.post(
            f"{service.url}/luma/tasks", json={"ids": ids[start : start + 100]}, headers=service.headers, timeout=20
        )
        assert answer.status_code == 200, answer.text
        found.update({task["id"]: task for task in answer.json()})
    assert set(found) == set(ids)
    for task_id, task in found.items():
        if task_id in ends:
            assert task == ends[task_id], "an end that was seen has changed"
        elif task["state"] in ("completed", "failed"):
            ends[task_id] = task
