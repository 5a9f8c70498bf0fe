"""The scenario with the client of fastmcp."""

import asyncio
import os

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from scenario import COMMAND, KEY, TRANSPORT, URL, innermost, scenario, told


def transport():
    """Return the transport that was asked for."""
    if TRANSPORT == "stdio":
        return StdioTransport(COMMAND[0], COMMAND[1:], env=dict(os.environ), keep_alive=False)
    return StreamableHttpTransport(URL, auth=KEY)


async def main():
    """Connect, look around, and make videos."""
    async with Client(transport()) as client:

        async def send(tool, arguments, heard):
            result = await client.call_tool(tool, arguments, progress_handler=heard, raise_on_error=False)
            return result.structured_content, result.content[0].text, result.is_error

        saw = await scenario(send)
        return saw | {
            "version": client.protocol_version,
            "tools": [tool.name for tool in await client.list_tools()],
            "prompts": [prompt.name for prompt in await client.list_prompts()],
            "resources": [str(resource.uri) for resource in await client.list_resources()],
        }


try:
    told(asyncio.run(main()))
except Exception as error:  # noqa: BLE001 - what the client makes of a refusal is what is looked at
    told({"refused": innermost(error)})
