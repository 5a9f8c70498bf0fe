"""From the file that was made to the files of a completed task."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from filmgate.core.media.inputs import fingerprint
from filmgate.core.work.attempt import shield
from filmgate.domain.generation import Kind
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.task import FinishedStills, Task
from filmgate.faults import Point, reach
from filmgate.ports.media import MediaStore, MediaTools


class PostProcessing:
    """Reads a product back, verifies it, makes its stills, and gives everything its links."""

    def __init__(self, store: MediaStore, tools: MediaTools) -> None:
        self._store = store
        self._tools = tools

    async def output(self, task: Task, folder: Path) -> Output:
        """Return the output of a task from its committed product. Raises InvalidMedia, FileNotFoundError."""
        assert task.work.product is not None, "the stage before commits the product"
        product, stills = folder / f"product{Path(task.work.product).suffix}", folder / "stills"
        await self._store.get(task.work.product, product)
        await asyncio.to_thread(stills.mkdir, exist_ok=True)
        if task.work.stills is not None:
            output = await self._known(task, task.work.stills, product, stills)
        elif task.generation.kind is Kind.IMAGE:
            output = await self._picture(task, product, stills)
        else:
            output = await self._clip(task, product, stills)
        reach(Point.DEVELOPED)
        return output

    async def _known(self, task: Task, made: FinishedStills, product: Path, folder: Path) -> Output:
        """Return the output of a product whose engine knew its facts and made its stills."""
        role = Role.IMAGE if task.generation.kind is Kind.IMAGE else Role.VIDEO
        main = await self._store_media(task, role, product, made.facts, key=task.work.product)
        thumbnail = await self._stored(task, Role.THUMBNAIL, made.thumbnail, made.thumbnail_facts, folder)
        if made.last_frame is None or made.last_frame_facts is None:
            return Output(image=main, thumbnail=thumbnail)
        last_frame = await self._stored(task, Role.LAST_FRAME, made.last_frame, made.last_frame_facts, folder)
        return Output(video=main, thumbnail=thumbnail, last_frame=last_frame)

    async def _stored(self, task: Task, role: Role, key: str, facts: Facts, folder: Path) -> Media:
        copy = folder / f"{role}{Path(key).suffix}"
        await self._store.get(key, copy)
        return await self._store_media(task, role, copy, facts, key)

    async def _picture(self, task: Task, product: Path, stills: Path) -> Output:
        print_ = await self._tools.develop_image(product, stills, application=task.application_id)
        return Output(
            image=await self._store_media(task, Role.IMAGE, product, print_.image, key=task.work.product),
            thumbnail=await self._store_media(task, Role.THUMBNAIL, print_.thumbnail, print_.thumbnail_facts),
        )

    async def _clip(self, task: Task, product: Path, stills: Path) -> Output:
        made = await self._tools.develop(product, stills, application=task.application_id)
        return Output(
            video=await self._store_media(task, Role.VIDEO, product, made.clip, key=task.work.product),
            thumbnail=await self._store_media(task, Role.THUMBNAIL, made.thumbnail, made.thumbnail_facts),
            last_frame=await self._store_media(task, Role.LAST_FRAME, made.last_frame, made.last_frame_facts),
        )

    async def _store_media(self, task: Task, role: Role, source: Path, facts: Facts, key: str | None = None) -> Media:
        size, etag = await asyncio.to_thread(fingerprint, source)
        name = f"{role}{source.suffix}"
        if key is None:
            key = f"{task.id}/{role}-{task.fence}{source.suffix}"
            await shield(self._store.put(key, source))
        return Media(secrets.token_urlsafe(16), role, name, key, size, etag, facts)
