"""Files behind their links: whole and in parts, for whoever has the link, as long as the task is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.support.clips import play
from tests.support.files import files_below
from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import client, dialled, ended, exchange, submit


class File(NamedTuple):
    """A stored file: its link, and what a plain GET gave."""

    url: str
    data: bytes
    etag: str


@pytest.fixture(scope="module")
def task(service: RunningService) -> dict[str, Any]:
    """A completed task."""
    with client(service) as http:
        return ended(http, submit(http))


@pytest.fixture(scope="module")
def anybody() -> Iterator[httpx2.Client]:
    """A client without a key."""
    with httpx2.Client(timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def video(task: dict[str, Any], anybody: httpx2.Client) -> File:
    """Its video."""
    answer = anybody.get(task["video"]["url"])
    return File(task["video"]["url"], answer.content, answer.headers["ETag"])


def test_whole_files(task: dict[str, Any], anybody: httpx2.Client):
    """Each file of a task is served whole, with a type we gave it and with everything that keeps it harmless."""
    links = {task["video"]["url"]: "video/mp4", task["thumbnail"]: "image/jpeg", task["last_frame"]: "image/jpeg"}
    for url, kind in links.items():
        answer = anybody.get(url)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == kind
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["Content-Disposition"].startswith("inline; filename=")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "private" in answer.headers["Cache-Control"]
        assert answer.headers["ETag"].strip('"').isalnum()
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert play(anybody.get(task["video"]["url"]).content).frames == task["video"]["frames"] == 25
    assert len({url.split("/")[-2] for url in links}) == 3, "each file has a token of its own"
    assert all(task["id"] not in url for url in links)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"If-None-Match": "*"}])
def test_head_is_get_without_a_body(video: File, anybody: httpx2.Client, headers: dict[str, str]):
    """HEAD has the headers of a GET, and does not know ranges."""
    got = anybody.get(video.url, headers={name: value for name, value in headers.items() if name != "Range"})
    looked = anybody.head(video.url, headers=headers)
    own = {"date", "x-trace-id", "x-request-id"}
    assert looked.content == b""
    assert looked.status_code == got.status_code
    assert {k: v for k, v in looked.headers.items() if k not in own} == {
        k: v for k, v in got.headers.items() if k not in own
    }


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-199", 100, 200),
        ("bytes=-1", -1, None),
        ("bytes=-50", -50, None),
        ("bytes=1000-", 1000, None),
        ("bytes=0-", 0, None),
        ("bytes=10-999999999999", 10, None),
        ("bytes=-999999999999", 0, None),
        ("Bytes=5-6", 5, 7),
    ],
)
def test_parts(video: File, anybody: httpx2.Client, wanted: str, start: int, stop: int | None):
    """A range is answered with exactly these bytes and says where they lie."""
    answer = anybody.get(video.url, headers={"Range": wanted})
    part = video.data[start:stop]
    assert answer.status_code == 206
    assert answer.content == part
    first = len(video.data) + start if start < 0 else start
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(video.data)}"
    assert answer.headers["Content-Length"] == str(len(part))
    assert answer.headers["ETag"] == video.etag


def test_parts_make_the_whole(video: File, anybody: httpx2.Client):
    """A player that fetches piece by piece has the file in the end."""
    size, pieces = 1000, []
    for start in range(0, len(video.data), size):
        pieces.append(anybody.get(video.url, headers={"Range": f"bytes={start}-{start + size - 1}"}).content)
    assert b"".join(pieces) == video.data


@pytest.mark.parametrize("first", [0, 1])
def test_parts_that_are_not_there(video: File, anybody: httpx2.Client, first: int):
    """A range behind the end cannot be satisfied; the answer tells the size."""
    size = len(video.data)
    for wanted in (f"bytes={size + first}-", f"bytes={size + first}-{size + 5}", "bytes=-0", "bytes=999999999999-"):
        answer = anybody.get(video.url, headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (416, b"")
        assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "lines=0-5",
        "bytes=",
        "0-5",
        "bytes=0-1;x",
        "bytes=" + "9" * 500,
    ],
)
def test_ranges_that_are_ignored(video: File, anybody: httpx2.Client, wanted: str):
    """Several ranges at once, and what is no range, are answered with the whole file."""
    answer = anybody.get(video.url, headers={"Range": wanted})
    assert answer.status_code == 200
    assert answer.content == video.data


def test_conditions(video: File, anybody: httpx2.Client):
    """Who has the file gets no second copy; who has an older one gets the whole new one."""
    for tags in (video.etag, f'"x", {video.etag}', f"W/{video.etag}", "*"):
        answer = anybody.get(video.url, headers={"If-None-Match": tags})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == video.etag
    assert anybody.get(video.url, headers={"If-None-Match": '"x"'}).status_code == 200
    part = {"Range": "bytes=0-9"}
    assert anybody.get(video.url, headers={**part, "If-Range": video.etag}).content == video.data[:10]
    for other in ('"x"', f"W/{video.etag}", "Sat, 21 Nov 2026 00:00:00 GMT"):
        answer = anybody.get(video.url, headers={**part, "If-Range": other})
        assert (answer.status_code, answer.content) == (200, video.data)


def test_links_that_are_none(task: dict[str, Any], anybody: httpx2.Client, service: RunningService):
    """Only the exact link is good: no other name, no other token, no way out of the folder."""
    token, name = task["video"]["url"].split("/")[-2:]
    thumbnail = task["thumbnail"].split("/")[-2]
    for path in (
        f"/media/{token}/last_frame.jpg",
        f"/media/{thumbnail}/{name}",
        f"/media/{token[:-1]}/{name}",
        f"/media/{token}x/{name}",
        f"/media/{token.swapcase()}/{name}",
        f"/media/{task['id']}/{name}",
        f"/media/{token}/{name}/",
        f"/media/{token}/",
        f"/media/{token}",
        "/media/",
        f"/media/{token}/%00",
        f"/media/%00/{name}",
        f"/media/{token}/..%2f{name}",
        f"/media/%2e%2e/{name}",
        "/media/..%2f..%2ffilmgate.db",
        "/media/%2e%2e%2ffirst-key/x",
        f"/media/{token}/%2e%2e/%2e%2e/first-key",
    ):
        for method in ("GET", "HEAD"):
            answer = anybody.request(method, service.url + path)
            assert answer.status_code == 404, path
    for path in (f"/media/{token}/../../first-key", "/media/../first-key", "/media/../../../../etc/passwd"):
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert exchange(service, request.encode()).startswith(b"HTTP/1.1 404")


def test_only_reading(video: File, anybody: httpx2.Client):
    """A link is good for nothing but reading."""
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = anybody.request(method, video.url)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) <= {"GET", "HEAD"}


def test_a_deleted_task_leaves_nothing(http: httpx2.Client, anybody: httpx2.Client, service: RunningService):
    """With the task its links are dead at once and its files soon gone from the disk."""
    task = ended(http, submit(http))
    links = (task["video"]["url"], task["thumbnail"], task["last_frame"])
    assert [anybody.get(url).status_code for url in links] == [200] * 3
    assert files(service, task["id"])
    assert http.delete(f"/api/v1/tasks/{task['id']}").status_code == 204
    for url in links:
        assert anybody.get(url).status_code == 404
        assert anybody.head(url).status_code == 404
        assert anybody.get(url, headers={"If-None-Match": "*"}).status_code == 404
        assert anybody.get(url, headers={"Range": "bytes=0-0"}).status_code == 404
    until(lambda: files(service, task["id"]), lambda left: not left, deadline=10)


def test_a_lost_file_is_honest(http: httpx2.Client, anybody: httpx2.Client, service: RunningService):
    """A file that somebody took away from the disk is a 404, also for HEAD, and not a broken answer."""
    task = ended(http, submit(http))
    for path in files(service, task["id"]):
        (service.data / "media" / path).unlink()
    for method in ("GET", "HEAD"):
        assert anybody.request(method, task["video"]["url"]).status_code == 404
    assert http.delete(f"/api/v1/tasks/{task['id']}").status_code == 204


def test_a_reader_that_goes_away(video: File, service: RunningService, http: httpx2.Client):
    """Who stops reading in the middle leaves no trouble behind."""
    path = video.url.removeprefix(service.url)
    for _ in range(5):
        with dialled(service) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.recv(1)
    assert http.get("/healthz").status_code == 200


def test_pages_may_read(limited: RunningService, video: File, anybody: httpx2.Client):
    """A page from anywhere may read a link, in parts too, without credentials, and may see why it cannot."""
    page = {"Origin": "https://films.example"}
    stale = video.url.replace("/media/", "/media/x")
    answers = {
        200: anybody.get(video.url, headers=page),
        206: anybody.get(video.url, headers=page | {"Range": "bytes=0-9"}),
        304: anybody.get(video.url, headers=page | {"If-None-Match": "*"}),
        400: anybody.get(video.url, headers=page | {"Host": "evil.example"}),
        404: anybody.get(stale, headers=page),
        405: anybody.put(video.url, headers=page),
        416: anybody.get(video.url, headers=page | {"Range": f"bytes={len(video.data)}-"}),
        413: anybody.request("GET", f"{limited.url}/media/x/y", headers=page, content=b"x" * 5000),
        **{(found := anybody.head(f"{limited.url}/media/x/y", headers=page)).status_code: found for _ in range(8)},
    }
    assert 429 in answers
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        shown = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert {"Content-Range", "Accept-Ranges", "Content-Length", "ETag", "Retry-After", "X-Trace-Id"} <= shown
    assert answers[200].headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("headers", ["range", "range, if-range, x-mine", None])
def test_pages_may_ask_first(video: File, anybody: httpx2.Client, headers: str | None):
    """A preflight of a link is answered, whether or not there is such a file, and allows reading alone."""
    asking = {"Origin": "https://films.example", "Access-Control-Request-Method": "GET"}
    asking |= {"Access-Control-Request-Private-Network": "true"}
    asking |= {"Access-Control-Request-Headers": headers} if headers else {}
    for url in (video.url, video.url.replace("/media/", "/media/x")):
        answer = anybody.options(url, headers=asking)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
        allowed = answer.headers["Access-Control-Allow-Headers"]
        assert allowed == headers if headers else "Range" in allowed
        assert "Access-Control-Allow-Private-Network" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers


def files(service: RunningService, task_id: str) -> list[str]:
    """List what lies on the disk for a task."""
    media = service.data / "media"
    return [str(path.relative_to(media)) for path in files_below(media) if task_id in str(path)]
