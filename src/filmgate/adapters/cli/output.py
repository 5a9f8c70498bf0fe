"""What a command says: results on stdout, everything else on stderr, as text or as JSON."""

from __future__ import annotations

import datetime
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmgate.adapters.cli.errors import CommandExit
    from filmgate.client import Task
    from filmgate.client.results import Adjustment


def emit(document: Any) -> None:
    """Write one JSON document to stdout."""
    print(_json(document), flush=True)


def document(task: Task) -> dict[str, Any]:
    """Return a task as what JSON is made of."""
    from msgspec import to_builtins

    builtins: dict[str, Any] = to_builtins(task)
    return builtins


def complain(stop: CommandExit, *, as_json: bool) -> None:
    """Print to stderr why the command ends."""
    if as_json:
        told = {"message": stop.message, "hint": stop.hint, **stop.told}
        error = {name: value for name, value in told.items() if value is not None}
        print(_json({"error": error}), file=sys.stderr)
        return
    print(f"filmgate: {printable(stop.message)}", file=sys.stderr)
    if stop.hint:
        print(stop.hint, file=sys.stderr)


_WAITS_FOR = {
    "inputs": "the files it refers to, which are being fetched",
    "engine": "a turn at its engine",
    "provider": "the provider, which has it",
}


def describe(task: Task, saved: object = None) -> str:
    """Write down a task for people, one fact per line."""
    facts = [
        ("state", task.state if task.final else f"{task.state}, {task.progress} %"),
        ("prompt", task.prompt),
        ("engine", " ".join(filter(None, (task.engine, task.model and f"({task.model})")))),
        ("created", task.created_at),
        ("finished", task.finished_at),
        ("waits for", _WAITS_FOR.get(task.waiting_for or "", task.waiting_for)),
        ("next attempt", task.next_attempt_at),
        ("files", task.media_expired_at and f"were removed {task.media_expired_at}"),
        ("failure", task.failure and f"{task.failure.message} ({task.failure.code})"),
    ]
    return lines([*facts, *files(task, saved)])


def remarks(task: Task) -> list[tuple[str, object]]:
    """Return the adjustments of a request."""
    known = "a scene drawn from the words of the prompt that the engine knows"
    changes: list[tuple[str, object]] = [("changed", _format_change(change)) for change in task.adjustments]
    return [("preview", task.preview and known), ("ignored", " ".join(task.ignored_words)), *changes]


def _format_change(change: Adjustment) -> str:
    asked, used = ("nothing" if value is None else value for value in (change.asked, change.used))
    return f"{change.field}: {asked} was asked for, {used} is used: {change.reason}"


def files(task: Task, saved: object = None) -> list[tuple[str, object]]:
    """Return the links of a task, and where its video was saved."""
    video = task.video
    facts: list[tuple[str, object]] = []
    if video is not None:
        seconds = None if video.duration is None else f"{video.duration:.2f} s"
        frames = None if video.frames is None else f"{video.frames} frames"
        size = None if video.bytes is None else megabytes(video.bytes)
        facts = [
            ("video", video.url),
            ("size", ", ".join(filter(None, (f"{video.width}x{video.height}", seconds, frames, size)))),
        ]
    links = [("thumbnail", task.thumbnail), ("last frame", task.last_frame), ("saved", saved)]
    return [*facts, *links, *remarks(task)]


def lines(facts: list[tuple[str, object]]) -> str:
    """Write facts one per line, leaving out the unknown ones."""
    return "\n".join(f"{name:<11} {printable(str(value))}" for name, value in facts if value not in (None, "", False))


def printable(text: str) -> str:
    """Replace what could steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def megabytes(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def moment(seconds: float) -> str:
    """Write a time in unix seconds as people and programs read it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(document: Any) -> str:
    from msgspec.json import encode

    return encode(document).decode()
