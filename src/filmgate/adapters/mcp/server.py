"""The whole protocol, by the official SDK's server, over the same tools. Importing this takes a while."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import mcp_types as types
import msgspec
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from filmgate.adapters.mcp import prompts, tasks_extension
from filmgate.adapters.mcp.fast_path import SERVER_INFO
from filmgate.adapters.mcp.handlers import Call, Report, Toolbox
from filmgate.adapters.mcp.resources import TEMPLATES, Resources
from filmgate.adapters.mcp.results import error_words
from filmgate.adapters.mcp.tools import BY_NAME, definitions
from filmgate.adapters.mcp.view import progress_words
from filmgate.core.tasks.access import Action, authorize
from filmgate.core.tasks.service import TaskService
from filmgate.domain.errors import FilmgateError
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext

CONTEXT: Final = "filmgate.context"
"""Where an ASGI scope holds the context of its request."""

_RESOURCE_NOT_FOUND: Final = -32002
_LASTING: Final = CacheHint(ttl_ms=3_600_000, scope="public")

Context = ServerRequestContext[Any, Any]


class TaskParams(types.RequestParams):
    """Which task; what else an update brings is ignored, since no task here asks for anything."""

    task_id: str


class ProtocolHandlers:
    """Answers the requests of the protocol."""

    def __init__(self, toolbox: Toolbox, tasks: TaskService, resources: Resources) -> None:
        self._toolbox = toolbox
        self._tasks = tasks
        self._resources = resources
        self._tools = [types.Tool.model_validate(definition) for definition in definitions()]

    async def list_tools(self, context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Return all tools; there is one page."""
        del context, params
        return types.ListToolsResult(tools=self._tools)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
        """Run a tool."""
        tool = BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}. tools/list names those there are.")
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        call = Call(_asking(context), modern and tasks_extension.is_declared(_meta(context)), _reporter(context))
        outcome = await self._toolbox.call(tool, params.arguments or {}, call)
        return {**msgspec.json.decode(outcome.body), "resultType": outcome.type}

    async def list_prompts(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """Return all guides; there is one page."""
        del context, params
        return types.ListPromptsResult(
            prompts=[types.Prompt.model_validate(guide.definition) for guide in prompts.GUIDES]
        )

    async def get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Return a guide."""
        del context
        guide = prompts.BY_NAME.get(params.name)
        if guide is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}. prompts/list names those there are.")
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=guide.text))
        return types.GetPromptResult(description=guide.description, messages=[message])

    async def list_resources(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """Return a page of the caller's tasks and files."""
        asking = _asking(context)
        try:
            found, cursor = await self._resources.list_page(asking, params.cursor if params else None)
        except FilmgateError as error:
            _refuse(error, asking, types.INVALID_PARAMS)
        resources = [types.Resource.model_validate(resource) for resource in found]
        return types.ListResourcesResult(resources=resources, next_cursor=cursor)

    async def list_templates(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Return how tasks and files are named."""
        del context, params
        templates = [types.ResourceTemplate.model_validate(template) for template in TEMPLATES]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(self, context: Context, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        """Return a task or a file."""
        asking = _asking(context)
        try:
            return {"contents": [await self._resources.read(asking, params.uri)]} | _fresh(context)
        except FilmgateError as error:
            modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
            unknown = error.status == 404 and not modern
            _refuse(error, asking, _RESOURCE_NOT_FOUND if unknown else types.INVALID_PARAMS, uri=params.uri)

    async def get_task(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Return the state of long work, and its result once there is one."""
        _require_extension(context)
        asking = _asking(context)
        return tasks_extension.describe_task(await self._task(asking, params.task_id), asking.base_url)

    async def update_task(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Take note: no task here asks its client for anything."""
        _require_extension(context)
        await self._task(_asking(context), params.task_id)
        return {}

    async def cancel_task(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Stop long work; an ended task stays as it is."""
        _require_extension(context)
        asking = _asking(context)
        try:
            authorize(asking.caller, Action.SUBMIT)
            await self._tasks.cancel(asking, params.task_id)
        except FilmgateError as error:
            _refuse(error, asking, types.INVALID_PARAMS)
        return {}

    async def _task(self, asking: RequestContext, task_id: str) -> Task:
        try:
            return await self._tasks.get(asking, task_id)
        except FilmgateError as error:
            _refuse(error, asking, types.INVALID_PARAMS)


def build(toolbox: Toolbox, tasks: TaskService, resources: Resources) -> Server[Any]:
    """Make the server."""
    handlers = ProtocolHandlers(toolbox, tasks, resources)
    server: Server[Any] = Server(
        SERVER_INFO["name"],
        title=SERVER_INFO["title"],
        version=SERVER_INFO["version"],
        instructions=prompts.INSTRUCTIONS,
        cache_hints={
            "server/discover": _LASTING,
            "tools/list": _LASTING,
            "prompts/list": _LASTING,
            "resources/templates/list": _LASTING,
        },
        get_tool_input_schema=_no_headers,
        on_list_tools=handlers.list_tools,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
    )
    server.extensions[tasks_extension.EXTENSION] = {}
    server.add_request_handler("tools/call", types.CallToolRequestParams, handlers.call_tool)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, handlers.read_resource)
    server.add_request_handler("tasks/get", TaskParams, handlers.get_task)
    server.add_request_handler("tasks/update", TaskParams, handlers.update_task)
    server.add_request_handler("tasks/cancel", TaskParams, handlers.cancel_task)
    return server


def _no_headers(name: str) -> None:
    """Mark a tool as having no arguments in headers."""
    del name


def _asking(context: Context) -> RequestContext:
    """Return the context that the endpoint has found."""
    asking: RequestContext = context.request.scope[CONTEXT]  # type: ignore[union-attr]
    return asking


def _meta(context: Context) -> dict[str, Any] | None:
    meta = (context.params or {}).get("_meta")
    return meta if isinstance(meta, dict) else None


def _fresh(context: Context) -> dict[str, Any]:
    """Mark a result as changing at any time, where the version of the protocol can."""
    modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return {"ttlMs": 0, "cacheScope": "private", "resultType": "complete"} if modern else {}


def _reporter(context: Context) -> Report:
    """Report progress, which may only grow; nothing is sent to a client that has not asked for it."""
    told = -1.0

    async def report(task: Task) -> None:
        nonlocal told
        if not task.final and task.percent > told:
            told = task.percent
            await context.session.report_progress(told, 100, progress_words(task))

    return report


def _require_extension(context: Context) -> None:
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        raise MCPError(types.METHOD_NOT_FOUND, "Method not found", context.method)
    if not tasks_extension.is_declared(_meta(context)):
        raise MCPError(
            types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", tasks_extension.REQUIRED
        )


def _refuse(error: FilmgateError, asking: RequestContext, code: int, **more: str) -> NoReturn:
    raise MCPError(code, error.message, {**error_words(error, asking.trace_id), **more}) from error
