"""Files that are kept for later requests, sent with a request or to an address given out for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec
import uuid_utils

from filmgate.core.intake import Intake
from filmgate.domain.errors import EngineFailed, InvalidMedia, InvalidRequest, NotFound
from filmgate.domain.generation import Reference, ReferenceKind
from filmgate.faults import Point, reached
from filmgate.ports.context import RequestContext
from filmgate.ports.ledger import Ledger, StoredMedia
from filmgate.ports.media import UPLOADS, MediaStore

ANNOUNCED_SECONDS = 3_600.0
"""How long the bytes of an announced file are waited for."""

_MAX_ANNOUNCED = 10_000


class Announced(msgspec.Struct, frozen=True):
    """A file that is to be sent yet. Times are unix seconds; whoever knows the id may send the bytes, once."""

    id: str
    application_id: str
    kind: ReferenceKind
    type: str
    size: int
    created_at: float
    expires_at: float


class Uploads:
    """Keeps pictures and clips that no task owns, each decoded and written anew.

    A kept file is named by the token of its link. What is only announced is known to this process alone, and
    forgotten after an hour.
    """

    def __init__(self, ledger: Ledger, store: MediaStore, intake: Intake, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._store = store
        self._intake = intake
        self._clock = clock
        self._announced: dict[str, Announced] = {}

    def announce(self, context: RequestContext, media_type: str, size: int) -> Announced:
        """Expect so many bytes of a picture or clip. Raises InvalidMedia for any other type."""
        now = self._clock()
        file = Announced(
            secrets.token_urlsafe(16),
            context.caller.application_id,
            kind_of(media_type),
            media_type,
            size,
            now,
            now + ANNOUNCED_SECONDS,
        )
        while len(self._announced) >= _MAX_ANNOUNCED:
            del self._announced[next(iter(self._announced))]
        self._announced[file.id] = file
        return file

    def expected(self, file_id: str) -> Announced:
        """Find an announced file that was not sent yet, for whoever knows its id. Raises NotFound."""
        file = self._announced.get(file_id)
        if file is None or file.expires_at < self._clock():
            self._announced.pop(file_id, None)
            raise NotFound("no such upload: it was never announced, has been sent, or its time is over")
        return file

    async def receive(self, file_id: str, data: bytes) -> StoredMedia:
        """Keep the bytes of an announced file. Raises NotFound, InvalidRequest for the wrong size, InvalidMedia."""
        file = self.expected(file_id)
        if len(data) != file.size:
            raise InvalidRequest(f"{file.size} bytes were announced, {len(data)} came", field="size_bytes")
        del self._announced[file_id]
        try:
            return await self._kept(file.kind, data, file.application_id, file_id)
        except BaseException:
            # Nothing was kept: it may be sent again.
            self._announced[file_id] = file
            raise

    async def keep(self, context: RequestContext, media_type: str, data: bytes) -> StoredMedia:
        """Keep a picture or clip. Raises InvalidMedia."""
        return await self._kept(kind_of(media_type), data, context.caller.application_id, None)

    async def bring(self, context: RequestContext, kind: ReferenceKind, value: str, field: str) -> StoredMedia:
        """Keep a picture or clip that is given as a data URI or by address. Raises InvalidRequest naming the field."""
        owner, folder = context.caller.application_id, _folder()
        taken, stored = await self._intake.take(Reference(kind, value), field, owner, folder)
        if stored is None:
            try:
                stored = await self._intake.fetch(taken, owner, folder)
            except EngineFailed as error:
                raise InvalidMedia(f"{field}: {error.failure.message}", field=field) from error
        await self._ledger.add_media(stored)
        return stored

    async def get(self, context: RequestContext, file_id: str) -> StoredMedia | Announced:
        """Find a file of the caller, kept or announced. Raises NotFound."""
        owner = context.caller.application_id
        stored = await self._ledger.media(file_id)
        if stored is not None and stored.task_id is None and stored.application_id == owner:
            return stored
        announced = self._announced.get(file_id)
        if announced is not None and announced.application_id == owner:
            return self.expected(file_id)
        raise NotFound("no such file")

    async def find(
        self, context: RequestContext, *, limit: int, after: tuple[float, str] | None = None
    ) -> list[StoredMedia]:
        """List the files that are kept for the caller, newest first, behind the (created_at, id) of one."""
        return await self._ledger.uploads(context.caller.application_id, limit=limit, after=after)

    async def delete(self, context: RequestContext, file_id: str) -> None:
        """Remove a file, or no longer expect it. Raises NotFound."""
        found = await self.get(context, file_id)
        if isinstance(found, Announced):
            self._announced.pop(file_id, None)
            return
        stored = await self._ledger.drop_upload(context.caller.application_id, file_id)
        if stored is None:
            raise NotFound("no such file")
        reached(Point.UPLOAD_DROPPED)
        await self._store.remove(stored.media.key)

    async def _kept(self, kind: ReferenceKind, data: bytes, owner: str, file_id: str | None) -> StoredMedia:
        stored = await self._intake.keep(kind, data, owner, _folder())
        reached(Point.UPLOAD_STORED)
        if file_id is not None:
            stored = msgspec.structs.replace(stored, media=msgspec.structs.replace(stored.media, token=file_id))
        await self._ledger.add_media(stored)
        return stored


def _folder() -> str:
    return f"{UPLOADS}/{uuid_utils.uuid7()}"


def kind_of(media_type: str) -> ReferenceKind:
    """Tell a picture from a clip by its media type. Raises InvalidMedia for anything else."""
    family = media_type.strip().lower().partition("/")[0]
    if family not in ("image", "video"):
        raise InvalidMedia("only images and videos are kept here: the type must be image/… or video/…")
    return ReferenceKind(family)
