"""Commands that create videos."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.engines import tell_route
from filmgate.adapters.cli.errors import CommandExit, Exit
from filmgate.adapters.cli.follow import follow, report

if TYPE_CHECKING:
    from filmgate.client import Filmgate, Options, Source, Task

Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help="What the video shows.", show_default=False)]


def generate(
    prompt: Prompt,
    aspect_ratio: options.AspectRatio = None,
    resolution: options.Resolution = None,
    duration: options.Duration = None,
    loop: options.Loop = False,
    image: Annotated[
        str | None, typer.Option("--image", metavar="FILE|URL", help="The picture that the clip starts from.")
    ] = None,
    end_image: Annotated[
        str | None, typer.Option("--end-image", metavar="FILE|URL", help="The picture that the clip ends at.")
    ] = None,
    model: options.Model = None,
    strict: options.Strict = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing. Show which engine would take the task, and why.")
    ] = False,
    wait: options.Wait = False,
    save: options.Save = None,
    timeout: options.Timeout = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Generate a video and print the id of its task.

    With --wait or -o the links of the finished clip follow, and the exit code says how it ended. With --dry-run the
    engines are listed instead, the one that would make it first.
    """
    options.check_output(save)
    if dry_run and (wait or save):
        raise CommandExit(
            "With --dry-run there is nothing to wait for.", Exit.USAGE, code="bad_request", field="dry_run"
        )
    wanted: Options = {
        "aspect_ratio": aspect_ratio,
        "resolution": resolution,
        "duration": duration,
        "loop": loop or None,
        "model": model,
        "strict": strict or None,
        "start": _picture(image),
        "end": _picture(end_image),
    }
    with options.service(url, key) as filmgate:
        if dry_run:
            return tell_route(filmgate.route(prompt, **wanted), as_json=as_json)
        return _see_through(
            filmgate,
            lambda: filmgate.submit(prompt, **wanted),
            wait=wait,
            save=save,
            timeout=timeout,
            as_json=as_json,
        )


def extend(
    task_id: options.TaskId,
    prompt: Prompt,
    duration: options.Duration = None,
    model: options.Model = None,
    strict: options.Strict = False,
    wait: options.Wait = False,
    save: options.Save = None,
    timeout: options.Timeout = None,
    url: options.Url = None,
    key: options.Key = None,
    as_json: options.Json = False,
) -> int:
    """Extend a completed video and print the id of the new task."""
    options.check_output(save)
    with options.service(url, key) as filmgate:
        return _see_through(
            filmgate,
            lambda: filmgate.extend(task_id, prompt, duration=duration, model=model, strict=strict or None),
            wait=wait,
            save=save,
            timeout=timeout,
            as_json=as_json,
        )


def _see_through(
    filmgate: Filmgate,
    submit: Callable[[], Task],
    *,
    wait: bool,
    save: Path | None,
    timeout: float | None,
    as_json: bool,
) -> int:
    try:
        task = submit()
    except KeyboardInterrupt as error:
        raise CommandExit(
            "Interrupted before the answer came; the task may have been accepted.",
            Exit.INTERRUPTED,
            code="interrupted",
            hint="Look whether it was: filmgate list",
        ) from error
    if not (wait or save):
        if as_json:
            output.emit(output.document(task))
        else:
            print(task.id)
            if sys.stderr.isatty():
                # Scripts read the id alone, and see the rest where they ask for the task.
                print(output.lines(output.remarks(task)), file=sys.stderr)
        return Exit.DONE
    if not as_json:
        print(task.id, flush=True)
    ended = follow(filmgate, [task.id], timeout=timeout, save=save, quiet=as_json)
    return report(ended, save=save, as_json=as_json, named=True)


def _picture(source: str | None) -> Source | None:
    if source is None or source.lower().startswith(("http://", "https://", "data:")):
        return source
    return Path(source)
