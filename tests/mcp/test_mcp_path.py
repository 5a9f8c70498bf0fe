"""An agent's way from a prompt to a file that plays, over both eras of the protocol."""

from __future__ import annotations

import json
from uuid import UUID

import httpx2
import jsonschema
import mcp_types as types
import pytest
from mcp.client.client import ConnectMode

from tests.support.clips import play
from tests.support.service import RunningService

from .callers import MODES, SHORT, called, caller, ended, refused

pytestmark = pytest.mark.parametrize("mode", MODES)


async def test_from_prompt_to_playable_file(service: RunningService, mode: ConnectMode):
    """An agent finds the tool, starts a video, waits for it, and the link it gets is a video of the promised size."""
    async with caller(service, mode=mode) as client:
        assert client.instructions is not None
        assert "luma_wait_task" in client.instructions
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        started = await called(client, "luma_generate_video", prompt="A river", aspect_ratio="9:16", duration=1)
        assert (started["state"], started["video_url"], started["failure"]) == ("pending", None, None)
        assert "luma_wait_task" in started["next_step"]
        assert started["poll_after_seconds"] > 0
        done = await ended(client, started["task_id"])
        assert (done["state"], done["progress"], done["poll_after_seconds"]) == ("completed", 100, None)
        assert done["trace_id"] == started["trace_id"]
        async with httpx2.AsyncClient() as stranger:
            film = await stranger.get(done["video_url"])
        seen = play(film.content)
        assert (seen.width, seen.height) == (done["video_width"], done["video_height"]) == (752, 1360)
        assert seen.frames == round(done["video_duration"] * 24)
        assert len(film.content) == done["video_bytes"]
        schema = tools["luma_get_task"].output_schema
        for task in (started, done):
            jsonschema.validate(task, schema, format_checker=jsonschema.FormatChecker())


async def test_text_is_the_structured_content_and_the_thumbnail_is_linked(service: RunningService, mode: ConnectMode):
    """Clients that read text only get the same as compact JSON; a finished task links a picture that can be read."""
    async with caller(service, mode=mode) as client:
        started = await called(client, "luma_generate_video", prompt="Ünïcode “quotes” \\ ", **SHORT)
        await ended(client, started["task_id"])
        result = await client.call_tool("luma_get_task", {"task_id": started["task_id"]})
        text, link = result.content
        assert isinstance(text, types.TextContent)
        assert json.loads(text.text) == result.structured_content
        assert "\n" not in text.text
        assert ": " not in text.text.split('"prompt"')[0].replace(result.structured_content["next_step"], "")
        assert isinstance(link, types.ResourceLink)
        assert link.mime_type == "image/jpeg"
        (content,) = (await client.read_resource(link.uri)).contents
        assert isinstance(content, types.BlobResourceContents)
        async with httpx2.AsyncClient() as stranger:
            picture = await stranger.get(result.structured_content["thumbnail_url"])
        assert len(picture.content) == link.size


async def test_two_tasks_in_one_batch(service: RunningService, mode: ConnectMode):
    """Two videos are followed with one call each time; ids that are nobody's are named, not refused."""
    async with caller(service, mode=mode) as client:
        ids = [(await called(client, "luma_generate_video", prompt=f"take {n}", **SHORT))["task_id"] for n in range(2)]
        for task_id in ids:
            await ended(client, task_id)
        nobody = "01a10000-0000-7000-8000-000000000000"
        batch = await called(client, "luma_get_tasks_batch", task_ids=[ids[1], nobody, ids[0], ids[1]])
        assert [task["task_id"] for task in batch["tasks"]] == [ids[1], ids[0]]
        assert {task["state"] for task in batch["tasks"]} == {"completed"}
        assert (batch["count"], batch["missing"]) == (2, [nobody])


async def test_extend(service: RunningService, mode: ConnectMode):
    """A finished video is extended by its video id and by its address; both answers are longer videos."""
    async with caller(service, mode=mode) as client:
        first = await called(client, "luma_generate_video", prompt="A boat", aspect_ratio="1:1", **SHORT)
        done = await ended(client, first["task_id"])
        longer = await called(client, "luma_extend_video", video_id=done["video_id"], prompt="It sails on")
        also = await called(client, "luma_extend_video_from_url", video_url=done["video_url"], prompt="It sails on")
        for task in (longer, also):
            extended = await ended(client, task["task_id"])
            assert extended["state"] == "completed", extended
            assert extended["video_duration"] > done["video_duration"] + 4
            assert UUID(extended["video_id"]) != UUID(done["video_id"])
        assert longer["aspect_ratio"] == "1:1"


async def test_from_pictures(service: RunningService, mode: ConnectMode):
    """A picture of ours starts a video, and another one is where it ends; without any the answer names the tool."""
    async with caller(service, mode=mode) as client:
        done = await ended(client, (await called(client, "luma_generate_video", prompt="x", **SHORT))["task_id"])
        task = await called(
            client,
            "luma_generate_video_from_image",
            prompt="It moves",
            start_image_url=done["thumbnail_url"],
            end_image_url=done["last_frame_url"],
            **SHORT,
        )
        assert (await ended(client, task["task_id"]))["state"] == "completed"
        error = await refused(client, "luma_generate_video_from_image", prompt="x", start_image_url="")
        assert error["field"] == "start_image_url"
        assert "luma_generate_video" in error["message"]


async def test_a_failed_task(service: RunningService, mode: ConnectMode):
    """A generation that failed is an answer, not an error: with code, message, and what to do."""
    async with caller(service, mode=mode) as client:
        task = await called(client, "luma_generate_video", prompt="x [fail=moderated: Not this one.]", **SHORT)
        failed = await ended(client, task["task_id"])
        assert failed["state"] == "failed"
        assert failed["failure"] == {"code": "moderated", "message": "Not this one."}
        assert failed["next_step"].startswith("Do not poll")
        assert failed["poll_after_seconds"] is None
        assert failed["video_url"] is None


async def test_cancel_and_delete(service: RunningService, mode: ConnectMode):
    """A pending task is cancelled and stays; a deleted one is gone, with its resources."""
    async with caller(service, mode=mode) as client:
        task_id = (await called(client, "luma_generate_video", prompt="x [hang]", **SHORT))["task_id"]
        for _ in range(2):
            cancelled = await called(client, "luma_cancel_task", task_id=task_id)
            assert cancelled["failure"]["code"] == "cancelled"
        assert (await called(client, "luma_delete_task", task_id=task_id)) == {"task_id": task_id, "deleted": True}
        for tool in ("luma_get_task", "luma_wait_task", "luma_cancel_task", "luma_delete_task"):
            error = await refused(client, tool, task_id=task_id)
            assert error["code"] == "not_found"
            UUID(error["trace_id"])


async def test_list(service: RunningService, mode: ConnectMode):
    """The list is the newest first, by state and by pages."""
    async with caller(service, mode=mode) as client:
        hanging = (await called(client, "luma_generate_video", prompt="x [hang]", **SHORT))["task_id"]
        failing = (await called(client, "luma_generate_video", prompt="x [fail]", **SHORT))["task_id"]
        await ended(client, failing)
        page = await called(client, "luma_list_tasks", limit=2)
        assert [task["task_id"] for task in page["tasks"]] == [failing, hanging]
        assert page["next_offset"] in (2, None)
        assert page["total"] >= 2
        pending = await called(client, "luma_list_tasks", state="pending", limit=50)
        assert hanging in [task["task_id"] for task in pending["tasks"]]
        assert {task["state"] for task in pending["tasks"]} == {"pending"}
        last = await called(client, "luma_list_tasks", offset=page["total"] - 1)
        assert (len(last["tasks"]), last["next_offset"]) == (1, None)
        await called(client, "luma_cancel_task", task_id=hanging)
