"""Queries that wait for the end of a task."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.support.service import RunningService

from .apis import READS, UNKNOWN, form_for, form_of, message_of
from .conftest import client, submit

Start = Callable[..., RunningService]

LONG = 30
PARAMETER = "?wait={}"
WITH_OTHERS = "?x=1&wait={}"
"""The parameter alone is read by the fast path, with another one by the framework."""


def asked(http: httpx2.Client, name: str, task_id: str, how: str, seconds: str) -> httpx2.Response:
    """Query a task in a form, and say in one way how long to wait."""
    read = READS[name](task_id)
    if how == "prefer":
        return read.send(http, headers={"Prefer": f"wait={seconds}"})
    return read.send(http, how.format(seconds))


@pytest.mark.parametrize("how", [PARAMETER, "prefer"])
@pytest.mark.parametrize("name", READS)
def test_the_answer_comes_with_the_end(http: httpx2.Client, name: str, how: str):
    """A query that waits is answered when the task ends, in every form; whose preference that was is told so."""
    task_id = submit(http, "[hang]")
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, http, name, task_id, how, str(LONG))
        assert http.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 200
        answer = waiting.result(LONG)
    assert answer.status_code == 200
    assert "fail" in answer.text
    assert time.monotonic() - start < LONG
    assert answer.headers.get("Preference-Applied") == ("wait" if how == "prefer" else None)
    assert answer.text == READS[name](task_id).send(http).text


@pytest.mark.parametrize("how", [PARAMETER, "prefer"])
@pytest.mark.parametrize("name", READS)
def test_the_time_is_up(http: httpx2.Client, name: str, how: str):
    """When the time is up the answer is the state of then, with 200."""
    task_id = submit(http, "[hang]")
    start = time.monotonic()
    answer = asked(http, name, task_id, how, "0.3")
    assert (answer.status_code, time.monotonic() - start >= 0.3) == (200, True)
    assert asked(http, name, task_id, how, "0").status_code == 200
    http.delete(f"/api/v1/tasks/{task_id}")


@pytest.mark.parametrize("name", READS)
def test_what_cannot_be_waited_for(http: httpx2.Client, name: str):
    """An unknown task is answered at once, and what is no number of seconds is refused, each in the dialect's form."""
    for how in (PARAMETER, WITH_OTHERS, "prefer"):
        unknown = asked(http, name, UNKNOWN, how, str(LONG))
        assert (unknown.status_code, form_of(unknown)) == (404, form_for(name))
        for wrong in ("51", "soon", "-1"):
            refused = asked(http, name, UNKNOWN, how, wrong)
            assert (refused.status_code, form_of(refused)) == (400, form_for(name))
            assert "wait must be 0 to 50 seconds" in message_of(refused)


def test_a_deleted_task_is_waited_for_no_longer(http: httpx2.Client):
    """Who waits for a task that is deleted gets the 404."""
    task_id = submit(http, "[hang]")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asked, http, "gateway", task_id, PARAMETER, str(LONG))
        while http.delete(f"/api/v1/tasks/{task_id}").status_code != 204:
            pass
        assert waiting.result(LONG).status_code == 404


def test_a_service_that_stops_answers(start_service: Start):
    """Who waits when the service stops is answered with the state of then."""
    service = start_service(grace="1")
    with client(service) as http, ThreadPoolExecutor(1) as pool:
        task_id = submit(http, "[hang]")
        waiting = pool.submit(asked, http, "openai_videos", task_id, "prefer", str(LONG))
        assert http.get("/healthz").status_code == 200
        assert service.stop() == 0
        assert waiting.result(10).status_code == 200
