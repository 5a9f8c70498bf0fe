"""The ports of files: their rows, the store that holds them, and the tools that read them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import msgspec

from filmgate.domain.media import Facts, Media

UPLOADS = "uploads"
"""Where files lie that no task owns, each in a folder of its own; all other folders are called by their task's id."""


class Stills(msgspec.Struct, frozen=True):
    """A verified clip: its own facts, and the stills made of it with theirs. The files lie in the given folder."""

    clip: Facts
    thumbnail: Path
    thumbnail_facts: Facts
    last_frame: Path
    last_frame_facts: Facts


class Print(msgspec.Struct, frozen=True):
    """A verified picture: its own facts, and the thumbnail made of it with its facts."""

    image: Facts
    thumbnail: Path
    thumbnail_facts: Facts


class MediaStore(Protocol):
    """Keeps files under keys such as `<task id>/video-3.mp4`. What is there is whole; keys never change their bytes."""

    async def put(self, key: str, source: Path) -> None:
        """Take the file over, whole or not at all; `source` is gone afterwards."""

    async def get(self, key: str, target: Path) -> None:
        """Make the file available at `target`, read-only. Raises FileNotFoundError."""

    def read(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield the bytes `start` to `stop` (exclusive) in pieces. Raises FileNotFoundError before the first piece."""

    async def remove(self, key: str) -> None:
        """Delete the file; nothing happens if there is none."""

    async def keys(self, prefix: str) -> list[str]:
        """List the keys that start with `prefix/`."""

    async def folders(self, prefix: str) -> list[str]:
        """List the names of the folders directly below a prefix, or with an empty one below nothing."""

    async def prune(self, prefix: str) -> None:
        """Remove what interrupted writes have left in a folder, and the folder if nothing else is in it."""

    async def ready(self) -> None:
        """Raise Unavailable if nothing can be written now."""


class MediaTools(Protocol):
    """Opens files nobody vouches for, each in a process of its own with limits on memory, CPU and time.

    All methods raise InvalidMedia, with a sentence that says what is wrong and what is allowed. `application` is on
    whose behalf, None the service itself: applications take turns, external files apart from those of finished tasks.
    """

    async def normalise_image(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode an external picture, upright and without alpha, and write it to `target` as PNG."""

    async def normalise_video(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode an external clip and write it to `target` as H.264 MP4, 24 frames per second, no sound."""

    async def accept_image(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode a picture that a provider made, and write it to `target`, upright and without metadata.

        It becomes what the suffix of `target` says, `.png` with its alpha or `.jpg` without, at its own size.
        """

    async def accept_video(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode every frame of a clip that a provider made, and write it to `target` as MP4 that browsers play.

        Size, frames and sound (as AAC) stay as they are; other tracks and all metadata are left behind.
        """

    async def develop(self, clip: Path, folder: Path, *, application: str | None = None) -> Stills:
        """Decode a finished clip to its last frame, verify it, and write thumbnail and last frame as JPEG."""

    async def develop_image(self, picture: Path, folder: Path, *, application: str | None = None) -> Print:
        """Decode a finished picture, JPEG or PNG, verify it, and write its thumbnail as JPEG."""

    async def preview(self, picture: Path, folder: Path, *, application: str | None = None) -> bytes:
        """Return a JPEG of ours as one of at most `PREVIEW_BYTES`; `folder` is for files in progress."""

    async def close(self) -> None:
        """End the helper processes."""


class StoredMedia(msgspec.Struct, frozen=True):
    """A file's row: what its link serves. `task_id` is None for an upload that no task owns."""

    media: Media
    application_id: str
    task_id: str | None
    created_at: float


class MediaRows(Protocol):
    """The rows of files, each read by the token of its link."""

    async def media(self, token: str) -> StoredMedia | None:
        """Find a file by the token of its link."""

    async def uploads(
        self, application_id: str, *, limit: int, after: tuple[float, str] | None = None
    ) -> list[StoredMedia]:
        """List the application's files that no task owns, newest first; `after` is the (created_at, token) of one."""

    async def add_media(self, media: StoredMedia) -> None:
        """Write the row of an upload."""

    async def drop_upload(self, application_id: str, token: str) -> StoredMedia | None:
        """Remove the row of an upload of the application and give it; None if there is none that no task owns."""
