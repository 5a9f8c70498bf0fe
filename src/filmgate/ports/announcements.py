"""The port of announced uploads: files whose bytes may come to another process than the one that announced them."""

from __future__ import annotations

from typing import Protocol

import msgspec

from filmgate.domain.generation import ReferenceKind


class AnnouncedUpload(msgspec.Struct, frozen=True):
    """A file that is to be sent yet. Times are unix seconds. The id is the credential to send the bytes, once."""

    id: str
    application_id: str
    credential_id: str
    kind: ReferenceKind
    type: str
    size: int
    created_at: float
    expires_at: float


class Announcements(Protocol):
    """The files that are announced and were not sent yet; those past their time count as absent."""

    async def add(self, file: AnnouncedUpload, now: float) -> None:
        """Add a file. Raises TooManyRequests if it is one too many, or too much, for its application or its key."""

    async def find(self, file_id: str, now: float) -> AnnouncedUpload | None:
        """Return a file that may still be sent."""

    async def take(self, file_id: str, now: float) -> AnnouncedUpload | None:
        """Remove a file that may still be sent and return it; of several callers one gets it."""

    async def put_back(self, file: AnnouncedUpload) -> None:
        """Add a file again that was taken and could not be kept."""
