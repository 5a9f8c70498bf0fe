"""Files that are kept for later requests, sent with a request or to an address given out for it."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable

import msgspec
import uuid_utils

from filmgate.core.fairness import key_share
from filmgate.core.media.inputs import MediaInputs
from filmgate.domain.errors import (
    EngineFailed,
    InvalidMedia,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    TooManyRequests,
)
from filmgate.domain.generation import Reference, ReferenceKind
from filmgate.faults import Point, reach
from filmgate.ports.context import RequestContext
from filmgate.ports.media import UPLOADS, MediaRows, MediaStore, StoredMedia

ANNOUNCED_SECONDS = 3_600.0
"""How long the bytes of an announced file are waited for."""

TOTAL_ANNOUNCED = 10_000
"""Files that are waited for at once; an application that has fewer than ALWAYS_ANNOUNCED may announce one even then."""

ALWAYS_ANNOUNCED = 8

MAX_ANNOUNCED = 128
MAX_ANNOUNCED_BYTES = 1024**3
"""What one application may have announced at once. A single file may be larger, if its size is allowed at all."""


class AnnouncedUpload(msgspec.Struct, frozen=True):
    """A file that is to be sent yet. Times are unix seconds; whoever knows the id may send the bytes, once."""

    id: str
    application_id: str
    credential_id: str
    kind: ReferenceKind
    type: str
    size: int
    created_at: float
    expires_at: float


class Uploads:
    """Keeps pictures and clips that no task owns, each decoded and written anew.

    A kept file is named by the token of its link. What is only announced is known to this process alone, and
    forgotten after an hour; how much of it there may be is bounded for each application, and each of its keys.
    """

    def __init__(
        self,
        ledger: MediaRows,
        store: MediaStore,
        media_inputs: MediaInputs,
        clock: Callable[[], float],
        *,
        max_bytes: int,
    ) -> None:
        """Take the most bytes that a request may have; 0 means any number."""
        self._ledger = ledger
        self._store = store
        self._media_inputs = media_inputs
        self._clock = clock
        self._max_bytes = max_bytes
        self._announced: dict[str, AnnouncedUpload] = {}

    def announce(self, context: RequestContext, media_type: str, size: int) -> AnnouncedUpload:
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
        self._check_room(file)
        self._announced[file.id] = file
        return file

    def find_announced(self, file_id: str) -> AnnouncedUpload:
        """Find an announced file without bytes by its id, which is the credential. Raises NotFound."""
        file = self._announced.get(file_id)
        if file is None or file.expires_at < self._clock():
            self._announced.pop(file_id, None)
            raise NotFound("no such upload: it was never announced, has been sent, or its time is over")
        return file

    async def receive(self, file_id: str, data: bytes) -> StoredMedia:
        """Keep the bytes of an announced file. Raises NotFound, InvalidRequest for the wrong size, InvalidMedia."""
        file = self.find_announced(file_id)
        if len(data) != file.size:
            raise InvalidRequest(f"{file.size} bytes were announced, {len(data)} came", field="size_bytes")
        del self._announced[file_id]
        try:
            return await self._keep(file.kind, data, file.application_id, file_id)
        except BaseException:
            # Nothing was kept: it may be sent again.
            self._announced[file_id] = file
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
        announced = self._announced.get(file_id)
        if announced is not None and announced.application_id == owner:
            return self.find_announced(file_id)
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
            self._announced.pop(file_id, None)
            return
        stored = await self._ledger.drop_upload(context.caller.application_id, file_id)
        if stored is None:
            raise NotFound("no such file")
        reach(Point.UPLOAD_DROPPED)
        await self._store.remove(stored.media.key)

    def _check_room(self, file: AnnouncedUpload) -> None:
        """Raise TooManyRequests if a file is one too many, or too much, for its application or its key."""
        now = self._clock()
        self._announced = {name: each for name, each in self._announced.items() if each.expires_at >= now}
        application = [each for each in self._announced.values() if each.application_id == file.application_id]
        key = [each for each in application if each.credential_id == file.credential_id]
        for files, most, most_bytes in (
            (key, key_share(MAX_ANNOUNCED), key_share(MAX_ANNOUNCED_BYTES)),
            (application, MAX_ANNOUNCED, MAX_ANNOUNCED_BYTES),
        ):
            if len(files) >= most or (files and sum(each.size for each in files) + file.size > most_bytes):
                whose = "key" if files is key else "application"
                raise TooManyRequests(
                    f"{len(files)} files that this {whose} announced were not sent yet; at most {most} may be, of "
                    f"{most_bytes} bytes together. Send or delete some, or wait until they expire.",
                    retry_after=math.ceil(min(each.expires_at for each in files) - now) + 1,
                )
        if len(self._announced) >= TOTAL_ANNOUNCED and len(application) >= ALWAYS_ANNOUNCED:
            raise TooManyRequests("Too many announced files were not sent yet.", retry_after=60)

    async def _keep(self, kind: ReferenceKind, data: bytes, owner: str, file_id: str | None) -> StoredMedia:
        stored = await self._media_inputs.keep(kind, data, owner, _folder())
        reach(Point.UPLOAD_STORED)
        if file_id is not None:
            stored = msgspec.structs.replace(stored, media=msgspec.structs.replace(stored.media, token=file_id))
        await self._ledger.add_media(stored)
        return stored


def _folder() -> str:
    return f"{UPLOADS}/{uuid_utils.uuid7()}"


def kind_of(media_type: str) -> ReferenceKind:
    """Return the kind of file for a media type. Raises InvalidMedia for anything else."""
    family = media_type.strip().lower().partition("/")[0]
    if family not in ("image", "video"):
        raise InvalidMedia("only images and videos are kept here: the type must be image/… or video/…")
    return ReferenceKind(family)
