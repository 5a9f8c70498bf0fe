"""Files Filmgate keeps: what is known of a stored picture or video."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

MEDIA_PREFIX: Final = "/media/"
"""What the path of each link begins with."""

_NAME: Final = "[A-Za-z0-9._-]{1,64}"
MEDIA_PATH: Final = re.compile(rf"{MEDIA_PREFIX}([A-Za-z0-9_-]{{22}})/{_NAME}")
"""The path of a link, with its token."""

PREVIEW_BYTES: Final = 15_000
"""Bytes of the smallest picture of a task, at most: as base64 in an answer, they are 20 kB."""


class Role(StrEnum):
    """What a stored file is to its task."""

    VIDEO = "video"
    IMAGE = "image"
    THUMBNAIL = "thumbnail"
    LAST_FRAME = "last_frame"
    INPUT = "input"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read back from a file itself, never taken from anybody's word.

    `type` is the media type served, `width` and `height` pixels, `duration` seconds (None for a picture),
    `frames` decoded frames, `palette` the base64 of 25 RGB triples, a 5x5 grid in row-major order.
    """

    type: str
    width: int
    height: int
    duration: float | None = None
    frames: int | None = None
    palette: str | None = None


class Media(msgspec.Struct, frozen=True):
    """A stored file. `token` makes its link unguessable, `key` is its place in the store, `etag` the SHA-256 as hex."""

    token: str
    role: Role
    name: str
    key: str
    bytes: int
    etag: str
    facts: Facts

    @property
    def path(self) -> str:
        """The path of its link below the base address."""
        return f"{MEDIA_PREFIX}{self.token}/{self.name}"  # as `media_path`, without a call: each query needs several


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """The files of a completed task: a clip with its last frame, or a single image; always a thumbnail.

    From `expired_at`, in unix seconds, on the files are gone, by a rule of how long they are kept.
    """

    thumbnail: Media
    video: Media | None = None
    last_frame: Media | None = None
    image: Media | None = None
    expired_at: float | None = None


def media_path(token: str, name: str) -> str:
    """Return the path of a link below the base address."""
    return f"{MEDIA_PREFIX}{token}/{name}"


def find_media_name(token: str, text: bytes) -> str | None:
    """Return the name under which a text has the link with this token, None if it has none."""
    found = re.search(rb"%s(%s)" % (re.escape(media_path(token, "")).encode(), _NAME.encode()), text)
    return found[1].decode() if found else None


def files(output: Output | None) -> tuple[Media, ...]:
    """Return all files of an output; none for a task that has no output."""
    if output is None:
        return ()
    return tuple(
        media for media in (output.video, output.image, output.thumbnail, output.last_frame) if media is not None
    )
