"""The tools: their names, what they are for, what they take and give."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from filmgate.adapters.mcp import arguments
from filmgate.adapters.mcp.arguments import MAX_WAIT
from filmgate.adapters.mcp.schema import schema_of
from filmgate.adapters.mcp.view import TaskView
from filmgate.core.tasks.access import Action


class TaskBatch(msgspec.Struct, frozen=True):
    """Several tasks."""

    tasks: Annotated[list[TaskView], Meta(description="In the order asked for.")]
    count: Annotated[int, Meta(description="How many were found.")]
    missing: Annotated[list[str], Meta(description="Ids that name no task of yours (any more).")]


class TaskPage(msgspec.Struct, frozen=True):
    """A part of the list."""

    tasks: Annotated[list[TaskView], Meta(description="The newest first.")]
    total: Annotated[int, Meta(description="How many match in all.")]
    next_offset: Annotated[int | None, Meta(description="`offset` of the next page; null after the last one.")]


class Deletion(msgspec.Struct, frozen=True):
    """What is gone."""

    task_id: str
    deleted: Annotated[bool, Meta(description="Always true: what cannot be deleted is an error.")]


class RatioView(msgspec.Struct, frozen=True):
    """One aspect ratio."""

    aspect_ratio: str
    width: Annotated[int, Meta(description="Pixels, when no resolution is asked for.")]
    height: Annotated[int, Meta(description="Pixels, when no resolution is asked for.")]
    use: Annotated[str, Meta(description="What it suits.")]


class Ratios(msgspec.Struct, frozen=True):
    """The aspect ratios there are."""

    aspect_ratios: list[RatioView]
    default: str


class ActionView(msgspec.Struct, frozen=True):
    """One thing that can be done."""

    action: str
    tool: Annotated[str, Meta(description="The tool that does it.")]
    needs: Annotated[list[str], Meta(description="Its required parameters.")]


class Actions(msgspec.Struct, frozen=True):
    """All that can be done."""

    actions: list[ActionView]


class ModelView(msgspec.Struct, frozen=True):
    """One model, and what it can be asked for."""

    model: Annotated[str, Meta(description="The name to give as `model`; * is every name that is not listed.")]
    kinds: Annotated[list[str], Meta(description="What it makes: video, image.")]
    operations: list[str]
    durations: Annotated[list[int], Meta(description="Lengths in seconds.")]
    aspect_ratios: list[str]
    resolutions: Annotated[list[str], Meta(description="Empty where the size cannot be chosen.")]
    sizes: Annotated[list[str], Meta(description="All sizes there are, as WIDTHxHEIGHT; empty: ratio and resolution.")]
    inputs: Annotated[list[str], Meta(description="What it can start from, end at or be guided by.")]


class ModelViews(msgspec.Struct, frozen=True):
    """The models there are."""

    models: list[ModelView]
    default: Annotated[str | None, Meta(description="The model that is meant where none is named, if one is set.")]


class Tool(NamedTuple):
    """A tool. `long` says that it starts a task, which a client may want to follow as such."""

    name: str
    title: str
    description: str
    takes: type[msgspec.Struct]
    gives: type[msgspec.Struct]
    action: Action = Action.QUERY
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False
    long: bool = False

    @property
    def takes_files(self) -> bool:
        """Whether an argument may be a file as a data URI."""
        return bool(arguments.FILES & set(self.takes.__struct_fields__))

    @property
    def required(self) -> list[str]:
        """Return the names of the arguments that it needs."""
        return [field.encode_name for field in msgspec.structs.fields(self.takes) if field.required]

    @property
    def definition(self) -> dict[str, Any]:
        """Return its description for clients."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": schema_of(self.takes) | {"additionalProperties": False},
            "outputSchema": schema_of(self.gives),
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.action is Action.QUERY,
                "destructiveHint": self.destructive,
                "idempotentHint": self.idempotent,
                "openWorldHint": self.open_world,
            },
        }


WAIT: Final = "luma_wait_task"
"""The one tool that may keep its caller waiting."""

_ERRORS: Final = "An error result has code, message and trace_id"
_READS: Final = "Reads only: nothing is billed or changed."
_STARTS: Final = (
    "Returns at once with a pending task and its task_id; it never waits for the video. Every call starts a new task, "
    "billed by the engine's provider if it has one, so do not repeat a call that succeeded."
)
_STARTED: Final = (
    f"{_ERRORS}: bad_request names the field to correct, too_many_requests the seconds to wait. "
    "Later trouble (an unreachable picture, say) shows as state failed."
)

TOOLS: Final = (
    Tool(
        "luma_generate_video",
        "Generate a video from text",
        "Start making a video from a text prompt alone.\n"
        "Use it when there is no picture or video to start from; with a picture use luma_generate_video_from_image, to "
        "continue a video luma_extend_video.\n"
        f"{_STARTS} Then call luma_wait_task.\n"
        f"{_STARTED}",
        arguments.Generate,
        TaskView,
        action=Action.SUBMIT,
        idempotent=False,
        open_world=True,
        long=True,
    ),
    Tool(
        "luma_generate_video_from_image",
        "Generate a video from pictures",
        "Start making a video that begins at one picture, ends at another, or moves from the one to the other.\n"
        "Use it when the user gives at least one picture; without any use luma_generate_video, to continue a video "
        "luma_extend_video.\n"
        f"{_STARTS} Then call luma_wait_task.\n"
        f"{_STARTED}",
        arguments.GenerateFromImage,
        TaskView,
        action=Action.SUBMIT,
        idempotent=False,
        open_world=True,
        long=True,
    ),
    Tool(
        "luma_extend_video",
        "Extend a video made here",
        "Start making a longer video: the earlier one and 5 seconds more that follow the prompt, in the same size.\n"
        "Use it for a completed task of this service; for a video from elsewhere use luma_extend_video_from_url. The "
        "earlier video stays as it is.\n"
        f"{_STARTS} Then call luma_wait_task.\n"
        f"{_STARTED}",
        arguments.Extend,
        TaskView,
        action=Action.SUBMIT,
        idempotent=False,
        open_world=True,
        long=True,
    ),
    Tool(
        "luma_extend_video_from_url",
        "Extend a video from its address",
        "Start making a longer video from one that has only an address: fetch it and add 5 seconds that follow the "
        "prompt.\n"
        "Use it when there is no video_id; for a task of this service luma_extend_video is faster and keeps the size.\n"
        f"{_STARTS} Then call luma_wait_task.\n"
        f"{_STARTED}",
        arguments.ExtendFromUrl,
        TaskView,
        action=Action.SUBMIT,
        idempotent=False,
        open_world=True,
        long=True,
    ),
    Tool(
        "luma_get_task",
        "Look at a task",
        "Get one task: its state, progress, links and sizes of the finished video, or why it failed.\n"
        "Use it for a quick look, or to get the links of an earlier video again. To wait for the end use "
        "luma_wait_task, for two or more ids luma_get_tasks_batch, without an id luma_list_tasks.\n"
        f"{_READS} Answers at once. While state is pending, leave poll_after_seconds between calls; stop at completed "
        "or failed. A failed task is a normal answer with `failure`. To see the video, ask for include_thumbnail.\n"
        f"{_ERRORS}: not_found for an id that is unknown, deleted or not yours.",
        arguments.Look,
        TaskView,
    ),
    Tool(
        WAIT,
        "Wait for a task to end",
        f"Wait until a task has ended, at most {MAX_WAIT} seconds, and get it as luma_get_task does.\n"
        "Use it right after starting a video. Still pending afterwards is no error: call it again. For a look without "
        "waiting use luma_get_task, for several tasks luma_get_tasks_batch.\n"
        f"{_READS} Blocks until then; sends progress if the client asks for it. Giving up the call does not stop the "
        "task (luma_cancel_task does).\n"
        f"{_ERRORS}: not_found for an id that is unknown, deleted or not yours.",
        arguments.Wait,
        TaskView,
    ),
    Tool(
        "luma_get_tasks_batch",
        "Look at several tasks",
        "Get several tasks by their ids in one call, each as luma_get_task gives it.\n"
        "Use it to follow two or more videos; for one use luma_get_task, without ids luma_list_tasks.\n"
        f"{_READS} Answers at once and counts as one request. Unknown, deleted and foreign ids are listed in "
        "`missing`, not refused.\n"
        f"{_ERRORS}: bad_request when there are too many ids.",
        arguments.SomeTasks,
        TaskBatch,
    ),
    Tool(
        "luma_list_tasks",
        "List tasks",
        "List your tasks, the newest first, whichever program started them.\n"
        "Use it to find a task whose id is lost, or to see what is going on; with the id use luma_get_task.\n"
        f"{_READS} Answers at once, a page at a time: pass next_offset as offset for more. No match is an empty list.\n"
        f"{_ERRORS}: bad_request names the field to correct.",
        arguments.Listing,
        TaskPage,
    ),
    Tool(
        "luma_cancel_task",
        "Cancel a task",
        "Stop a task that is still pending; it ends failed with the code cancelled and stays listed.\n"
        "Use it when the video is no longer wanted; to remove a task and its files use luma_delete_task.\n"
        "Cannot be undone. A task that has ended is left as it is and returned. Counts against the rate of submits.\n"
        f"{_ERRORS}: not_found for an id that is unknown, deleted or not yours.",
        arguments.OneTask,
        TaskView,
        action=Action.SUBMIT,
        destructive=True,
    ),
    Tool(
        "luma_delete_task",
        "Delete a task and its files",
        "Remove a task for good, whatever its state: video, pictures and record are gone and the links dead at once.\n"
        "Use it only when the user asks for it; to merely stop a task use luma_cancel_task.\n"
        "Cannot be undone. Videos extended from it remain. Counts against the rate of submits.\n"
        f"{_ERRORS}: not_found for an id that is unknown, not yours, or deleted already.",
        arguments.OneTask,
        Deletion,
        action=Action.SUBMIT,
        destructive=True,
    ),
    Tool(
        "luma_list_aspect_ratios",
        "List aspect ratios",
        "List the aspect ratios with their pixels and uses.\n"
        "Use it before luma_generate_video or luma_generate_video_from_image when the user names a format or a "
        "platform but no ratio; for what tools there are use luma_list_actions.\n"
        f"{_READS} Answers at once, always the same.",
        arguments.Nothing,
        Ratios,
    ),
    Tool(
        "luma_list_models",
        "List models",
        "List the models with what each can be asked for: lengths, ratios, resolutions, inputs.\n"
        "Use it before luma_generate_video when the user names a model, or after the error model_not_found; for the "
        "pixels of a ratio use luma_list_aspect_ratios.\n"
        f"{_READS} Answers at once; the admin of the service decides which there are.",
        arguments.Nothing,
        ModelViews,
    ),
    Tool(
        "luma_list_actions",
        "List what can be done",
        "List what can be done here and which tool does it.\n"
        "Use it to choose a tool; for sizes use luma_list_aspect_ratios, for your videos luma_list_tasks.\n"
        f"{_READS} Answers at once, always the same.",
        arguments.Nothing,
        Actions,
    ),
)
"""All tools, in the order in which they are listed."""

BY_NAME: Final = {tool.name: tool for tool in TOOLS}


@cache
def definitions() -> tuple[dict[str, Any], ...]:
    """Return the descriptions of all tools for clients."""
    return tuple(tool.definition for tool in TOOLS)
