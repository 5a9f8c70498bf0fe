"""The scenario with the last 1.x of the official client."""

import asyncio
import contextlib
import os

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from scenario import COMMAND, KEY, TRANSPORT, URL, innermost, scenario, told


@contextlib.asynccontextmanager
async def streams():
    """Open the transport that was asked for."""
    if TRANSPORT == "stdio":
        async with stdio_client(
            StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=dict(os.environ))
        ) as two:
            yield two
    else:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=60) as http,
            streamable_http_client(URL, http_client=http) as three,
        ):
            yield three[:2]


async def main():
    """Connect, look around, and make videos."""
    async with streams() as (read, write), ClientSession(read, write) as session:
        greeting = await session.initialize()

        async def send(tool, arguments, heard):
            result = await session.call_tool(tool, arguments, progress_callback=heard)
            return result.structuredContent, result.content[0].text, result.isError

        tools = (await session.list_tools()).tools
        prompts = (await session.list_prompts()).prompts
        saw = await scenario(send)
        resources = (await session.list_resources()).resources
        return saw | {
            "version": greeting.protocolVersion,
            "tools": [tool.name for tool in tools],
            "prompts": [prompt.name for prompt in prompts],
            "resources": [str(resource.uri) for resource in resources],
        }


try:
    told(asyncio.run(main()))
except Exception as error:  # noqa: BLE001 - what the client makes of a refusal is what is looked at
    told({"refused": innermost(error)})
