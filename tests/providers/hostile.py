"""A provider that keeps nobody's promises: what it does to a task is said in the task's prompt.

It speaks the tasks of AceData and of the gateway, and counts every submit it has accepted.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from filmgate.adapters.engines.scripted.clip import clip
from tests.support.listening import listening

_ODD: dict[str, Any] = {
    "empty": b"",
    "html": b"<html>Bad gateway</html>",
    "null": b"null",
    "envelope": {"code": "upstream_timeout", "message": "The upstream did not answer in time.", "data": None},
    "number": {"code": 500, "message": "Odd.", "data": None},
    "error": {"success": False, "error": {"code": "strange", "message": "Odd."}},
    "list": {"errors": [{"code": "strange", "message": "Odd."}]},
    "text": "accepted",
    "noid": {"id": "", "state": "pending"},
}
"""What a provider may say after it has accepted a task, by the trick `body`; `odd` is the status."""

_TRICK = re.compile(r"\[(?P<name>[\w-]+)(=(?P<value>[\w.]+))?\]")


class Upstream:
    """A task as the provider knows it."""

    def __init__(self, request: dict[str, Any], tricks: dict[str, str]) -> None:
        self.id = str(uuid.uuid4())
        self.request = request
        self.tricks = tricks
        self.made = time.time()
        self.looks = 0


class Hostile:
    """The server. `submits` counts requests to make something by prompt, `accepted` those it has taken."""

    def __init__(self) -> None:
        self.submits: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.queries: Counter[int] = Counter()
        self.times: dict[str, list[float]] = {}
        self.tasks: dict[str, Upstream] = {}
        self.deleted: list[str] = []
        self.down = False
        self.lock = threading.Lock()
        self.clip = clip(320, 240, 49)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, prompt: str, request: dict[str, Any]) -> tuple[int, dict[str, str], Upstream | None]:
        """Count a submit and decide about it: the status, the headers, and the task if it is accepted."""
        tricks = {found["name"]: found["value"] or "" for found in _TRICK.finditer(prompt)}
        with self.lock:
            self.submits[prompt] += 1
            self.times.setdefault(prompt, []).append(time.monotonic())
            if self.down:
                return 503, {}, None
            if "busy" in tricks and self.submits[prompt] <= int(tricks["busy"]):
                return 429, {"Retry-After": tricks.get("later", "1")}, None
            for status in ("400", "401", "403", "500", "503"):
                if status in tricks:
                    return int(status), {}, None
            self.accepted[prompt] += 1
            task = Upstream(request, tricks)
            task.id = tricks.get("id", task.id)
            self.tasks[task.id] = task
            return 200, {}, task


@contextmanager
def hostile() -> Iterator[Hostile]:
    """Run the provider for a while."""
    running = Hostile()
    with listening(running.server):
        yield running


def _ace(provider: Hostile, task: Upstream) -> dict[str, Any] | None:
    """Write a task as AceData would on a good day, and on its bad ones."""
    task.looks += 1
    tricks = task.tricks
    body: dict[str, Any] = {"id": task.id, "created_at": task.made, "request": task.request}
    if "missing" in tricks and task.looks <= int(tricks["missing"]):
        return None
    if "never" in tricks:
        return body | {"response": {"task_id": task.id, "state": "processing"}}
    if "words" in tricks and task.looks <= 2:
        return body | {"state": "levitating", "response": {"task_id": task.id, "state": "levitating"}}
    if "nulls" in tricks and task.looks <= 2:
        return {"id": task.id, "request": None, "response": None, "created_at": None}
    if "fails" in tricks:
        error = {"code": "api_error", "message": "It does not work."}
        return body | {"state": "failed", "response": {"success": False, "task_id": task.id, "error": error}}
    done = {"success": True, "task_id": task.id, "state": "completed", "video_id": str(uuid.uuid4())}
    if "nofile" not in tricks:
        done["video_url"] = f"{provider.url}/files/{task.id}.mp4"
    return body | {"state": "completed", "response": done, "finished_at": time.time()}


def _handler(provider: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path.rstrip("/") in ("/luma/videos", "/luma/generations", "/generations"):
                self._submit(body)
            else:
                self._query(body)

        def do_GET(self) -> None:
            if self.path.startswith("/files/"):
                self._file(provider.tasks[Path(self.path).stem])
            else:
                task = provider.tasks.get(self.path.rpartition("/")[2])
                self._say(*((404, {"error": {"message": "no"}}) if task is None else (200, self._gateway(task))))

        def _submit(self, body: dict[str, Any]) -> None:
            status, headers, task = provider.take(body.get("prompt") or body.get("user_prompt") or "", body)
            if task is None:
                code = {403: "forbidden", 400: "bad_request"}.get(status, "api_error")
                self._say(status, {"success": False, "error": {"code": code, "message": f"no: {status}"}}, headers)
            elif "drop" in task.tricks:
                self.close_connection = True
            elif "garbage" in task.tricks:
                self._say(200, b"<html>accepted, perhaps</html>")
            elif "odd" in task.tricks:
                self._say(int(task.tricks["odd"]), _ODD[task.tricks.get("body", "empty")])
            elif "late500" in task.tricks:
                self._say(500, {"success": False, "error": {"code": "api_error", "message": "oops"}})
            else:
                self._say(200, {"success": True, "task_id": task.id, "id": task.id, "state": "pending"})

        def _query(self, body: dict[str, Any]) -> None:
            with provider.lock:
                provider.queries[len(body.get("ids") or [1])] += 1
                wanted = body.get("ids") or ([body["id"]] if "id" in body else list(provider.tasks))
                written = [_ace(provider, provider.tasks[each]) for each in wanted if each in provider.tasks]
            items = [each for each in written if each is not None]
            if body.get("action") == "retrieve_batch":
                self._say(200, {"items": items, "count": len(items)})
            else:
                self._say(*((200, items[0]) if items else (404, {"error": {"code": "not_found", "message": "no"}})))

        def _gateway(self, task: Upstream) -> dict[str, Any]:
            done = {"url": f"{provider.url}/files/{task.id}.mp4", "download_url": f"{provider.url}/files/{task.id}.mp4"}
            return {"id": task.id, "state": "completed", "video": done, "created_at": "0001-01-01T00:00:00Z"}

        def _file(self, task: Upstream) -> None:
            if "gone" in task.tricks:
                self._say(404, {"error": "the link has run out"})
            elif "truncated" in task.tricks:
                self._say(200, provider.clip[: len(provider.clip) // 2], {"Content-Type": "video/mp4"})
            elif "broken" in task.tricks and "range" not in self.headers:
                self._broken()
            else:
                self._part()

        def _broken(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(provider.clip)))
            self.send_header("ETag", '"the-clip"')
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            self.wfile.write(provider.clip[:1000])
            self.close_connection = True

        def _part(self) -> None:
            start = int((self.headers.get("range") or "bytes=0-")[6:].partition("-")[0])
            size = len(provider.clip)
            headers = {"ETag": '"the-clip"', "Accept-Ranges": "bytes", "Content-Type": "video/mp4"}
            if start:
                headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            self._say(206 if start else 200, provider.clip[start:], headers)

        def _say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    return Handler
