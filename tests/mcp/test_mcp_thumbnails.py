"""`include_thumbnail`: a small picture in the answer, for agents that want to see what was made."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy
import pytest
from mcp.client.client import ConnectMode
from PIL import Image

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.mcp.thumbnails import Thumbnails
from filmgate.domain.media import PREVIEW_BYTES
from tests.service.conftest import new_key
from tests.support.service import RunningService

from .callers import MODES, SHORT, UNKNOWN, called, caller, ended

LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (("luma_get_task", {}), ("luma_wait_task", {"timeout_seconds": 0}))


@pytest.mark.parametrize("mode", MODES)
async def test_a_finished_video_is_shown(service: RunningService, mode: ConnectMode):
    """Get and wait add one picture, of the video's shape and 20 kB at most, if asked to, and else none."""
    async with caller(service, mode=mode) as client:
        started = await called(client, "luma_generate_video", prompt="A lighthouse", aspect_ratio="9:16", **SHORT)
        done = await ended(client, started["task_id"])
        for tool, more in LOOKS:
            shown = await client.call_tool(tool, {"task_id": done["task_id"], "include_thumbnail": "true", **more})
            assert shown.structured_content == done
            assert [block.type for block in shown.content] == ["text", "resource_link", "image"]
            block = shown.content[-1]
            assert block.mime_type == "image/jpeg"
            assert len(block.data) <= 20_000
            with Image.open(io.BytesIO(base64.b64decode(block.data))) as picture:
                picture.load()
                assert picture.format == "JPEG"
                assert picture.height == 384
                assert picture.width / picture.height == pytest.approx(540 / 960, rel=0.02)
            plain = await client.call_tool(tool, {"task_id": done["task_id"], **more})
            assert "image" not in {block.type for block in plain.content}


async def test_without_a_picture_a_text_says_why(service: RunningService):
    """A task that is pending or has failed gives a text in the place of the picture, and is no error."""
    async with caller(service) as client:
        for prompt, why in (("[hang]", "pending"), ("x [fail]", "failed")):
            task_id = (await called(client, "luma_generate_video", prompt=prompt, **SHORT))["task_id"]
            if why == "failed":
                await ended(client, task_id)
            for tool, more in LOOKS:
                shown = await client.call_tool(tool, {"task_id": task_id, "include_thumbnail": True, **more})
                assert not shown.is_error
                assert [block.type for block in shown.content] == ["text", "text"]
                assert why in shown.content[1].text
            await client.call_tool("luma_delete_task", {"task_id": task_id})


async def test_nobody_else_sees_it(start_service: Callable[..., RunningService]):
    """Another application's key gets the same answer as for an unknown id, also once the picture was made."""
    running = start_service()
    async with caller(running) as owner, caller(running, key=new_key(running, "stranger")) as stranger:
        task_id = (await called(owner, "luma_generate_video", prompt="mine", **SHORT))["task_id"]
        await ended(owner, task_id)
        for tool, more in LOOKS:
            mine = await owner.call_tool(tool, {"task_id": task_id, "include_thumbnail": True, **more})
            assert mine.content[-1].type == "image"
            for named in (task_id, UNKNOWN):
                theirs = await stranger.call_tool(tool, {"task_id": named, "include_thumbnail": True, **more})
                assert theirs.is_error
                assert [block.type for block in theirs.content] == ["text"]
                assert "not_found" in theirs.content[0].text
        await called(owner, "luma_delete_task", task_id=task_id)
        gone = await owner.call_tool("luma_get_task", {"task_id": task_id, "include_thumbnail": True})
        assert gone.is_error


async def test_many_at_once(service: RunningService):
    """Twenty who ask at once for the same picture all get it."""
    async with caller(service) as client:
        task_id = (await called(client, "luma_generate_video", prompt="A crowd", **SHORT))["task_id"]
        await ended(client, task_id)
        asked = {"task_id": task_id, "include_thumbnail": True}
        shown = await asyncio.gather(*(client.call_tool("luma_get_task", asked) for _ in range(20)))
    assert {each.content[-1].type for each in shown} == {"image"}
    assert len({each.content[-1].data for each in shown}) == 1


def test_a_batch_has_no_pictures(http: httpx2.Client):
    """The tool for several tasks says that it takes no such argument, rather than send megabytes."""
    arguments = {"task_ids": [UNKNOWN], "include_thumbnail": True}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    call["params"] = {"name": "luma_get_tasks_batch", "arguments": arguments}
    result = http.post("/mcp", json=call).json()["result"]
    assert result["isError"]
    assert "include_thumbnail is no parameter" in result["content"][0]["text"]


@pytest.mark.parametrize("size", [(4096, 4096), (384, 384), (4096, 20), (20, 4096), (8, 8)])
async def test_every_picture_becomes_small_enough(size: tuple[int, int], tmp_path: Path):
    """Noise, pictures of the largest size, strips and specks fit; the picture is decoded and written in the sandbox."""
    noise = numpy.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
    source = tmp_path / "thumbnail.jpg"
    Image.fromarray(noise).save(source, quality=95)
    tools = SandboxedTools()
    try:
        data = await tools.preview(source, tmp_path)
    finally:
        await tools.close()
    assert len(data) <= PREVIEW_BYTES
    with Image.open(io.BytesIO(data)) as picture:
        assert min(picture.size) >= 1
    assert [path.name for path in await asyncio.to_thread(lambda: [*tmp_path.iterdir()])] == [source.name]


async def test_a_file_that_is_gone_is_said(tmp_path: Path):
    """Where the store has lost the file, or it cannot be decoded, the agent gets a sentence and no error."""

    class Output:
        expired_at = None

        class thumbnail:  # noqa: N801 - stands for a value
            key = "x/thumbnail.jpg"

    class Task:
        output, application_id = Output, "default"

    class Store:
        def __init__(self, data: bytes | None) -> None:
            self.data = data

        async def get(self, key: str, target: Path) -> None:
            assert key == "x/thumbnail.jpg"
            if self.data is None:
                raise FileNotFoundError(key)
            await asyncio.to_thread(target.write_bytes, self.data)

    tools: Any = SandboxedTools()
    task: Any = Task
    try:
        for data, why in ((None, "not kept any more"), (b"nonsense", "cannot be shown")):
            store: Any = Store(data)
            block = await Thumbnails(store, tools, tmp_path).block(task)
            assert block["type"] == "text"
            assert why in block["text"]
    finally:
        await tools.close()
    assert await asyncio.to_thread(lambda: [*tmp_path.iterdir()]) == []
