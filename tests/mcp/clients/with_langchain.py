"""Use the tools of a service as an agent of LangChain does, and print what was seen as JSON."""

import asyncio
import json
import os

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from scenario import COMMAND, KEY, TRANSPORT, URL, innermost, told

PROGRESS = []


async def heard(progress, total, message, context):
    """Take note of progress."""
    PROGRESS.append([progress, total])


def server():
    """Return how to reach the service."""
    if TRANSPORT == "stdio":
        return {"transport": "stdio", "command": COMMAND[0], "args": COMMAND[1:], "env": dict(os.environ)}
    return {"transport": "streamable_http", "url": URL, "headers": {"Authorization": f"Bearer {KEY}"}}


async def main():
    """Load the tools, make a video, and do what is refused."""
    client = MultiServerMCPClient({"filmgate": server()}, callbacks=Callbacks(on_progress=heard))
    tools = {tool.name: tool for tool in await client.get_tools()}

    async def call(name, **arguments):
        found = await tools[name].ainvoke(arguments)
        return json.loads(found if isinstance(found, str) else found[0]["text"])

    started = await call("luma_generate_video", prompt="waves [delay=3][steps=6]", duration=1)
    ended = await call("luma_wait_task", task_id=started["task_id"])
    resources = await client.get_resources("filmgate", uris=f"filmgate://tasks/{started['task_id']}")
    return {
        "tools": sorted(tools),
        "ended": ended,
        "progress": PROGRESS,
        "resource": json.loads(resources[0].as_string()),
        "wrong": await call("luma_generate_video", prompt="a", duration=99),
    }


try:
    told(asyncio.run(main()))
except Exception as error:  # noqa: BLE001 - what the client makes of a refusal is what is looked at
    told({"refused": innermost(error)})
