"""A provider at the wire: a server in a process of its own that nobody kills, and that writes down what arrives.

Each POST is written to the log as it came before anything is decided about it, then what was decided. So submits are
counted where they cost money, whatever the service thinks of them. Run as `python -m tests.kill.wire LOG`; it prints
its port.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import itertools
import json
import os
import random
import socket
import sys
import threading
import time
import uuid
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from filmgate.adapters.engines.scripted.clip import clip
from tests.kill import tricks

CONTROL = "/control/jobs"
"""Takes `{"account", "prompts"}`, makes jobs that no submit has asked for, and answers with their ids."""

_PAUSE = 0.4
"""Seconds that a slow answer takes: long enough for a kill."""

_HIDDEN = 6
"""Looks at a job which a router answers that does not know the way."""

_DAY = 86_400


class Job:
    """Something that was paid for."""

    def __init__(self, account: str, prompt: str, mark: str | None) -> None:
        self.id = str(uuid.uuid4())
        self.account = account
        self.prompt = prompt
        self.mark = mark
        self.made = time.time()
        self.ready = self.made + random.uniform(0, 0.5)
        self.looks = 0
        self.said = {"answer": "plain", "look": "plain", "list": "plain", "end": "done"} | tricks.marks(prompt)

    @property
    def state(self) -> str:
        """What it has come to."""
        if time.time() < self.ready:
            return "processing"
        return "completed" if self.said["end"] == "done" else "failed"


class Answer(NamedTuple):
    """What is said to a submit: without a status the connection is cut; `part` of the body is sent."""

    status: int | None
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()
    part: float = 1.0


class Provider:
    """The state of all accounts, and the log."""

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._numbers = itertools.count(1)
        self._counts: dict[tuple[str, str], int] = {}
        self._keyed: dict[str, Job] = {}
        self._lock = threading.Lock()
        self.jobs: dict[str, Job] = {}
        self.url = ""
        self.clip = clip(320, 240, 25)

    def write(self, **what: Any) -> None:
        """Add a line to the log, at once and whole."""
        os.write(self._log, json.dumps(what).encode() + b"\n")

    def made(self, account: str, prompt: str, mark: str | None = None) -> Job:
        """Accept a job."""
        job = Job(account, prompt, mark)
        with self._lock:
            self.jobs[job.id] = job
        return job

    def submit(self, account: str, path: str, key: str | None, mark: str | None, prompt: str, body: bytes) -> Answer:
        """Write a submit down, decide about it, and write that down."""
        number = next(self._numbers)
        self.write(
            n=number, at=time.time(), account=account, path=path, key=key, mark=mark, prompt=prompt,
            body=body.decode("latin-1"),
        )  # fmt: skip
        with self._lock:
            count = self._counts[account, prompt] = self._counts.get((account, prompt), 0) + 1
        if tricks.marks(prompt).get("answer") == "tardy":
            time.sleep(_PAUSE)
        job, answer = self._decide(account, key, mark, prompt, count)
        definite = job is None and answer.status in (*tricks.REFUSING.values(), *tricks.REPEATED.values())
        self.write(n=number, job=None if job is None else job.id, status=answer.status, definite=definite)
        return answer

    def _decide(
        self, account: str, key: str | None, mark: str | None, prompt: str, count: int
    ) -> tuple[Job | None, Answer]:
        trick = tricks.marks(prompt).get("answer", "plain")
        dialect = tricks.ACCOUNTS[account].type
        if trick == "busy" and account == "spare":
            trick = "plain"
        if trick in tricks.REFUSING:
            return None, _refusal(dialect, trick, count)
        keyed = bool(tricks.ACCOUNTS[account].table.get("idempotency_keys")) and key is not None
        earlier = self._keyed.get(str(key)) if keyed else None
        if earlier is not None:
            if trick in tricks.REPEATED and count == 2:
                status = tricks.REPEATED[trick]
                return None, Answer(status, _error(dialect, "busy", "in flight"), (("Retry-After", "1"),))
            return earlier, Answer(201, self.shown(earlier))
        job = self.made(account, prompt, mark)
        if keyed:
            self._keyed[str(key)] = job
        return job, self._answer(job, dialect, trick)

    def _answer(self, job: Job, dialect: str, trick: str) -> Answer:
        if trick == "slow":
            time.sleep(_PAUSE)
        if trick == "cut" or trick in tricks.REPEATED:
            return Answer(None)
        if trick == "garbage":
            return Answer(200, b"<html>Accepted, perhaps.</html>")
        if trick == "error":
            return Answer(503, b"upstream connect error or disconnect/reset before headers")
        if trick == "envelope":
            said = _error(dialect, "upstream_pending_5307", "The job was queued; its number is not known yet.")
            return Answer(200, said)
        if trick in tricks.STATUSES:
            status = tricks.STATUSES[trick]
            moved = (("Location", f"{self.url}/elsewhere"),) if status < 400 else ()
            return Answer(status, _error(dialect, "trouble", "Something went wrong."), moved)
        told = self._other(job) if trick == "same" else job
        return Answer(500 if trick == "job500" else 201, self.shown(told), part=0.5 if trick == "half" else 1.0)

    def _other(self, job: Job) -> Job:
        """Return the job before this one, whose id its submit is told."""
        with self._lock:
            mine = [each for each in self.jobs.values() if each.account == job.account and each is not job]
        return mine[-1] if mine else job

    def shown(self, job: Job) -> dict[str, Any]:
        """Write a job in the dialect of its account."""
        return _WRITERS[tricks.ACCOUNTS[job.account].type](self.url, job, job.state)

    def listed(self, account: str) -> list[Job]:
        """Return the jobs of an account that it lists, the newest first."""
        with self._lock:
            mine = [job for job in self.jobs.values() if job.account == account and job.said["list"] != "never"]
        return sorted(mine, key=lambda job: job.made, reverse=True)

    def forget(self, account: str, job_id: str) -> bool:
        """Delete a job."""
        with self._lock:
            job = self.jobs.pop(job_id, None)
        self.write(deleted=job_id, account=account, prompt=None if job is None else job.prompt)
        return job is not None


def _error(dialect: str, code: str, message: str) -> dict[str, Any]:
    if dialect == "gateway":
        return {"code": code, "message": message, "data": None}
    if dialect == "acedata":
        return {"success": False, "error": {"code": code, "message": message}}
    if dialect == "openai_videos":
        return {"error": {"code": code, "message": message, "type": "error"}}
    return {"detail": message}


def _refusal(dialect: str, trick: str, count: int) -> Answer:
    if trick == "busy":
        date = email.utils.formatdate(time.time() + _DAY, usegmt=True)
        return Answer(
            429, _error(dialect, "rate_limit", "Slow down."), (("Retry-After", (str(_DAY), date)[count % 2]),)
        )
    return Answer(422, _error(dialect, "bad_request", "The prompt is not to our taste."))


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}Z"


def _dream_machine(url: str, job: Job, state: str) -> dict[str, Any]:
    request = {"prompt": job.prompt, "generation_type": "video"}
    if job.mark is not None and job.said["list"] != "bare":
        request["callback_url"] = job.mark
    done = {"video": f"{url}/files/{job.id}.mp4"} if state == "completed" else None
    reason = tricks.FAILED if state == "failed" else None
    state = "dreaming" if state == "processing" else state
    return {
        "id": job.id, "generation_type": "video", "state": state, "failure_reason": reason, "assets": done,
        "created_at": _moment(job.made), "request": request,
    }  # fmt: skip


def _agents(url: str, job: Job, state: str) -> dict[str, Any]:
    output = [{"type": "video", "url": f"{url}/files/{job.id}.mp4"}] if state == "completed" else []
    said = {"failure_reason": tricks.FAILED} if state == "failed" else {}
    return {"id": job.id, "type": "video", "state": state, "output": output, "created_at": _moment(job.made), **said}


def _gateway(url: str, job: Job, state: str) -> dict[str, Any]:
    video = {"url": f"{url}/files/{job.id}.mp4"} if state == "completed" else None
    said = {"failure_reason": tricks.FAILED} if state == "failed" else {}
    return {"id": job.id, "state": state, "prompt": job.prompt, "video": video, "created_at": _moment(job.made), **said}


def _acedata(url: str, job: Job, state: str) -> dict[str, Any]:
    response: dict[str, Any] = {"task_id": job.id, "state": state, "success": True}
    if state == "completed":
        response |= {"video_url": f"{url}/files/{job.id}.mp4", "video_id": str(uuid.UUID(job.id))}
    if state == "failed":
        response |= {"success": False, "error": {"code": "api_error", "message": tricks.FAILED}}
    top = {"id": job.id, "task_id": job.id, "created_at": job.made, "request": {"prompt": job.prompt}}
    return top | {"success": True, "state": state, "response": response}


def _openai(_url: str, job: Job, state: str) -> dict[str, Any]:
    word = {"processing": "in_progress"}.get(state, state)
    error = {"code": "generation_failed", "message": tricks.FAILED} if state == "failed" else None
    shown = {"id": job.id, "object": "video", "status": word, "created_at": int(job.made), "prompt": job.prompt}
    return shown | {"error": error, "progress": 100 if state == "completed" else 10}


_WRITERS = {
    "dream_machine": _dream_machine,
    "agents": _agents,
    "gateway": _gateway,
    "acedata": _acedata,
    "openai_videos": _openai,
}


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"] or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True  # whoever sent it is dead: this is no request
                return
            path = urlsplit(self.path).path
            if path == CONTROL:
                asked = json.loads(body)
                self._say(200, [provider.made(asked["account"], prompt).id for prompt in asked["prompts"]])
                return
            account, _, rest = path.lstrip("/").partition("/")
            if rest == "luma/tasks":
                self._batch(account, json.loads(body))
                return
            fields = _fields(self.headers.get("content-type", ""), body)
            prompt = fields.get("prompt") or fields.get("user_prompt") or ""
            mark = fields.get("callback_url") or fields.get("notify_hook")
            answer = provider.submit(account, path, self.headers.get("idempotency-key"), mark, prompt, body)
            with contextlib.suppress(OSError):  # whoever asked may be dead
                self._say(answer.status, answer.body, answer.headers, answer.part)
            if mark and answer.status is not None:
                threading.Timer(random.uniform(0.3, 0.8), _call_back, (mark,)).start()

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            account, _, rest = place.path.lstrip("/").partition("/")
            if account == "pictures":
                self._say(200, tricks.PICTURE, (("Content-Type", "image/png"),))
            elif account == "files" or rest.endswith("/content"):
                self._say(200, provider.clip, (("Content-Type", "video/mp4"),))
            elif rest in ("generations", "videos"):
                self._list(account, {name: values[0] for name, values in parse_qs(place.query).items()})
            else:
                self._look(account, provider.jobs.get(rest.rpartition("/")[2]))

        def do_DELETE(self) -> None:
            account, _, rest = urlsplit(self.path).path.lstrip("/").partition("/")
            known = provider.forget(account, rest.rpartition("/")[2])
            self._say(204 if known else 404, b"" if known else self._unknown(account))

        def _unknown(self, account: str) -> dict[str, Any]:
            dialect = tricks.ACCOUNTS[account].type
            words = {"dream_machine": "Generation not found", "agents": "Generation not found"}
            return _error(dialect, "not_found", words.get(dialect, "No such task exists"))

        def _look(self, account: str, job: Job | None) -> None:
            if job is None or job.account != account:
                self._say(404, self._unknown(account))
                return
            job.looks += 1
            shown, look = provider.shown(job), job.said["look"]
            if look == "router" and job.looks <= _HIDDEN:
                self._say(404, {"detail": "Not Found"})
            elif look == "errors" and job.looks <= 3:
                self._say(503, b"no healthy upstream")
            elif look == "words" and job.looks <= 2:
                self._say(200, shown | {"state": "levitating", "status": "levitating"})
            else:
                self._say(500 if look == "job500" else 200, shown)

        def _batch(self, account: str, asked: dict[str, Any]) -> None:
            if "ids" in asked:
                found = [job for each in asked["ids"] if (job := provider.jobs.get(each)) is not None]
            elif "id" in asked:
                found = [job for each in [asked["id"]] if (job := provider.jobs.get(each)) is not None]
            else:
                since, start = asked.get("created_at_min", 0), asked.get("offset", 0)
                found = [job for job in provider.listed(account) if job.made >= since][start:][: asked["limit"]]
            items = [provider.shown(job) for job in found if job.account == account]
            if tricks.ACCOUNTS[account].type == "gateway":
                self._say(200, items)
            elif "id" in asked:
                self._say(*((200, items[0]) if items else (404, self._unknown(account))))
            else:
                self._say(200, {"items": items, "count": len(items)})

        def _list(self, account: str, query: dict[str, str]) -> None:
            jobs, limit = provider.listed(account), int(query.get("limit", 20))
            start = int(query.get("offset", 0))
            if (after := query.get("after")) is not None:
                start = next((at + 1 for at, job in enumerate(jobs) if job.id == after), len(jobs))
            page = [provider.shown(job) for job in jobs[start : start + limit]]
            name = "data" if tricks.ACCOUNTS[account].type == "openai_videos" else "generations"
            self._say(200, {name: page, "count": len(page), "has_more": start + limit < len(jobs)})

        def _say(
            self, status: int | None, body: Any, headers: tuple[tuple[str, str], ...] = (), part: float = 1.0
        ) -> None:
            if status is None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: int(len(data) * part)])
            self.close_connection = part < 1

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    return Handler


def _fields(kind: str, body: bytes) -> dict[str, str]:
    """Read the fields of a submit, from JSON or from a form."""
    if not kind.startswith("multipart/"):
        return {name: value for name, value in json.loads(body).items() if isinstance(value, str)}
    parts = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_content().rstrip("\r\n")
        for part in parts.iter_parts()  # type: ignore[attr-defined]
        if part.get_filename() is None
    }


def _call_back(mark: str) -> None:
    """Report to the caller that there is news; nobody may be there."""
    place = urlsplit(mark)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", place.path, b"{}", {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: whoever asked may be dead."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until the input ends, which it does with whoever has started this."""
    provider = Provider(Path(sys.argv[1]))
    server = _Server(("127.0.0.1", 0), _handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
