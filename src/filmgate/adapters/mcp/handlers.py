"""What the tools do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, NamedTuple

import msgspec

from filmgate.adapters.mcp import arguments, tasks_extension
from filmgate.adapters.mcp.results import ITEM, RESULT, error_result, result, with_block
from filmgate.adapters.mcp.thumbnails import Thumbnails
from filmgate.adapters.mcp.tools import (
    TOOLS,
    Actions,
    ActionView,
    Deletion,
    ModelView,
    ModelViews,
    Ratios,
    RatioView,
    Tool,
)
from filmgate.adapters.mcp.view import STATES
from filmgate.core.providers.models import Models
from filmgate.core.query.cache import Query
from filmgate.core.tasks.access import authorize
from filmgate.core.tasks.service import SubmitRequest, TaskService
from filmgate.domain.errors import FilmgateError, InvalidRequest, NotFound, WaitTimeout
from filmgate.domain.generation import Generation, Reference, ReferenceKind, check
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, frame_size
from filmgate.domain.task import Task
from filmgate.ports.context import RequestContext
from filmgate.ports.tasks import TaskFilter

log = logging.getLogger(__name__)

NAME: Final = "mcp"
"""The dialect of tasks that were submitted here."""

Report = Callable[[Task], Awaitable[None]]
"""Tells the client how far a task has got."""

_USES: Final = {
    "16:9": "landscape: television, desktop, most video sites",
    "9:16": "portrait: phones, stories, shorts",
    "1:1": "square: feeds",
    "4:3": "classic television, slides",
    "3:4": "portrait photographs",
    "21:9": "cinema, ultra-wide",
    "9:21": "very tall screens",
}


class Call(NamedTuple):
    """Who calls a tool, whether a handle of long work is understood, and who wants to hear of progress."""

    context: RequestContext
    long: bool = False
    report: Report | None = None


class ToolResult(NamedTuple):
    """The JSON of a result, and of which type it is: `complete`, or the handle of a `task`."""

    body: bytes
    type: str = "complete"


class Toolbox:
    """Runs the tools on the ledger, each for the application that calls."""

    def __init__(self, tasks: TaskService, query: Query, models: Models, thumbnails: Thumbnails) -> None:
        self._tasks = tasks
        self._thumbnails = thumbnails
        self._models = models
        self._query = query
        self._runs: dict[str, Callable[[Call, Any], Awaitable[bytes]]] = {
            "luma_get_task": self._get,
            "luma_wait_task": self._wait,
            "luma_get_tasks_batch": self._get_many,
            "luma_list_tasks": self._list,
            "luma_cancel_task": self._cancel,
            "luma_delete_task": self._delete,
            "luma_list_aspect_ratios": self._ratios,
            "luma_list_models": self._list_models,
            "luma_list_actions": self._actions,
        }

    async def call(self, tool: Tool, given: dict[str, Any], call: Call) -> ToolResult:
        """Run a tool. What goes wrong is a result too, which the agent can read."""
        try:
            authorize(call.context.caller, tool.action)
            values = arguments.given_arguments(tool.takes, given)
            said = arguments.read(tool.takes, values)
            if not tool.long:
                return ToolResult(await self._runs[tool.name](call, said))
            task = await self._submit(call.context, said, values)
            if call.long:
                return ToolResult(msgspec.json.encode(tasks_extension.handle(task)), "task")
            return ToolResult(await self._query.write(call.context, task, RESULT))
        except FilmgateError as error:
            return ToolResult(error_result(error, call.context.trace_id))
        except Exception:
            log.exception("tool %s of request %s failed", tool.name, call.context.trace_id)
            defect = FilmgateError("Something went wrong here. The trace id finds it in the log.")
            return ToolResult(error_result(defect, call.context.trace_id))

    async def _get(self, call: Call, said: arguments.Look | arguments.Wait) -> bytes:
        written = await self._query.one(call.context, said.task_id.strip(), RESULT)
        if said.include_thumbnail:
            task = await self._tasks.get(call.context, said.task_id.strip())
            return with_block(written, await self._thumbnails.block(task))
        return written

    async def _wait(self, call: Call, said: arguments.Wait) -> bytes:
        task_id = said.task_id.strip()
        try:
            follow = self._tasks.follow(call.context, task_id)
            async with asyncio.timeout(said.timeout_seconds), aclosing(follow) as news:
                async for task in news:
                    if call.report is not None:
                        await call.report(task)
        except (TimeoutError, WaitTimeout):
            log.debug("task %s continues after a wait", task_id)
        return await self._get(call, said)

    async def _get_many(self, call: Call, said: arguments.SomeTasks) -> bytes:
        ids = [task_id.strip() for task_id in dict.fromkeys(said.task_ids)]
        self._query.check_batch(ids, "task_ids")
        found = await self._query.many(call.context, ids, ITEM)
        known = {task.task_id for task in msgspec.json.decode(found, type=list[arguments.OneTask])}
        missing = [task_id for task_id in ids if task_id not in known]
        return result(msgspec.json.encode({"tasks": msgspec.Raw(found), "count": len(known), "missing": missing}))

    async def _list(self, call: Call, said: arguments.Listing) -> bytes:
        states = STATES[said.state] if said.state else None
        wanted = TaskFilter(states=states, limit=said.limit, offset=said.offset, counted=True)
        page = await self._tasks.find(call.context, wanted)
        written = await self._query.write_batch(call.context, page.tasks, ITEM)
        after = said.offset + len(page.tasks)
        return result(
            msgspec.json.encode(
                {
                    "tasks": msgspec.Raw(written),
                    "total": page.total,
                    "next_offset": after if page.more else None,
                }
            )
        )

    async def _cancel(self, call: Call, said: arguments.OneTask) -> bytes:
        task = await self._tasks.cancel(call.context, said.task_id.strip())
        return await self._query.write(call.context, task, RESULT)

    async def _delete(self, call: Call, said: arguments.OneTask) -> bytes:
        task_id = said.task_id.strip()
        await self._tasks.delete(call.context, task_id)
        return result(msgspec.json.encode(Deletion(task_id, deleted=True)))

    async def _ratios(self, call: Call, said: arguments.Nothing) -> bytes:
        del call, said
        listed = [RatioView(ratio, *frame_size(ratio), _USES[ratio]) for ratio in ASPECT_RATIOS]
        return result(msgspec.json.encode(Ratios(listed, DEFAULT_ASPECT_RATIO)))

    async def _list_models(self, call: Call, said: arguments.Nothing) -> bytes:
        del call, said
        others = self._models.others()
        found = [*self._models.list_models(), *(() if others is None else (others,))]
        views = [
            ModelView(
                model=model.name,
                kinds=list(model.capabilities.kinds),
                operations=list(model.capabilities.operations),
                durations=list(model.capabilities.durations),
                aspect_ratios=list(model.capabilities.aspect_ratios),
                resolutions=list(model.capabilities.resolutions),
                sizes=list(model.capabilities.sizes),
                inputs=list(model.capabilities.inputs),
            )
            for model in found
        ]
        return result(msgspec.json.encode(ModelViews(views, self._models.default)))

    async def _actions(self, call: Call, said: arguments.Nothing) -> bytes:
        del call, said
        listed = [ActionView(tool.title, tool.name, tool.required) for tool in TOOLS]
        return result(msgspec.json.encode(Actions(listed)))

    async def _submit(self, context: RequestContext, said: msgspec.Struct, given: dict[str, Any]) -> Task:
        generation, fields = await self._understood(context, said)
        callback_url: str | None = getattr(said, "callback_url", None)
        order = SubmitRequest(
            check(generation),
            NAME,
            msgspec.json.encode(given),
            callback_url,
            fields,
            terms=arguments.terms(said, given),
        )
        return await self._tasks.submit(context, order)

    async def _understood(self, context: RequestContext, said: msgspec.Struct) -> tuple[Generation, tuple[str, str]]:
        """Understand the generation, and the tool's names of its two sides."""
        match said:
            case arguments.Extend():
                try:
                    earlier = await self._tasks.by_video(context, said.video_id.strip())
                except NotFound as error:
                    raise NotFound(
                        "video_id: no such video. It is the video_id of a completed task, not its task_id.",
                        field="video_id",
                    ) from error
                kept = earlier.generation
                generation = Generation(
                    prompt=said.prompt,
                    aspect_ratio=kept.aspect_ratio,
                    resolution=kept.resolution,
                    model=said.model or kept.model,
                    start=Reference(ReferenceKind.TASK, earlier.id),
                    end=_picture(said.end_image_url),
                )
                return generation, ("video_id", "end_image_url")
            case arguments.ExtendFromUrl():
                generation = Generation(
                    prompt=said.prompt,
                    model=said.model,
                    start=Reference(ReferenceKind.VIDEO, said.video_url),
                    end=_picture(said.end_image_url),
                )
                return generation, ("video_url", "end_image_url")
            case arguments.Generate():
                return _generation(said), ("start_image_url", "end_image_url")
        raise AssertionError(f"{type(said).__name__} is not what a submit takes")


def _generation(said: arguments.Generate) -> Generation:
    start, end = None, None
    if isinstance(said, arguments.GenerateFromImage):
        start, end = _picture(said.start_image_url), _picture(said.end_image_url)
        if start is None and end is None:
            raise InvalidRequest(
                "start_image_url or end_image_url is required; without a picture use luma_generate_video",
                field="start_image_url",
            )
    return Generation(
        prompt=said.prompt,
        aspect_ratio=said.aspect_ratio,
        resolution=said.resolution,
        duration=said.duration,
        loop=said.loop,
        enhance=said.enhancement,
        model=said.model,
        start=start,
        end=end,
    )


def _picture(url: str) -> Reference | None:
    return Reference(ReferenceKind.IMAGE, url) if url else None
