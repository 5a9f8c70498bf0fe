"""What agents are told: tools, guides, resources, and answers to what makes no sense."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.client.client import ConnectMode
from mcp.shared.exceptions import MCPError

from filmgate.adapters.mcp.tools import TOOLS, Tool
from filmgate.core.tasks.access import Action
from tests.support.service import RunningService

from .callers import MODES, SHORT, UNKNOWN, called, caller, ended, message, modern

REFERENCE = {
    "luma_list_aspect_ratios": {},
    "luma_list_actions": {},
    "luma_get_task": {"task_id": UNKNOWN},
    "luma_get_tasks_batch": {"task_ids": [UNKNOWN]},
    "luma_generate_video": {
        "prompt": "x [fail]",
        "aspect_ratio": "16:9",
        "loop": False,
        "enhancement": True,
        "timeout": None,
        "callback_url": None,
    },
    "luma_generate_video_from_image": {
        "prompt": "x [fail]",
        "start_image_url": "",
        "end_image_url": "http://127.0.0.1:9/x.png",
        "aspect_ratio": "",
        "loop": None,
        "enhancement": True,
        "timeout": 300,
        "callback_url": "https://api.acedata.cloud/health",
    },
    "luma_extend_video": {"video_id": UNKNOWN, "prompt": "x", "end_image_url": "", "callback_url": None},
    "luma_extend_video_from_url": {
        "video_url": "http://127.0.0.1:9/x.mp4",
        "prompt": "x [fail]",
        "end_image_url": "",
        "callback_url": None,
    },
}
"""The eight tools that other servers have, with every argument that their clients send."""

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("mode", MODES)
async def test_the_tools_of_other_servers_are_here(service: RunningService, mode: ConnectMode):
    """The eight tools have their names and take what clients of other servers send, nulls and empty strings too."""
    async with caller(service, mode=mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        for name, arguments in REFERENCE.items():
            assert set(arguments) <= set(listed[name].input_schema["properties"])
            result = await client.call_tool(name, arguments)
            code = json.loads(result.content[0].text)["error"]["code"] if result.is_error else None
            assert code in (None, "not_found"), result.content


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_definitions(tool: Tool):
    """Each tool says what it is for, when not to use it and what to use then, how it behaves; each argument is told."""
    said = tool.definition
    jsonschema.Draft202012Validator.check_schema(said["inputSchema"])
    jsonschema.Draft202012Validator.check_schema(said["outputSchema"])
    assert said["inputSchema"]["type"] == said["outputSchema"]["type"] == "object"
    assert "$ref" not in json.dumps(said)
    assert all(field.get("description") for field in said["inputSchema"]["properties"].values())
    assert said["title"] == said["annotations"]["title"]
    assert said["annotations"]["readOnlyHint"] is (tool.action is Action.QUERY)
    assert {type(value) for value in list(said["annotations"].values())[1:]} == {bool}
    lines = said["description"].splitlines()
    assert len(lines) <= 6
    assert sum("Use it" in line for line in lines) == 1
    others = [other.name for other in TOOLS if other is not tool]
    assert any(other in said["description"] for other in others)


def test_arguments_are_told_as_they_are_read():
    """The schema of a tool requires what its reader requires, and has its defaults."""
    for tool in TOOLS:
        schema = tool.definition["inputSchema"]
        fields = {field.name: field for field in msgspec.structs.fields(tool.takes)}
        assert set(schema["properties"]) == set(fields)
        assert set(schema.get("required", [])) == {name for name, field in fields.items() if field.required}


@pytest.mark.parametrize("mode", MODES)
async def test_ratios_and_actions(service: RunningService, mode: ConnectMode):
    """The lists name every ratio with its pixels, and every tool."""
    async with caller(service, mode=mode) as client:
        ratios = await called(client, "luma_list_aspect_ratios")
        assert len(ratios["aspect_ratios"]) == 7
        assert ratios["aspect_ratios"][0] | {"use": ""} == {
            "aspect_ratio": "16:9",
            "width": 1360,
            "height": 752,
            "use": "",
        }
        actions = await called(client, "luma_list_actions")
        assert [action["tool"] for action in actions["actions"]] == [tool.name for tool in TOOLS]


@pytest.mark.parametrize("mode", MODES)
async def test_guides(service: RunningService, mode: ConnectMode):
    """The guides are listed and read, and name tools that exist."""
    async with caller(service, mode=mode) as client:
        guides = (await client.list_prompts()).prompts
        assert {guide.name for guide in guides} == {
            "luma_video_generation_guide",
            "luma_workflow_examples",
            "luma_prompt_suggestions",
        }
        names = {tool.name for tool in TOOLS}
        for guide in guides:
            (said,) = (await client.get_prompt(guide.name)).messages
            words = {word.strip("(),.:;").split("(")[0] for word in said.content.text.split()}
            assert {word for word in words if word.startswith("luma_")} <= names
        with pytest.raises(MCPError, match="Unknown prompt"):
            await client.get_prompt("luma_nothing")


@pytest.mark.parametrize("mode", MODES)
async def test_resources(service: RunningService, mode: ConnectMode):
    """A task and each of its files are listed as resources, named by templates, and can be read."""
    async with caller(service, mode=mode) as client:
        task_id = (await called(client, "luma_generate_video", prompt="A lake " * 20, **SHORT))["task_id"]
        done = await ended(client, task_id)
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == [
            "filmgate://tasks/{task_id}",
            "filmgate://tasks/{task_id}/{file}",
        ]
        found, cursor = [], None
        while True:
            page = await client.list_resources(cursor=cursor)
            found += page.resources
            cursor = page.next_cursor
            if cursor is None or any(task_id in resource.uri for resource in found):
                break
        mine = {resource.uri.rpartition(task_id)[2]: resource for resource in found if task_id in resource.uri}
        assert set(mine) == {"", "/video", "/thumbnail", "/last_frame"}
        (record,) = (await client.read_resource(mine[""].uri)).contents
        assert json.loads(record.text) == done
        for name in ("/video", "/thumbnail", "/last_frame"):
            (file,) = (await client.read_resource(mine[name].uri)).contents
            assert file.mime_type == mine[name].mime_type
            assert len(base64.b64decode(file.blob)) == mine[name].size
        for uri in (f"filmgate://tasks/{task_id}/image", "filmgate://tasks/", "http://127.0.0.1/", "filmgate://x"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="cursor"):
            await client.list_resources(cursor="nonsense")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("luma_get_task", {}, "task_id"),
    ("luma_get_task", {"task_id": 5}, "task_id"),
    ("luma_get_task", {"task_id": None}, "task_id"),
    ("luma_get_tasks_batch", {"task_ids": []}, "task_ids"),
    ("luma_get_tasks_batch", {"task_ids": ["x"] * 50 + list(map(str, range(100)))}, "task_ids"),
    ("luma_generate_video", {"prompt": ""}, "prompt"),
    ("luma_generate_video", {"prompt": "   "}, "prompt"),
    ("luma_generate_video", {"prompt": "x" * 5_001}, "prompt"),
    ("luma_generate_video", {"prompt": "x", "aspect_ratio": "5:4"}, "aspect_ratio"),
    ("luma_generate_video", {"prompt": "x", "resolution": "8k"}, "resolution"),
    ("luma_generate_video", {"prompt": "x", "duration": 11}, "duration"),
    ("luma_generate_video", {"prompt": "x", "loop": "yes"}, "loop"),
    ("luma_generate_video", {"prompt": "x", "callback_url": "ftp://x"}, "callback_url"),
    ("luma_generate_video_from_image", {"prompt": "x", "start_image_url": "C:\\cat.png"}, "start_image_url"),
    ("luma_generate_video_from_image", {"prompt": "x", "end_image_url": "data:image/png;base64,xxxx"}, "end_image_url"),
    ("luma_extend_video", {"prompt": "x", "video_id": ""}, "video_id"),
    ("luma_extend_video_from_url", {"prompt": "x", "video_url": "nonsense"}, "video_url"),
    ("luma_list_tasks", {"state": "processing"}, "state"),
    ("luma_list_tasks", {"limit": 0}, "limit"),
    ("luma_wait_task", {"task_id": UNKNOWN, "timeout_seconds": 51}, "timeout_seconds"),
]


@pytest.mark.parametrize(("tool", "arguments", "field"), WRONG)
def test_wrong_arguments_are_named(http: httpx2.Client, tool: str, arguments: dict[str, Any], field: str):
    """What cannot be used is an error result that names the argument, the code and the request."""
    answer = http.post("/mcp", json=message("tools/call", {"name": tool, "arguments": arguments}))
    result = answer.json()["result"]
    assert result["isError"] is True
    error = json.loads(result["content"][0]["text"])["error"]
    assert error["code"] in ("bad_request", "invalid_media")
    assert error["field"] == field, error
    assert field in error["message"] or field == "callback_url"
    assert error["trace_id"] == answer.headers["X-Trace-Id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, -32700),
        (b"{", 400, -32700),
        (b"[]", 400, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, None),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/call","params":{"name":"luma_get_task"}}', 400, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"luma_nothing"}}', 200, -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}', 200, -32602),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"luma_get_task","arguments":[]}}',
            200,
            -32602,
        ),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', 200, -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"no/such"}', 200, -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', 400, None),
        (b"[" * 100_000, 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\xff"}}', 400, -32700),
    ],
)
def test_messages_that_make_no_sense(http: httpx2.Client, body: bytes, status: int, code: int | None):
    """Each gets a JSON-RPC error, never a traceback."""
    answer = http.post("/mcp", content=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code or code is None


def test_headers_that_contradict_the_body(http: httpx2.Client):
    """Where headers repeat what the body says, both have to say the same; versions that are not served are told."""
    body, headers = modern("tools/call", {"name": "luma_get_task", "arguments": {"task_id": UNKNOWN}})
    assert http.post("/mcp", json=body, headers=headers).json()["result"]["resultType"] == "complete"
    for name, value in (("Mcp-Name", "luma_delete_task"), ("Mcp-Method", "tools/list"), ("Mcp-Name", "")):
        assert http.post("/mcp", json=body, headers={**headers, name: value}).json()["error"]["code"] == -32020
    double = [*headers.items(), ("Mcp-Name", "luma_delete_task")]
    assert http.post("/mcp", json=body, headers=double).json()["error"]["code"] == -32020
    newer = http.post("/mcp", json=message("ping"), headers={"Mcp-Protocol-Version": "2099-01-01"})
    assert newer.status_code == 400
    assert http.post("/mcp", json=message("tools/list"), headers={"Accept": "text/html"}).status_code == 200


@settings(max_examples=150)
@given(
    tool=st.sampled_from([tool.name for tool in TOOLS]),
    arguments=st.dictionaries(st.text(), ANYTHING) | ANYTHING,
    number=ANYTHING,
    meta=ANYTHING,
)
def test_anything_gets_an_answer(service: RunningService, tool: str, arguments: Any, number: Any, meta: Any):
    """Whatever is sent as id, arguments and meta gets an answer of the protocol; nothing breaks."""
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    if tool == "luma_wait_task" and isinstance(arguments, dict):
        arguments.setdefault("timeout_seconds", 0)
    answer = httpx2.post(
        f"{service.url}/mcp", json={**message("tools/call", params), "id": number}, headers=service.headers, timeout=60
    )
    assert answer.status_code in (200, 202, 400)
    if answer.status_code != 202:
        assert ("result" in answer.json()) != ("error" in answer.json())
    assert "Something went wrong" not in answer.text
