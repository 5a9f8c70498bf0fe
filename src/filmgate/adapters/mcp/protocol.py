"""Where the SDK's server runs: loaded when it is first needed, since that takes longer than starting the service."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from filmgate.adapters.mcp.handlers import Toolbox
from filmgate.adapters.mcp.resources import Resources
from filmgate.core.tasks.service import TaskService

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = logging.getLogger(__name__)

_UNLIMITED = 2**62


class FullServer:
    """Serves single requests, without sessions: as one JSON document, or as a stream where progress is wanted."""

    def __init__(self, toolbox: Toolbox, tasks: TaskService, resources: Resources) -> None:
        self._parts = toolbox, tasks, resources
        self._ready: asyncio.Future[dict[bool, StreamableHTTPSessionManager]] | None = None
        self._running: asyncio.Task[None] | None = None

    async def serve(self, scope: Any, receive: Any, send: Any, *, stream: bool) -> None:
        """Serve a request with the body from `receive`."""
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._running = asyncio.create_task(self._run(self._ready), name="mcp protocol")
        managers = await asyncio.shield(self._ready)
        await managers[stream].handle_request(scope, receive, send)

    async def close(self) -> None:
        """Stop running work."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self, ready: asyncio.Future[dict[bool, StreamableHTTPSessionManager]]) -> None:
        """Hold the SDK's managers open; they have to be opened and closed by one and the same task."""
        try:
            async with AsyncExitStack() as stack:
                managers = await asyncio.to_thread(self._managers)
                for manager in managers.values():
                    await stack.enter_async_context(manager.run())
                ready.set_result(managers)
                await asyncio.get_running_loop().create_future()
        except Exception as error:
            log.exception("the MCP server stopped; the next request starts it anew")
            self._ready = None
            if not ready.done():
                ready.set_exception(error)

    def _managers(self) -> dict[bool, StreamableHTTPSessionManager]:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from filmgate.adapters.mcp.server import build

        logging.getLogger("mcp").setLevel(logging.WARNING)
        server = build(*self._parts)
        return {
            stream: StreamableHTTPSessionManager(
                server, json_response=not stream, stateless=True, max_request_body_size=_UNLIMITED
            )
            for stream in (False, True)
        }
