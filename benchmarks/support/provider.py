"""A provider that costs next to nothing: it keeps tasks, answers questions about them, and notes when it did.

It speaks the queries of AceData (batches) and of Dream Machine (one task each) over kept connections on loopback.
`POST /control/ends` takes {id: [unix time, "failed" or "completed"]}; `GET /control/notes` gives what it has noted.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from filmgate.adapters.engines.scripted.clip import clip
from support.server import running, say

PROMPT = "A lighthouse on a cliff at dusk, waves far below, a slow turn of the camera"


class Notes:
    """What was asked when, in unix seconds.

    `newest` is when a task was last asked about for the first time; `told` and `fetched` are, by id, when the first
    definite word was given and when the first download began.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.questions = 0
        self.asked: set[str] = set()
        self.newest = 0.0
        self.told: dict[str, float] = {}
        self.fetched: dict[str, float] = {}

    def asked_about(self, task_id: str, now: float) -> None:
        """Take note of a question."""
        self.questions += 1
        if task_id not in self.asked:
            self.asked.add(task_id)
            self.newest = now

    def taken(self) -> dict[str, Any]:
        """Return everything as JSON; the tasks asked about as their number."""
        return vars(self) | {"asked": len(self.asked)}


class Tasks:
    """The tasks: all are being made, until their ends."""

    def __init__(self, latency: float) -> None:
        self.base = ""
        self.latency = latency
        self.ends: dict[str, tuple[float, str]] = {}
        self.notes = Notes()
        self.clip = clip(320, 240, 49)

    def outcome(self, task_id: str) -> str | None:
        """Return how a task has ended, if it has; whoever asks knows it from now on."""
        now = time.time()
        self.notes.asked_about(task_id, now)
        moment, outcome = self.ends.get(task_id, (math.inf, ""))
        if now < moment:
            return None
        self.notes.told.setdefault(task_id, now)
        return outcome

    def generation(self, task_id: str) -> bytes:
        """Write a task as Dream Machine does."""
        outcome = self.outcome(task_id)
        video = f'"{self.base}/files/{task_id}.mp4"' if outcome == "completed" else "null"
        reason = '"It does not work."' if outcome == "failed" else "null"
        return (
            f'{{"id":"{task_id}","generation_type":"video","state":"{outcome or "dreaming"}","failure_reason":{reason},'
            f'"created_at":"2026-01-01T00:00:00Z","assets":{{"video":{video}}},"model":"ray-2","request":'
            f'{{"generation_type":"video","prompt":"{PROMPT}","aspect_ratio":"16:9","loop":false,"model":"ray-2"}}}}'
        ).encode()

    def batch(self, body: bytes) -> bytes:
        """Write tasks as AceData does."""
        asked = json.loads(body)
        items = [self._item(task_id) for task_id in asked.get("ids") or [asked["id"]]]
        return f'{{"items":[{",".join(items)}],"count":{len(items)}}}'.encode() if "ids" in asked else items[0].encode()

    def _item(self, task_id: str) -> str:
        outcome = self.outcome(task_id)
        response = f'"success":true,"task_id":"{task_id}","state":"{outcome or "processing"}"'
        if outcome == "completed":
            response += f',"video_url":"{self.base}/files/{task_id}.mp4"'
        elif outcome == "failed":
            response = f'"success":false,"task_id":"{task_id}","error":{{"code":"api_error","message":"It does not."}}'
        request = f'"action":"generate","prompt":"{PROMPT}","aspect_ratio":"16:9","loop":false'
        return (
            f'{{"id":"{task_id}","created_at":1767225600.0,"started_at":1767225601.0,'
            f'"request":{{{request}}},"response":{{{response}}}}}'
        )

    def answer(self, method: bytes, path: str, body: bytes) -> bytes:
        """Answer a request."""
        place, _, name = path.rpartition("/")
        if place == "/files":
            self.notes.fetched.setdefault(name.removesuffix(".mp4"), time.time())
            return self.clip
        if path == "/control/ends":
            self.ends = {task_id: (moment, outcome) for task_id, (moment, outcome) in json.loads(body).items()}
            return b"{}"
        if path == "/control/notes":
            return json.dumps(self.notes.taken()).encode()
        self.notes.requests += 1
        return self.batch(body) if method == b"POST" else self.generation(name)


class Connection(asyncio.Protocol):
    """Reads requests off one connection."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is there as a whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, length = self._received[:end].lower(), 0
            if b"\r\ncontent-length:" in head:
                length = int(head.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
            if len(self._received) < end + 4 + length:
                return
            method, path, _ = self._received.split(b" ", 2)
            body = self._tasks.answer(method, path.decode(), self._received[end + 4 : end + 4 + length])
            self._received = self._received[end + 4 + length :]
            kind = b"video/mp4" if path.startswith(b"/files/") else b"application/json"
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)
            if self._tasks.latency:
                asyncio.get_running_loop().call_later(self._tasks.latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


class RunningProvider:
    """The provider as the process that started it sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def end(self, ends: dict[str, tuple[float, str]]) -> None:
        """Return when which task ends, and how."""
        self._call("ends", json.dumps(ends).encode())

    def notes(self) -> dict[str, Any]:
        """Return what was noted so far."""
        noted: dict[str, Any] = json.loads(self._call("notes"))
        return noted

    def _call(self, name: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"{self.url}/control/{name}", body, timeout=30) as answer:
            told: bytes = answer.read()
            return told


@contextmanager
def provider(latency: float) -> Iterator[RunningProvider]:
    """Run the provider in a process of its own for a while; its answers take so many seconds."""
    with running(partial(_serve, latency)) as server:
        yield RunningProvider(f"http://127.0.0.1:{server.port}")


async def _serve(latency: float, pipe: int) -> None:
    loop = asyncio.get_running_loop()
    tasks = Tasks(latency)
    server = await loop.create_server(lambda: Connection(tasks), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tasks.base = f"http://127.0.0.1:{port}"
    say(pipe, port)
    await server.serve_forever()
