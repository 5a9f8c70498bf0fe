"""HEAD: wherever a GET is served, with its headers, and without what a GET would wait for, read or hold."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.service import RunningService

from .apis import READS, UNKNOWN
from .conftest import client, ended, exchange, new_key, submit
from .probes import ID, PROBES
from .test_service_media import files

STREAMS = ("GET /api/v1/events", "GET /api/v1/tasks/{task_id}/events")
VARYING = {"date", "x-trace-id", "x-request-id", "ratelimit-remaining", "x-ratelimit-remaining", "ratelimit-reset"}
PATHS = sorted({probe.path for route in PROBES if route not in STREAMS for probe in PROBES[route]})
"""Of every route, so that there are methods that a path does not know, too."""


@pytest.fixture(scope="module")
def task(service: RunningService) -> dict[str, Any]:
    """A completed task."""
    with client(service) as http:
        return ended(http, submit(http))


def lines(answer: httpx2.Response, *but: str) -> dict[str, str]:
    """Return the headers that two answers to the same request have alike."""
    return {name: value for name, value in answer.headers.items() if name not in VARYING | set(but)}


@pytest.mark.parametrize("path", [*PATHS, "/docs/assets/swagger-ui.css", "/nothing"])
@pytest.mark.parametrize("known", [True, False])
def test_head_is_a_get_without_its_body(http: httpx2.Client, task: dict[str, Any], path: str, known: bool):
    """On every path, good or bad, HEAD has the status and headers of a GET."""
    path = path.replace(ID, task["id"] if known else UNKNOWN)
    got, looked = http.get(path), http.head(path)
    assert looked.content == b""
    assert looked.status_code == got.status_code
    live = ("content-length",) if path.startswith("/metrics") else ()  # its numbers have more digits by now
    assert lines(looked, *live) == lines(got, *live)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("more", ["", "&x=1"])
def test_nothing_is_waited_for(http: httpx2.Client, name: str, more: str):
    """A HEAD that asks for the longest wait is answered at once, on the lane and in the framework."""
    if READS[name](UNKNOWN).method != "GET":
        pytest.skip("this query is a POST")
    task_id = submit(http, "[hang]")
    path = READS[name](task_id).path
    for query, headers in ((f"?wait=50{more}", {}), (f"?{more}", {"Prefer": "wait=50"})):
        answer = http.head(path + query, headers=headers, timeout=20)
        assert answer.status_code == 200
        assert answer.headers.get("Preference-Applied") == ("wait" if headers else None)
        assert int(answer.headers["Content-Length"]) > 0
    assert http.head(f"{path}?wait=51{more}").status_code == 400
    assert http.get(f"/api/v1/tasks/{task_id}").json()["state"] in ("pending", "processing")
    http.post(f"/api/v1/tasks/{task_id}/cancel")


def test_no_stream_is_held(service: RunningService, http: httpx2.Client, application: str):
    """A HEAD of a stream ends at once, and is none of the streams that a key may have open."""
    with client(service, new_key(service, application)) as tenant:
        task_id = submit(tenant, "[hang]")
        for path in ("/api/v1/events", f"/api/v1/tasks/{task_id}/events"):
            with tenant.stream("GET", path) as got:
                expected = lines(got, "transfer-encoding")
            for _ in range(120):
                answer = tenant.head(path, timeout=20)
                assert answer.status_code == 200
            assert lines(answer) == expected
        assert tenant.head(f"/api/v1/tasks/{UNKNOWN}/events").status_code == 404
        tenant.post(f"/api/v1/tasks/{task_id}/cancel")
    assert httpx2.head(http.base_url.join("/api/v1/events")).status_code == 401


def test_no_file_is_read(service: RunningService, http: httpx2.Client):
    """The bytes of a file are not looked at for a HEAD: a damaged one has its length, as the ledger knows it."""
    task = ended(http, submit(http))
    paths = (task["video"]["url"].removeprefix(service.url), f"/v1/videos/{task['id']}/content")
    before = [http.get(path).headers["Content-Length"] for path in paths]
    for name in files(service, task["id"]):
        (service.data / "media" / name).write_bytes(b"damaged")
    assert [http.head(path).headers["Content-Length"] for path in paths] == before
    assert http.delete(f"/api/v1/tasks/{task['id']}").status_code == 204


def test_head_changes_nothing(http: httpx2.Client):
    """Where only a POST is served, HEAD is refused as a GET is, and no task comes of it."""
    before = http.get("/api/v1/tasks?limit=1").json()["total"]
    for path in (
        "/luma/generations",
        "/luma/videos",
        "/agents/v1/files/x/complete",
        "/mcp",
    ):
        answer = http.request("HEAD", path, json={"prompt": "x", "user_prompt": "x"})
        assert answer.status_code == 405, path
        assert answer.headers["Allow"] == http.get(path).headers["Allow"]
    assert http.put("/healthz").headers["Allow"] == "GET, HEAD"
    assert http.get("/api/v1/tasks?limit=1").json()["total"] == before


def test_nothing_follows_the_headers(service: RunningService, task: dict[str, Any]):
    """Not a byte of a body is sent, so that the connection can be used on."""
    paths = ("/healthz", "/nothing", f"/api/v1/tasks/{task['id']}", task["video"]["url"].removeprefix(service.url))
    for path in paths:
        request = f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\n"
        answers = exchange(service, f"{request}\r\n{request}Connection: close\r\n\r\n".encode())
        heads = answers.split(b"\r\n\r\n")
        assert len(heads) == 3, path
        assert heads[1].startswith(b"HTTP/1.1 "), path
        assert heads[2] == b"", path
