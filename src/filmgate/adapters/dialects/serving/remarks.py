"""What every answer says of a task that was not made as it was asked for; nothing is said of any other task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, TypeVar, cast

from typing_extensions import TypedDict

from filmgate.domain.task import Task

_AS_IT_IS: Final[Mapping[str, str]] = {}


class AdjustedValue(TypedDict):
    """A value that is not used as it was asked for; `used` is null where there is no such thing in what is made."""

    field: str
    asked: str | int | float | bool | None
    used: str | int | float | bool | None
    reason: str


class Remarks(TypedDict):
    """How far a task is from what was asked for; each key is there only if it says something.

    A `preview` draws a scene from the words it knows; `ignored_words` are the others, known once it is completed.
    """

    preview: NotRequired[Literal[True]]
    ignored_words: NotRequired[list[str]]
    adjustments: NotRequired[list[AdjustedValue]]


Written = TypeVar("Written", bound=Remarks)


class Metadata(TypedDict):
    """The same for APIs whose objects are closed: one key, there only if there is anything to say."""

    metadata: NotRequired[Remarks]


def adjustments(task: Task, names: Mapping[str, str] = _AS_IT_IS) -> list[AdjustedValue]:
    """Return the values of a task that are not used as they were asked for, under the dialect's names of them."""
    return [
        {
            "field": names.get(change.field, change.field),
            "asked": change.asked,
            "used": change.used,
            "reason": change.reason,
        }
        for change in task.work.adjustments
    ]


def remarks(task: Task, names: Mapping[str, str] = _AS_IT_IS) -> Remarks:
    """Return the remarks about a task, with values under the dialect's names of them."""
    said: Remarks = {}
    if task.preview:
        said["preview"] = True
    if words := task.ignored_words:
        said["ignored_words"] = words
    if changes := adjustments(task, names):
        said["adjustments"] = changes
    return said


def add_remarks(written: Written, task: Task, names: Mapping[str, str] = _AS_IT_IS) -> Written:
    """Return the JSON of a task with its remarks."""
    return cast("Written", {**written, **remarks(task, names)})


def metadata(task: Task, names: Mapping[str, str] = _AS_IT_IS) -> Metadata:
    """Return the remarks about a task, under `metadata`."""
    said = remarks(task, names)
    return {"metadata": said} if said else {}
