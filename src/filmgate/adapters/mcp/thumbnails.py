"""Small pictures of finished tasks, for agents that want to see what was made."""

from __future__ import annotations

import base64
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from filmgate.domain.errors import FilmgateError
from filmgate.domain.states import State
from filmgate.domain.task import Task
from filmgate.ports.media import MediaStore, MediaTools

_KEPT: Final = 256
"""Pictures that are remembered, some 4 MB."""


class Thumbnails:
    """Makes small pictures from stored thumbnails, in the sandbox, and remembers those used last.

    `work` is for files in progress.
    """

    def __init__(self, store: MediaStore, tools: MediaTools, work: Path) -> None:
        self._store = store
        self._tools = tools
        self._work = work
        self._made: OrderedDict[str, bytes] = OrderedDict()

    async def block(self, task: Task) -> dict[str, Any]:
        """Return the picture of a task that the caller owns as a content block; without one, a text that says why."""
        output = task.output
        if output is None:
            failed = task.state is State.FAILED
            return _text("This task failed: it has no picture." if failed else "No thumbnail yet: the task is pending.")
        if output.expired_at is not None:
            return _text("The thumbnail is not kept any more.")
        try:
            data = await self._small(output.thumbnail.key, task.application_id)
        except FileNotFoundError:
            return _text("The thumbnail is not kept any more.")
        except FilmgateError as error:
            return _text(f"The thumbnail cannot be shown: {error.message}")
        return {"type": "image", "data": base64.b64encode(data).decode(), "mimeType": "image/jpeg"}

    async def _small(self, key: str, application: str) -> bytes:
        data = self._made.get(key)
        if data is None:
            with tempfile.TemporaryDirectory(dir=self._work, prefix="preview-") as name:
                source = Path(name, "source.jpg")
                await self._store.get(key, source)
                data = await self._tools.preview(source, Path(name), application=application)
            self._made[key] = data
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return data


def _text(sentence: str) -> dict[str, Any]:
    return {"type": "text", "text": sentence}
