"""The official client, speaking to `filmgate mcp` as agents do: over the pipes of a process that it starts."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client

from tests.support.service import ENGINES, FILMGATE, RunningService, clean_env

NOWHERE = "http://127.0.0.1:1"
"""Nobody listens there."""


def pointed_at(service: RunningService, **env: str) -> dict[str, str]:
    """Return the environment of an agent that was told where the service is, and its key."""
    return clean_env() | {"FILMGATE_URL": service.url, "FILMGATE_API_KEY": service.key} | env


def on_its_own(data: Path, **env: str) -> dict[str, str]:
    """Return the environment of an agent that was told of a data folder only, where no service runs as usual."""
    return clean_env() | {
        "FILMGATE_DATA": str(data),
        "FILMGATE_PORT": NOWHERE.rpartition(":")[2],
        "FILMGATE_ENGINES": json.dumps(ENGINES),
        **env,
    }


@contextlib.asynccontextmanager
async def agent(env: dict[str, str], log: Path, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
    """Start the command and connect to it; what it says beside the protocol goes to `log`."""
    command, *arguments = FILMGATE
    parameters = StdioServerParameters(command=command, args=[*arguments, "mcp"], env=env, cwd=log.parent)
    with log.open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode=mode, **options) as client:
            yield client
    assert "Traceback" not in (said := log.read_text()), said  # noqa: ASYNC240 - nothing else runs any more


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that succeeds, and give its structured content, which its text says too."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


class Piped:
    """`filmgate mcp` in a process of its own session, spoken to in lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def write(self, *messages: object) -> None:
        """Send messages; texts as they are, all else as JSON."""
        assert self.process.stdin is not None
        for message in messages:
            self.process.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Return the next message."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and give the answer, which is the next message."""
        self.write(request(number, method, **params))
        answer = self.read()
        assert answer["id"] == number
        return answer


def request(number: int, method: str, **params: Any) -> dict[str, Any]:
    """Write a request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def tool(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    """Write the call of a tool."""
    return request(number, "tools/call", name=name, arguments=arguments)


@contextlib.contextmanager
def piped(env: dict[str, str], log: Path, *options: str) -> Iterator[Piped]:
    """Start the command; what still runs at the end is killed."""
    with (
        log.open("a") as errors,
        subprocess.Popen(
            [*FILMGATE, "mcp", *options],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            cwd=log.parent,
        ) as process,
    ):
        try:
            yield Piped(process)
        finally:
            process.kill()
