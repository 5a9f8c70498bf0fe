"""How a command ends: the exit codes, and the errors that are shown without a traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filmgate.client import FilmgateClientError, Task


class Exit(IntEnum):
    """The exit codes of all commands."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMEOUT = 4
    INTERRUPTED = 130


EXIT_CODES = (
    "Exit codes: 0 done, 1 the task failed or was not found, 2 wrong usage or an invalid request, 3 the service does "
    "not answer or refuses the key, 4 the wait timed out, 130 interrupted."
)


class CommandExit(Exception):
    """Ends a command with an exit code and a sentence for the reader; `hint` says what to do now.

    `code`, `field`, `doc_url`, `trace_id`, `status` and `task_id` are shown to programs only.
    """

    def __init__(
        self,
        message: str,
        exit_code: Exit,
        *,
        code: str,
        hint: str | None = None,
        field: str | None = None,
        status: int | None = None,
        doc_url: str | None = None,
        trace_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.hint = hint
        self.told = {
            "code": code,
            "field": field,
            "doc_url": doc_url,
            "status": status,
            "trace_id": trace_id,
            "task_id": task_id,
        }


def stop_for(error: FilmgateClientError) -> CommandExit:
    """Return the end of a command that the client's error means."""
    exit_code, hint = _meaning(error)
    return CommandExit(
        error.message,
        exit_code,
        code=error.code,
        hint=hint,
        field=error.field,
        status=error.status,
        doc_url=error.doc_url,
        trace_id=error.trace_id,
        task_id=getattr(error, "task_id", None),
    )


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """End the command where Filmgate itself, used without a server, fails."""
    from filmgate.domain.errors import FilmgateError

    try:
        yield
    except FilmgateError as error:
        raise CommandExit(error.message, Exit.FAILED, code=error.code) from error


def task_failure(task: Task) -> CommandExit:
    """Return the end of a command after a failed task."""
    code, reason = (
        ("unknown", "no reason is known") if task.failure is None else (task.failure.code, task.failure.message)
    )
    return CommandExit(f"task {task.id} failed: {reason} ({code})", Exit.FAILED, code=code, task_id=task.id)


def interruption(task_id: str, *options: str) -> CommandExit:
    """Return the end of a command that was interrupted while its task goes on."""
    return CommandExit(
        f"Interrupted; task {task_id} goes on.",
        Exit.INTERRUPTED,
        code="interrupted",
        hint="Go on with: " + " ".join(("filmgate wait", task_id, *options)),
        task_id=task_id,
    )


def _meaning(error: FilmgateClientError) -> tuple[Exit, str | None]:
    from filmgate import client

    match error:
        case client.WaitTimeout():
            return Exit.TIMEOUT, f"Go on with: filmgate wait {error.task_id}"
        case client.OutcomeUnknown():
            return Exit.UNREACHABLE, "Look whether it was accepted: filmgate list"
        case client.ConnectionFailed():
            return Exit.UNREACHABLE, "Start it with `filmgate serve`, or say where it is with --url or FILMGATE_URL."
        case client.WrongService():
            return Exit.UNREACHABLE, (
                "Start the service of the folder with `filmgate serve`, name its folder with FILMGATE_DATA, or give a "
                "key of the service that is meant with --key or FILMGATE_API_KEY."
            )
        case client.Unauthorized(code="forbidden"):
            return Exit.UNREACHABLE, "Give a key that may do this with --key or FILMGATE_API_KEY."
        case client.Unauthorized():
            return (
                Exit.UNREACHABLE,
                "Set an active key with --key or FILMGATE_API_KEY; `filmgate keys create --name NAME` makes one.",
            )
        case client.QuotaExceeded():
            return Exit.FAILED, "See `filmgate usage`."
        case client.ServiceUnavailable() | client.TooManyRequests() | client.UnreadableAnswer():
            return Exit.UNREACHABLE, None
        case client.InvalidInput():
            return Exit.USAGE, None
    return (Exit.USAGE if error.status in (400, 413, 422) else Exit.FAILED), None
