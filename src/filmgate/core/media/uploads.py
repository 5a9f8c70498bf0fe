"""Files that are kept for later requests, sent with a request or to an address given out for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec
import uuid_utils

from filmgate.core.media.inputs import MediaInputs
from filmgate.domain.errors import (
    EngineFailed,
    InvalidMedia,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
)
from filmgate.domain.generation import Reference, ReferenceKind
from filmgate.faults import Point, reach
from filmgate.ports.announcements import AnnouncedUpload, Announcements
from filmgate.ports.context import RequestContext
from filmgate.ports.media import UPLOADS, MediaRows, MediaStore, StoredMedia

ANNOUNCED_SECONDS = 3_600.0
"""How long the bytes of an announced file are waited for."""


class Uploads:
    """Keeps pictures and clips that no task owns, each decoded and written anew.

    A kept file is named by the token of its link. What is only announced is forgotten after an hour; how
    much of it there may be is bounded for each application, and each of its keys.
    """

    def __init__(
        self,
        ledger: MediaRows,
        store: MediaStore,
        media_inputs: MediaInputs,
        announcements: Announcements,
        clock: Callable[[], float],
        *,
        max_bytes: int,
    ) -> None:
        """Take the most bytes that a request may have; 0 means any number."""
        self._ledger = ledger
        self._store = store
        self._media_inputs = media_inputs
        self._announcements = announcements
        self._clock = clock
        self._max_bytes = max_bytes

    async def announce(self, context: RequestContext, media_type: str, size: int) -> AnnouncedUpload:
        """Announce the upload of a picture or clip with its size in bytes.

        Raises InvalidMedia for any other type, PayloadTooLarge, and TooManyRequests if too much is waited for.
        """
        now = self._clock()
        file = AnnouncedUpload(
            secrets.token_urlsafe(16),
            context.caller.application_id,
            context.caller.credential_id,
            kind_of(media_type),
            media_type,
            size,
            now,
            now + ANNOUNCED_SECONDS,
        )
        if self._max_bytes and size > self._max_bytes:
            raise PayloadTooLarge(f"size_bytes is {size}; at most {self._max_bytes} bytes can be sent")
        await self._announcements.add(file, now)
        return file

    async def find_announced(self, file_id: str) -> AnnouncedUpload:
        """Find an announced file without bytes by its id, which is the credential. Raises NotFound."""
        return _known(await self._announcements.find(file_id, self._clock()))

    async def receive(self, file_id: str, data: bytes) -> StoredMedia:
        """Keep the bytes of an announced file. Raises NotFound, InvalidRequest for the wrong size, InvalidMedia."""
        file = await self.find_announced(file_id)
        if len(data) != file.size:
            raise InvalidRequest(f"{file.size} bytes were announced, {len(data)} came", field="size_bytes")
        _known(await self._announcements.take(file_id, self._clock()))
        try:
            return await self._keep(file.kind, data, file.application_id, file_id)
        except BaseException:
            # Nothing was kept: it may be sent again.
            await self._announcements.put_back(file)
            raise

    async def keep(self, context: RequestContext, media_type: str, data: bytes) -> StoredMedia:
        """Keep a picture or clip. Raises InvalidMedia."""
        return await self._keep(kind_of(media_type), data, context.caller.application_id, None)

    async def bring(self, context: RequestContext, kind: ReferenceKind, value: str, field: str) -> StoredMedia:
        """Keep a picture or clip that is given as a data URI or by address. Raises InvalidRequest naming the field."""
        owner, folder = context.caller.application_id, _folder()
        taken, stored = await self._media_inputs.take(Reference(kind, value), field, owner, folder)
        if stored is None:
            try:
                stored = await self._media_inputs.fetch(taken, owner, folder)
            except EngineFailed as error:
                raise InvalidMedia(f"{field}: {error.failure.message}", field=field) from error
        await self._ledger.add_media(stored)
        return stored

    async def get(self, context: RequestContext, file_id: str) -> StoredMedia | AnnouncedUpload:
        """Find a file of the caller, kept or announced. Raises NotFound."""
        owner = context.caller.application_id
        stored = await self._ledger.media(file_id)
        if stored is not None and stored.task_id is None and stored.application_id == owner:
            return stored
        announced = await self._announcements.find(file_id, self._clock())
        if announced is not None and announced.application_id == owner:
            return announced
        raise NotFound("no such file")

    async def find(
        self, context: RequestContext, *, limit: int, after: tuple[float, str] | None = None
    ) -> list[StoredMedia]:
        """List the files that are kept for the caller, newest first, behind the (created_at, id) of one."""
        return await self._ledger.uploads(context.caller.application_id, limit=limit, after=after)

    async def delete(self, context: RequestContext, file_id: str) -> None:
        """Remove a file, or no longer expect it. Raises NotFound."""
        found = await self.get(context, file_id)
        if isinstance(found, AnnouncedUpload):
            await self._announcements.take(file_id, self._clock())
            return
        stored = await self._ledger.drop_upload(context.caller.application_id, file_id)
        if stored is None:
            raise NotFound("no such file")
        reach(Point.UPLOAD_DROPPED)
        await self._store.remove(stored.media.key)

    async def _keep(self, kind: ReferenceKind, data: bytes, owner: str, file_id: str | None) -> StoredMedia:
        stored = await self._media_inputs.keep(kind, data, owner, _folder())
        reach(Point.UPLOAD_STORED)
        if file_id is not None:
            stored = msgspec.structs.replace(stored, media=msgspec.structs.replace(stored.media, token=file_id))
        await self._ledger.add_media(stored)
        return stored


def _known(file: AnnouncedUpload | None) -> AnnouncedUpload:
    """Return an announced file. Raises NotFound if there is none."""
    if file is None:
        raise NotFound("no such upload: it was never announced, has been sent, or its time is over")
    return file


def _folder() -> str:
    return f"{UPLOADS}/{uuid_utils.uuid7()}"


def kind_of(media_type: str) -> ReferenceKind:
    """Return the kind of file for a media type. Raises InvalidMedia for anything else."""
    family = media_type.strip().lower().partition("/")[0]
    if family not in ("image", "video"):
        raise InvalidMedia("only images and videos are kept here: the type must be image/… or video/…")
    return ReferenceKind(family)
