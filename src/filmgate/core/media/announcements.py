"""Announced uploads of one process. They are forgotten with it, and their clients announce them again."""

from __future__ import annotations

import math

from filmgate.core.fairness import key_share
from filmgate.domain.errors import TooManyRequests
from filmgate.ports.announcements import AnnouncedUpload

TOTAL_ANNOUNCED = 10_000
"""Files that are waited for at once; an application that has fewer than ALWAYS_ANNOUNCED may announce one even then."""

ALWAYS_ANNOUNCED = 8

MAX_ANNOUNCED = 128
MAX_ANNOUNCED_BYTES = 1024**3
"""What one application may have announced at once. A single file may be larger, if its size is allowed at all."""


class LocalAnnouncements:
    """Keeps announced files in memory, so many of each application and of each of its keys."""

    def __init__(self) -> None:
        self._files: dict[str, AnnouncedUpload] = {}

    async def add(self, file: AnnouncedUpload, now: float) -> None:
        """Add a file. Raises TooManyRequests if it is one too many, or too much, for its application or its key."""
        self._check_room(file, now)
        self._files[file.id] = file

    async def find(self, file_id: str, now: float) -> AnnouncedUpload | None:
        """Return a file that may still be sent."""
        file = self._files.get(file_id)
        return file if file is not None and file.expires_at >= now else None

    async def take(self, file_id: str, now: float) -> AnnouncedUpload | None:
        """Remove a file that may still be sent and return it; of several callers one gets it."""
        file = self._files.pop(file_id, None)
        return file if file is not None and file.expires_at >= now else None

    async def put_back(self, file: AnnouncedUpload) -> None:
        """Add a file again that was taken and could not be kept."""
        self._files[file.id] = file

    def _check_room(self, file: AnnouncedUpload, now: float) -> None:
        self._files = {name: each for name, each in self._files.items() if each.expires_at >= now}
        application = [each for each in self._files.values() if each.application_id == file.application_id]
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
        if len(self._files) >= TOTAL_ANNOUNCED and len(application) >= ALWAYS_ANNOUNCED:
            raise TooManyRequests("Too many announced files were not sent yet.", retry_after=60)
