"""A task as the tools show it: the same keys in every state, and what to do next."""

from __future__ import annotations

import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from filmgate.domain.adjustments import Value
from filmgate.domain.failures import FailureCode
from filmgate.domain.states import State, WaitsFor
from filmgate.domain.task import Task

StateWord = Literal["pending", "completed", "failed"]
"""What agents are told: `pending` until the end, as other Luma servers have it."""

STATES: Final[dict[StateWord, tuple[State, ...]]] = {
    "pending": (State.PENDING, State.PROCESSING),
    "completed": (State.COMPLETED,),
    "failed": (State.FAILED,),
}
_WORDS: Final[dict[State, StateWord]] = {state: word for word, states in STATES.items() for state in states}

_NAMES: Final = {"enhance": "enhancement"}
_AT_WORK_SECONDS: Final = 10
_IN_LINE_SECONDS: Final = 15
_WAITING = "Call luma_wait_task with this task_id, or luma_get_task after poll_after_seconds. Do not submit again."
_DONE = "Finished: give video_url to the user. luma_extend_video with this video_id makes it longer."
_DONE_IMAGE = "Finished: give image_url to the user."
_PREVIEW = "Say that it is a preview, which does not show ignored_words."
_EXPIRED = "Finished, but the files are not kept any more and the links are dead. Submit again only if they are needed."
_CANCELLED = "Cancelled by its owner. Submit again only if the user wants it after all."
_CHANGE = "Do not poll. Change what the failure names, then submit anew."
_AGAIN = "Do not poll. The request was fine: submitting it once more can succeed."
_NEXT: Final[dict[str, str]] = {
    FailureCode.CANCELLED: _CANCELLED,
    FailureCode.EXPIRED: _AGAIN,
    FailureCode.ENGINE_CRASHED: _AGAIN,
    FailureCode.OUTPUT_MISSING: _AGAIN,
}


class FailureView(msgspec.Struct, frozen=True):
    """Why a task failed."""

    code: Annotated[str, Meta(description="For programs, such as cancelled, invalid_media, generation_failed.")]
    message: Annotated[str, Meta(description="For people.")]


class AdjustmentView(msgspec.Struct, frozen=True):
    """A value that is not used as it was asked for."""

    field: Annotated[str, Meta(description="Name of the parameter.")]
    asked: Annotated[Value, Meta(description="What was asked for.")]
    used: Annotated[Value, Meta(description="What is used instead; null: nothing.")]
    reason: Annotated[str, Meta(description="Why, and what can be asked for.")]


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A task."""

    task_id: Annotated[str, Meta(description="Names the task in all other tools.")]
    state: Annotated[StateWord, Meta(description="pending until it ends; completed and failed never change again.")]
    progress: Annotated[int, Meta(ge=0, le=100, description="Percent. 0 may also mean that it waits in line.")]
    waiting_for: Annotated[
        WaitsFor | None,
        Meta(description="inputs: files it refers to are fetched; engine: a turn; provider: it is made there."),
    ]
    next_step: Annotated[str, Meta(description="What to do now.")]
    poll_after_seconds: Annotated[int | None, Meta(description="When to look again; null: never, it has ended.")]
    video_id: Annotated[str, Meta(description="Names the video for luma_extend_video, once completed.")]
    video_url: Annotated[str | None, Meta(description="MP4; needs no key; good until the task is deleted.")]
    video_width: Annotated[int | None, Meta(description="Pixels.")]
    video_height: Annotated[int | None, Meta(description="Pixels.")]
    video_duration: Annotated[float | None, Meta(description="Seconds.")]
    video_bytes: Annotated[int | None, Meta(description="Size of the file.")]
    image_url: Annotated[str | None, Meta(description="Of a task that made a picture instead of a video.")]
    thumbnail_url: Annotated[str | None, Meta(description="JPEG of the beginning.")]
    thumbnail_width: Annotated[int | None, Meta(description="Pixels.")]
    thumbnail_height: Annotated[int | None, Meta(description="Pixels.")]
    last_frame_url: Annotated[str | None, Meta(description="JPEG of the end.")]
    failure: Annotated[FailureView | None, Meta(description="Why it failed; null otherwise.")]
    preview: Annotated[
        bool, Meta(description="Whether it only draws a scene from some words of the prompt. Tell the user if so.")
    ]
    ignored_words: Annotated[
        list[str], Meta(description="Words of the prompt that a preview does not show; known once it is completed.")
    ]
    adjustments: Annotated[
        list[AdjustmentView], Meta(description="Values that are not used as asked for. Tell the user of them.")
    ]
    prompt: Annotated[str, Meta(description="As submitted.")]
    aspect_ratio: Annotated[str, Meta(description="As submitted.")]
    created_at: Annotated[str, Meta(description="RFC 3339.")]
    finished_at: Annotated[str | None, Meta(description="RFC 3339; null until it ends.")]
    trace_id: Annotated[str, Meta(description="Of the request that submitted it, for the admin's log.")]


def view(task: Task, base: str) -> TaskView:
    """Show a task, with links below the base address."""
    output = task.output
    video = output.video if output else None
    image = output.image if output else None
    thumbnail = output.thumbnail if output else None
    return TaskView(
        task_id=task.id,
        state=_WORDS[task.state],
        progress=100 if task.state is State.COMPLETED else task.percent,
        waiting_for=task.waiting_for,
        next_step=_next_step(task),
        poll_after_seconds=poll_after(task),
        video_id=task.video_id,
        video_url=task.link(video, base),
        video_width=video.facts.width if video else None,
        video_height=video.facts.height if video else None,
        video_duration=video.facts.duration if video else None,
        video_bytes=video.bytes if video else None,
        image_url=task.link(image, base),
        thumbnail_url=task.link(thumbnail, base),
        thumbnail_width=thumbnail.facts.width if thumbnail else None,
        thumbnail_height=thumbnail.facts.height if thumbnail else None,
        last_frame_url=task.link(output.last_frame if output else None, base),
        failure=FailureView(task.failure.code, task.failure.message) if task.failure else None,
        preview=task.preview,
        ignored_words=task.ignored_words,
        adjustments=[
            AdjustmentView(_NAMES.get(each.field, each.field), each.asked, each.used, each.reason)
            for each in task.work.adjustments
        ],
        prompt=task.generation.prompt,
        aspect_ratio=task.generation.aspect_ratio,
        created_at=rfc3339(task.created_at),
        finished_at=None if task.finished_at is None else rfc3339(task.finished_at),
        trace_id=task.trace_id,
    )


def poll_after(task: Task) -> int | None:
    """Return after how many seconds to look again; None for a task that has ended."""
    if task.final:
        return None
    return _IN_LINE_SECONDS if task.state is State.PENDING else _AT_WORK_SECONDS


def progress_words(task: Task) -> str:
    """Return how far a task has got, for people."""
    if task.final:
        return _WORDS[task.state]
    if task.waiting_for is WaitsFor.INPUTS:
        return "waiting for the files it refers to, which are being fetched"
    return "waiting in line" if task.state is State.PENDING else f"being made, {task.percent} %"


def rfc3339(seconds: float) -> str:
    """Write a time in unix seconds as RFC 3339 with milliseconds and a Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def _next_step(task: Task) -> str:
    if not task.final:
        return _WAITING
    if task.failure is not None:
        return _NEXT.get(task.failure.code, _CHANGE)
    if task.output is not None and task.output.expired_at is not None:
        return _EXPIRED
    done = _DONE if task.output is None or task.output.image is None else _DONE_IMAGE
    return f"{done} {_PREVIEW}" if task.preview else done
