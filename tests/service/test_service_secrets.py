"""Nothing secret is said anywhere: not in the log at its most talkative, not in metrics, traces and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.listening import listening
from tests.support.provider import account
from tests.support.service import ENGINES, RunningService

from .collector import collecting, traced
from .conftest import client, ended, new_key, submit
from .receiver import free_port, receiver

Start = Callable[..., RunningService]

PROMPT = "a walrus-marzipan parade"
ADMIN_KEY = "bootstrap tangerine 4711"
PROVIDER_KEY = "sk-provider-periwinkle"
WRONG_KEY = "fg_wrong-key-gooseberry"
USER, PASSWORD, QUERY = "user-quince", "password-medlar", "token=query-damson"
SECRETS = (ADMIN_KEY, PROVIDER_KEY, WRONG_KEY, PASSWORD, QUERY)


@contextmanager
def echoing() -> Iterator[str]:
    """Be a provider whose errors repeat all that it was sent; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say(401)

        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self.say(400 if "refuse" in said else 401, said)

        def say(self, status: int, said: str = "") -> None:
            body = json.dumps({"detail": f"{self.headers['Authorization']} may not {said}"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address


@pytest.mark.timeout(180)
def test_nothing_secret_is_said(start_service: Start, tmp_path: Path):
    """Keys, secrets, prompts, user info and queries are in no line of the log, no metric, no span and no error."""
    provider = start_service()
    key_file = tmp_path / "provider-key"
    key_file.write_text(f"{PROVIDER_KEY}\n")
    with echoing() as address, receiver(500, 410) as told, collecting() as collector:
        far = account(provider, base_url=f"{address}/dream-machine/v1", key_file=str(key_file), models=["far"])
        good = account(provider, models=["good"])
        table = {**ENGINES, "far": far, "good": good}
        options = {"engines": json.dumps(table), "admin_key": ADMIN_KEY, "log_level": "debug"}
        with traced(tmp_path / "data", collector, **options) as service:
            key, secret = new_key(service, "default"), callback_secret(service)
            answers = drive(service, key, told.url)
            metrics = httpx2.get(f"{service.url}/metrics", headers=service.headers).text
    log, spans = service.log.read_text(), b"".join(collector.bodies).decode("latin-1")
    assert collector.spans
    assert "walrus" not in log + metrics + spans
    said_where = {"log": log, "metrics": metrics, "spans": spans, "answers": "\n".join(answers)}
    for hidden in (*SECRETS, key, secret, provider.key):
        for place, text in said_where.items():
            assert hidden not in text, f"{hidden} in the {place}: {around(text, hidden)}"
    assert_traced(log)


def callback_secret(service: RunningService) -> str:
    """Return what signs the callbacks."""
    done = service.run("webhooks", "secret", "show", "--json", FILMGATE_API_KEY=ADMIN_KEY)
    assert done.returncode == 0, done.stderr
    found = next(word for word in done.stdout.replace('"', " ").split() if word.startswith("whsec_"))
    return found.removeprefix("whsec_")


def around(text: str, word: str) -> str:
    """Return the text around a word."""
    at = text.index(word)
    return text[max(0, at - 300) : at + 100]


def drive(service: RunningService, key: str, hook: str) -> list[str]:
    """Do what succeeds and what fails, and give the answers that are errors, and what is told of the tasks."""
    answers: list[str] = []
    private = f"http://{USER}:{PASSWORD}@127.0.0.1:{free_port()}/picture.png?{QUERY}"
    closed = f"http://127.0.0.1:{free_port()}/hook?{QUERY}"
    with client(service, key) as http:
        prompts = (PROMPT, f"{PROMPT} [fail]", f"{PROMPT} [crash=1]")
        ids = [submit(http, prompt, callback_url=f"{hook}/?{QUERY}") for prompt in prompts]
        ids += [submit(http, PROMPT, model="good"), submit(http, PROMPT, callback_url=closed)]
        ids += [submit(http, f"refuse {PROMPT}", model="far")]
        submit(http, PROMPT, model="far")
        bad: list[dict[str, Any]] = [
            {"prompt": PROMPT, "callback_url": private},
            {"prompt": PROMPT, "start": {"url": private}},
            {"prompt": PROMPT, "keyframes": {"frame0": {"type": "image", "url": private}}},
            {"user_prompt": PROMPT, "image_url": private},
            {"prompt": [PROMPT], "duration": "x"},
        ]
        for path in ("/api/v1/tasks", "/luma/generations", "/luma/videos", "/dream-machine/v1/generations"):
            for body in bad:
                answers.append(said(http.post(path, json=body)))
            answers.append(http.post(path, content=b'{"prompt": "walrus').text)
            answers.append(http.post(path, json={"prompt": PROMPT}, headers=bearer(WRONG_KEY)).text)
        answers += tools(http, private)
        answers.append(http.get(f"/api/v1/tasks/{WRONG_KEY}x"[:50], headers=bearer(WRONG_KEY)).text)
        answers.append(http.get("/healthz", headers={"Host": f"{USER}.example"}).text)
        for task_id in ids:
            task = ended(http, task_id)
            answers.append(json.dumps(task["failure"]))
        answers.append(http.get("/api/v1/webhooks").text)
    return answers


def said(answer: httpx2.Response) -> str:
    """Return an answer if it is an error; what was accepted may be repeated to its owner."""
    return answer.text if answer.status_code >= 400 else ""


def bearer(key: str) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


def tools(http: httpx2.Client, private: str) -> list[str]:
    """Call tools over MCP the short way and through the SDK's server."""
    found = []
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    for method, params in (
        (
            "initialize",
            {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
        ),
        ("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": PROMPT}}),
        ("tools/call", {"name": "luma_generate_video", "arguments": {"prompt": PROMPT, "callback_url": private}}),
        ("prompts/get", {"name": "walrus", "arguments": {"prompt": PROMPT}}),
    ):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = http.post("/mcp", json=message, headers=headers)
        found.append(answer.text if answer.status_code >= 400 or "error" in answer.text else "")
    return found


def assert_traced(log: str) -> None:
    """Check that each line is JSON, and that those about callbacks name the task and its trace."""
    lines = [json.loads(line) for line in log.splitlines()]
    told = [line for line in lines if line["logger"] == "filmgate.core.webhooks.deliver"]
    assert told
    for line in told:
        assert line["task_id"] in line["event"]
        assert line["trace_id"]
