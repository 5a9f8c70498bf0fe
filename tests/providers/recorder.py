"""A provider that writes down what it is sent, and answers in all dialects at once, when the test lets it.

Its tasks are made when their prompt says `[done]` or the test calls `finish`; until then they are at work.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from filmgate.adapters.engines.scripted.clip import clip
from tests.providers.clients import PICTURE
from tests.support.listening import listening
from tests.support.processes import until

_QUERIES = "/luma/tasks"
_PATIENCE = 60.0


class Seen(NamedTuple):
    """A request as it came in; `json` is None for one that was no JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    json: Any


class Recorder:
    """The server. While `answering` is not set, submits are taken but not answered; the same for files and `serving`.

    While it is `down`, everything but a submit is answered with 503; while it is `deaf`, submits are cut off and
    nothing is taken. `ready` are the ids of tasks that are made.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.made: dict[str, Any] = {}
        self._bodies: dict[str, bytes] = {}
        self.ready: set[str] = set()
        self.down = self.deaf = False
        self.answering, self.serving = threading.Event(), threading.Event()
        self.answering.set()
        self.serving.set()
        self.clip = clip(320, 240, 49)
        self.server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def submits(self) -> list[Seen]:
        """The requests to make something."""
        return [each for each in self.seen if each.method == "POST" and each.path != _QUERIES]

    def discarded(self, task_id: str) -> int:
        """Count the requests to forget a task."""
        return sum(each.method == "DELETE" and each.path.endswith(f"/{task_id}") for each in self.seen)

    @property
    def lists(self) -> int:
        """Count the requests for a list of what was made."""
        return sum(each.method == "GET" and each.path == "/generations" for each in self.seen)

    def queries(self, task_id: str) -> int:
        """Count the requests about a task."""
        return sum(
            (each.method == "GET" and each.path.endswith(f"/{task_id}"))
            or (each.path == _QUERIES and task_id in each.body.decode())
            for each in self.seen
        )

    def id_of(self, prompt: str) -> str:
        """Return the id of the one task with this in its request."""
        # A submit is noted when it comes, and has a name a moment later.
        (task_id,) = until(lambda: [name for name, body in list(self._bodies.items()) if prompt.encode() in body], bool)
        return task_id

    def take(self, seen: Seen) -> str:
        """Accept a submit and give the new task's id."""
        task_id = str(uuid.uuid4())
        request = seen.json or {}
        self.made[task_id] = {"request": request, "created_at": time.time()}
        self._bodies[task_id] = seen.body
        if b"[done]" in seen.body:
            self.ready.add(task_id)
        return task_id

    def finish(self) -> None:
        """Make all tasks that were asked for so far."""
        self.ready |= self.made.keys()

    def told(self, task_id: str) -> dict[str, Any]:
        """Describe a task, in the words of all dialects."""
        done = task_id in self.ready
        state = "completed" if done else "processing"
        link = f"{self.url}/files/{task_id}.mp4"
        told = {"id": task_id, "task_id": task_id, "status": state, "state": state, **self.made[task_id]}
        files = {"video_url": link, "video_id": task_id}
        told["response"] = {"success": True, "task_id": task_id, "state": state} | (files if done else {})
        if done:
            told |= {"assets": {"video": link}, "video": {"url": link}, "output": [{"type": "video", "url": link}]}
        return told


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing of clients that have gone away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Run the provider for a while."""
    running = Recorder()
    with listening(running.server):
        try:
            yield running
        finally:
            running.answering.set()
            running.serving.set()


def _handler(provider: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen = self._noted()
            if seen.path == _QUERIES:
                self._answer_query(seen.json)
                return
            if provider.deaf:
                self.close_connection = True
                return
            task_id = provider.take(seen)
            provider.answering.wait(_PATIENCE)
            self._say(200, {"id": task_id, "task_id": task_id, "state": "queued", "status": "queued"})

        def do_GET(self) -> None:
            seen = self._noted()
            place = PurePosixPath(seen.path)
            if seen.path == "/picture.png":
                self._say(200, PICTURE, "image/png")
            elif place.parent.name == "files" or place.name == "content":
                self._file()
            elif place.name == "generations" and not provider.down:
                newest = [provider.told(task_id) for task_id in reversed(provider.made)]
                self._say(200, {"generations": newest, "has_more": False})
            elif place.name in provider.made and not provider.down:
                self._say(200, provider.told(place.name))
            else:
                self._say(503 if provider.down else 404, {"detail": "no"})

        def do_DELETE(self) -> None:
            self._noted()
            self._say(503 if provider.down else 200, {})

        def _noted(self) -> Seen:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            read = json.loads(body) if "json" in headers.get("content-type", "") else None
            seen = Seen(self.command, self.path.partition("?")[0], headers, body, read)
            provider.seen.append(seen)
            return seen

        def _answer_query(self, query: dict[str, Any]) -> None:
            wanted = query.get("ids") or ([query["id"]] if "id" in query else list(provider.made))
            items = [provider.told(each) for each in wanted if each in provider.made]
            if provider.down:
                self._say(503, {})
            elif "id" in query:
                self._say(*((200, items[0]) if items else (404, {})))
            else:
                self._say(200, {"items": items, "count": len(items)})

        def _file(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(provider.clip)))
            self.end_headers()
            self.wfile.write(provider.clip[:1_000])
            self.wfile.flush()
            provider.serving.wait(_PATIENCE)
            self.wfile.write(provider.clip[1_000:])

        def _say(self, status: int, body: Any, kind: str = "application/json") -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    return Handler
