"""The published clients of AceData against a real service: the Python SDK and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from acedatacloud import AceDataCloud, AsyncAceDataCloud
from acedatacloud._runtime.errors import APIError, AuthenticationError, ModerationError, ValidationError
from acedatacloud._runtime.tasks import failure_reason

from tests.support.service import RunningService, clean_env

from .listener import Listener
from .test_acedata_http import with_prompt

LUMA = Path(sys.executable).with_name("luma")


@pytest.fixture
def sdk(service: RunningService) -> Iterator[AceDataCloud]:
    """The SDK with a good key."""
    client = AceDataCloud(api_token=service.key, base_url=service.url)
    yield client
    client.close()


class Cli:
    """The `luma` command."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self._folder = folder
        self._env = clean_env() | {
            "ACEDATACLOUD_API_BASE_URL": service.url,
            "ACEDATACLOUD_API_TOKEN": service.key,
            "COLUMNS": "20000",
        }

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [LUMA, *arguments], cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=60, check=False
        )

    def json(self, *arguments: str) -> dict[str, object]:
        """Run a command that has to succeed, and give the JSON it prints."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer


@pytest.fixture
def luma(service: RunningService, tmp_path: Path) -> Cli:
    """The command line client with a good key."""
    return Cli(service, tmp_path)


def test_generate_and_wait(sdk: AceDataCloud):
    """A handle is unfinished at first and has two addresses at the end."""
    handle = sdk.luma.generate(prompt="[delay=0.5] cat", aspect_ratio="9:16")
    assert not handle.done
    state = handle.wait(poll_interval=0.1, max_wait=30)
    assert state["response"]["video_width"] == 752
    assert [httpx2.get(url).status_code for url in handle.urls()] == [200, 200]


def test_generate_in_one_request(sdk: AceDataCloud):
    """A synchronous handle is born complete."""
    handle = sdk.luma.generate(prompt="cat", async_=False)
    assert handle.done
    assert len(handle.urls()) == 2


def test_the_video_resource(sdk: AceDataCloud):
    """The provider-neutral method gives a handle as well, in both forms."""
    for extra in ({}, {"async_": True}):
        handle = sdk.video.generate(prompt="cat", provider="luma", model="ray-2", **extra)
        assert handle.wait(poll_interval=0.1, max_wait=30)["data"]["state"] == "completed"  # type: ignore[union-attr]


def test_waiting_by_id(sdk: AceDataCloud):
    """The task resource finds a task by its id."""
    handle = sdk.luma.generate(prompt="cat")
    state = sdk.tasks.wait(handle.id, service="luma", poll_interval=0.1, max_wait=30)
    assert state["id"] == handle.id
    assert sdk.tasks.get(handle.id, service="luma") == state


async def test_the_asynchronous_sdk(service: RunningService):
    """The asynchronous client waits as well."""
    client = AsyncAceDataCloud(api_token=service.key, base_url=service.url)
    handle = await client.luma.generate(prompt="cat", wait=True, poll_interval=0.1)
    assert len(handle.urls()) == 2
    await client.close()


def test_a_failure_is_seen(sdk: AceDataCloud):
    """A failed task ends the waiting with its reason."""
    handle = sdk.luma.generate(prompt="[fail=broken: No light.]")
    assert failure_reason(handle.wait(poll_interval=0.1, max_wait=30)) == "No light."


def test_a_failure_in_one_request_is_seen_and_not_repeated(sdk: AceDataCloud, http: httpx2.Client):
    """The synchronous form says failed without another submit; refused content is the SDK's own error."""
    prompt = f"[fail=broken: No light.] {uuid4()}"
    handle = sdk.luma.generate(prompt=prompt, async_=False)
    assert failure_reason(handle.wait(poll_interval=0.1, max_wait=30)) == "No light."
    assert with_prompt(http, prompt) == 1
    prompt = f"[fail=moderated: Not this.] {uuid4()}"
    with pytest.raises(ModerationError, match="Not this"):
        sdk.luma.generate(prompt=prompt, async_=False)
    assert with_prompt(http, prompt) == 1


def test_a_timeout_makes_one_task_only(sdk: AceDataCloud, http: httpx2.Client):
    """The SDK repeats its request after a 504, and what it gets is the first task."""
    prompt = f"[delay=1.5] {uuid4()}"
    handle = sdk.luma.generate(prompt=prompt, async_=False, timeout=1)
    assert handle.done
    assert with_prompt(http, prompt) == 1


def test_extensions(sdk: AceDataCloud):
    """A video is extended by its id and by its address."""
    made = sdk.luma.generate(prompt="cat", async_=False).result()
    assert made is not None
    video = made["response"]
    by_id = sdk.luma.generate(action="extend", prompt="more", video_id=video["video_id"])
    by_url = sdk.luma.generate(action="extend", prompt="more", video_url=video["video_url"])
    for handle in (by_id, by_url):
        assert handle.wait(poll_interval=0.1, max_wait=30)["response"]["success"] is True


def test_a_callback(sdk: AceDataCloud, listener: Listener):
    """A callback brings what waiting brings."""
    handle = sdk.luma.generate(prompt="cat", callback_url=f"{listener.url}/cb")
    assert not handle.done
    _, body = listener.post("/cb")
    assert body == handle.wait(poll_interval=0.1, max_wait=30)["response"]


def test_errors_are_the_sdks_own(sdk: AceDataCloud, service: RunningService):
    """Errors arrive as the SDK's exceptions, with message and trace id."""
    with pytest.raises(ValidationError, match="prompt is required") as bad:
        sdk.luma.generate()
    assert bad.value.trace_id
    with pytest.raises(APIError) as unknown:
        sdk.tasks.get(str(uuid4()), service="luma")
    assert (unknown.value.status_code, unknown.value.code) == (404, "not_found")
    stranger = AceDataCloud(api_token="wrong", base_url=service.url)
    with pytest.raises(AuthenticationError):
        stranger.luma.generate(prompt="x")
    stranger.close()


def test_the_command_line(luma: Cli, listener: Listener):
    """Generate, wait, query, batch and extend, as a person at a terminal does."""
    first = luma.json("generate", "cat", "--async", "--callback-url", f"{listener.url}/cb")
    task_id = str(first["task_id"])
    waited = luma("wait", task_id, "--interval", "1", "--timeout", "30")
    assert waited.returncode == 0, waited.stdout + waited.stderr
    assert f"Task {task_id} completed" in waited.stdout
    listener.post("/cb")
    shown = luma("task", task_id)
    assert "/video.mp4" in shown.stdout
    found = luma.json("task", task_id)
    assert found["state"] == "completed"
    extended = luma.json("extend", str(first["video_id"]), "--prompt", "more")
    assert extended["success"] is True
    several = luma.json("tasks", task_id, str(extended["task_id"]))
    assert several["count"] == 2


def test_the_command_line_in_one_request(luma: Cli):
    """Without --async the answer is the finished video."""
    assert luma.json("generate", "cat")["state"] == "completed"


def test_the_command_line_sees_failures(luma: Cli, http: httpx2.Client):
    """A failed task ends the waiting; an unknown one is an error."""
    failed = http.post("/luma/videos", json={"prompt": "[fail=broken]", "async": True}).json()["task_id"]
    waited = luma("wait", failed, "--interval", "1", "--timeout", "30")
    assert f"Task {failed} failed" in waited.stdout
    unknown = luma("task", str(uuid4()))
    assert unknown.returncode == 1
    assert "not_found" in unknown.stdout


assert os.access(LUMA, os.X_OK), "luma-pro-cli is a requirement of the tests"
