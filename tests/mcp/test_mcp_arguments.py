"""Arguments as programs really send them: values as text, a single one for a list, and names that no tool has."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from filmgate.adapters.mcp import arguments
from filmgate.adapters.mcp.tools import BY_NAME, TOOLS
from filmgate.domain.errors import InvalidRequest
from tests.support.service import RunningService

from .agents import piped, pointed_at, tool
from .callers import UNKNOWN, message

BATCH, LIST, WAIT = "luma_get_tasks_batch", "luma_list_tasks", "luma_wait_task"
GENERATE, FROM_IMAGE = "luma_generate_video", "luma_generate_video_from_image"

READ: list[tuple[str, str, Any, Any]] = [
    (BATCH, "task_ids", '["a","b"]', ["a", "b"]),
    (BATCH, "task_ids", ' [ "a" ] ', ["a"]),
    (BATCH, "task_ids", "a", ["a"]),
    (BATCH, "task_ids", '"a"', ["a"]),
    (BATCH, "task_ids", "5", ["5"]),
    (BATCH, "task_ids", "true", ["true"]),
    (LIST, "limit", "3", 3),
    (LIST, "limit", "3.0", 3),
    (LIST, "limit", 3.0, 3),
    (LIST, "limit", " 3 ", 3),
    (LIST, "limit", "null", 10),
    (LIST, "state", "null", None),
    (LIST, "state", "failed", "failed"),
    (WAIT, "timeout_seconds", "2", 2),
    (WAIT, "timeout_seconds", "2.5", 2.5),
    (GENERATE, "duration", "5", 5),
    (GENERATE, "duration", "1e1", 10),
    (GENERATE, "loop", "true", True),
    (GENERATE, "loop", "True", True),
    (GENERATE, "enhancement", " false ", False),
    (GENERATE, "timeout", "null", None),
    (GENERATE, "timeout", "None", None),
    (GENERATE, "resolution", "null", None),
    (GENERATE, "prompt", '["a","b"]', '["a","b"]'),
    (GENERATE, "prompt", "5", "5"),
    (GENERATE, "prompt", "null", "null"),
    (GENERATE, "prompt", " true ", " true "),
    (GENERATE, "model", "null", "null"),
    (FROM_IMAGE, "prompt", '{"url": "x"}', '{"url": "x"}'),
]
NEEDED = {WAIT: {"task_id": "x"}, GENERATE: {"prompt": "x"}, FROM_IMAGE: {"prompt": "x"}}


def read(name: str, sent: dict[str, Any]) -> Any:
    """Read a call as the tools do."""
    takes = BY_NAME[name].takes
    return arguments.read(takes, arguments.given_arguments(takes, sent))


@pytest.mark.parametrize(("name", "argument", "sent", "means"), READ)
def test_values_sent_as_text(name: str, argument: str, sent: Any, means: Any):
    """A value is read as its declared type, and a text stays the text that it is."""
    found = getattr(read(name, NEEDED.get(name, {}) | {argument: sent}), argument)
    assert (found, type(found)) == (means, type(means)) or (argument == "timeout_seconds" and found == means)


@pytest.mark.parametrize(
    ("name", "argument", "sent", "sentence"),
    [
        (GENERATE, "duration", "five", 'duration must be a whole number from 1 to 10, got the text "five"'),
        (GENERATE, "duration", "5.5", "duration must be a whole number from 1 to 10, got 5.5"),
        (GENERATE, "duration", "11", "duration must be a whole number from 1 to 10, got 11"),
        (GENERATE, "duration", "NaN", 'duration must be a whole number from 1 to 10, got the text "NaN"'),
        (GENERATE, "duration", "[5]", "duration must be a whole number from 1 to 10, got [5]"),
        (GENERATE, "duration", "9" * 5000, f'duration must be a whole number from 1 to 10, got the text "{"9" * 99}…'),
        (GENERATE, "duration", "[" * 9000, f'duration must be a whole number from 1 to 10, got the text "{"[" * 99}…'),
        (GENERATE, "loop", "maybe", 'loop must be true or false, got the text "maybe"'),
        (GENERATE, "loop", "2", "loop must be true or false, got 2"),
        (GENERATE, "prompt", 5, "prompt must be a text, got 5"),
        (GENERATE, "timeout", "soon", 'timeout must be a number or null, got the text "soon"'),
        (LIST, "state", "done", 'state must be one of completed, failed, pending or null, got the text "done"'),
        (BATCH, "task_ids", "[]", "task_ids must be a list of one or more texts, got []"),
        (BATCH, "task_ids", "[5]", "task_ids[0] must be a list of one or more texts, got [5]"),
        (BATCH, "task_ids", '{"a": 1}', 'task_ids[0] must be a list of one or more texts, got [{"a":1}]'),
        (WAIT, "timeout_seconds", "99", "timeout_seconds must be a number from 0 to 50, got 99"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, argument: str, sent: Any, sentence: str):
    """The refusal says which argument it is, what came and what is allowed."""
    with pytest.raises(InvalidRequest) as caught:
        read(name, NEEDED.get(name, {}) | {argument: sent})
    assert caught.value.message == sentence
    assert str(caught.value.field).partition("[")[0] == argument


@pytest.mark.parametrize(
    ("name", "argument", "hint"),
    [
        (GENERATE, "aspectRatio", "use aspect_ratio"),
        (GENERATE, "durations", "use duration"),
        (GENERATE, "zzz", "is no parameter of this tool. It takes prompt"),
        *(
            (GENERATE, each, "luma_generate_video_from_image takes pictures")
            for each in ("image", "image_urls", "file")
        ),
        *(
            (FROM_IMAGE, each, "use start_image_url")
            for each in ("image", "image_url", "file", "first_frame", "images")
        ),
        *((FROM_IMAGE, each, "use end_image_url") for each in ("last_frame", "end_picture", "tail_image_url")),
        ("luma_extend_video", "video", "use video_id"),
        ("luma_extend_video", "image", "luma_generate_video_from_image takes"),
        (FROM_IMAGE, "end_image", "use end_image_url"),
        ("luma_extend_video_from_url", "video", "use video_url"),
        ("luma_list_actions", "zzz", "It takes none."),
    ],
)
def test_an_unknown_argument_is_named_back(name: str, argument: str, hint: str):
    """What a tool does not have is refused by name, with the name that is meant and all that there are."""
    with pytest.raises(InvalidRequest) as caught:
        read(name, NEEDED.get(name, {}) | {argument: "x"})
    said = caught.value.message
    assert said.startswith(f"{argument} is no parameter of this tool")
    assert hint in said
    assert all(known in said for known in arguments.properties(BY_NAME[name].takes))
    assert caught.value.field == argument


def test_many_unknown_arguments_are_named_in_part():
    """A refusal is short, however many names there are and however long."""
    with pytest.raises(InvalidRequest, match="; nor are 45 more") as caught:
        read(LIST, {f"{number}{'x' * 5000}": 1 for number in range(50)})
    assert len(caught.value.message) < 1500


def test_what_says_nothing_and_what_programs_add_is_let_pass():
    """An unknown name without a value is no argument; nor is what a client adds to every call, where it does so."""
    assert read(LIST, {"zzz": None, "image": "", "_meta": {"a": 1}}) == arguments.Listing()
    added = {"toolCallId": "call_1", "sessionId": "x", "action": "sendMessage", "chatInput": "hello", "tool": "y"}
    assert read(LIST, added) == arguments.Listing()
    with pytest.raises(InvalidRequest, match="chatInput is no parameter"):
        read(LIST, {"chatInput": "hello"})
    with pytest.raises(InvalidRequest, match="image is no parameter"):
        read(LIST, {"toolCallId": "call_1", "image": "x"})


@pytest.mark.parametrize("each", TOOLS, ids=[tool.name for tool in TOOLS])
def test_the_schema_says_that_no_other_is_taken(each: Any):
    """A client can know before it calls which arguments there are."""
    assert each.definition["inputSchema"]["additionalProperties"] is False


@pytest.mark.parametrize("way", ["http", "stdio"])
def test_on_every_way_in(way: str, http: httpx2.Client, service: RunningService, tmp_path: Any):
    """The service reads text and refuses unknown names, whichever way a call takes."""

    def call(name: str, **sent: Any) -> dict[str, Any]:
        if way == "stdio":
            with piped(pointed_at(service), tmp_path / "log") as bridge:
                bridge.write(tool(1, name, **sent))
                return bridge.read()["result"]
        return http.post("/mcp", json=message("tools/call", {"name": name, "arguments": sent})).json()["result"]

    found = call(BATCH, task_ids=json.dumps([UNKNOWN]))
    assert found["structuredContent"]["missing"] == [UNKNOWN]
    refused = call(GENERATE, prompt="x", image_urls=["https://a.example/x.png"])
    assert refused["isError"] is True
    error = json.loads(refused["content"][0]["text"])["error"]
    assert (error["code"], error["field"]) == ("bad_request", "image_urls")


def test_nothing_is_started_for_a_call_with_an_unknown_argument(http: httpx2.Client):
    """The refusal comes before anything is accepted, so that nothing is billed for what was not meant."""
    marked = "refused before it is accepted"
    sent = {"name": GENERATE, "arguments": {"prompt": marked, "image": "x"}}
    assert http.post("/mcp", json=message("tools/call", sent)).json()["result"]["isError"] is True
    tasks = http.get("/api/v1/tasks", params={"limit": 100}).json()["tasks"]
    assert marked not in json.dumps(tasks)
