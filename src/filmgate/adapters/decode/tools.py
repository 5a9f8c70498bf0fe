"""Opening external files: pictures, clips, and the stills of a finished clip."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from pathlib import Path

import msgspec

from filmgate.adapters.decode.messages import (
    CLIP,
    LAST_FRAME,
    PHOTO,
    PICTURE,
    PREVIEW,
    THUMBNAIL,
    ChildLimits,
    SandboxOperation,
)
from filmgate.adapters.decode.sandbox import Sandbox, regular_file
from filmgate.core.fairness import FairQueue
from filmgate.domain.media import Facts
from filmgate.ports.media import Print, Stills

_MIB = 1024 * 1024
# Address space at the limits of size, measured: 0.96 GB for a 40-megapixel WebP, 1.33 GB to re-encode 3840x2160.
_PICTURE_LIMITS = ChildLimits(memory=1536 * _MIB, cpu=30, wall=60, file=256 * _MIB)
_CLIP_LIMITS = ChildLimits(memory=3072 * _MIB, cpu=600, wall=600, file=1024 * _MIB)
# More than a worker of the studio does: what has begun to be made is finished first.
_STANDS_BACK = 10
_OURSELVES = ""
_ACCEPTED = {
    ".png": (SandboxOperation.ACCEPT_PNG, PICTURE),
    ".jpg": (SandboxOperation.ACCEPT_JPEG, PHOTO),
}


class _Developed(msgspec.Struct, frozen=True):
    """The stills of a clip, kept in memory."""

    facts: tuple[Facts, Facts, Facts]
    thumbnail: bytes
    last_frame: bytes

    @property
    def size(self) -> int:
        return len(self.thumbnail) + len(self.last_frame)


class SandboxedTools:
    """Implements MediaTools with child processes, of which a few run at a time.

    Finished tasks have slots of their own, so that no external file delays one. Of each kind of slots an application
    has all but one at most: while its long files are decoded, another's are begun. Stills are remembered by the SHA-256
    of their clip, up to a number of bytes: equal clips are made again and again.
    """

    def __init__(self, *, concurrency: int = 2, cache_bytes: int = 32 * _MIB, max_video_pixels: int = 0) -> None:
        """Allow `concurrency` children at a time for external files, and as many for those of finished tasks.

        An external clip may have `max_video_pixels` over all its frames (0: no limit). No process is started before
        the first file.
        """
        self._sandbox = Sandbox()
        share = max(1, concurrency - 1)
        self._external, self._finishing = FairQueue(share, concurrency), FairQueue(share, concurrency)
        self._previews = FairQueue(share, concurrency)
        self._external_clip = msgspec.structs.replace(_CLIP_LIMITS, nice=_STANDS_BACK, pixels=max_video_pixels)
        self._cache = _Cache(cache_bytes)

    async def normalise_image(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode an external picture, upright and without alpha, and write it to `target` as PNG. Raises InvalidMedia.

        Pictures and clips of an application wait for the same turns.
        """
        async with self._external.turn(application or _OURSELVES):
            return await self._write_anew(SandboxOperation.PICTURE, source, target, PICTURE, _PICTURE_LIMITS)

    async def normalise_video(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Decode an external clip and write it to `target` as H.264 MP4, 24 frames per second. Raises InvalidMedia."""
        async with self._external.turn(application or _OURSELVES):
            return await self._write_anew(SandboxOperation.CLIP, source, target, CLIP, self._external_clip)

    async def accept_image(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Write a picture that a provider made to `target`, which ends in `.png` or `.jpg`. Raises InvalidMedia."""
        operation, name = _ACCEPTED[target.suffix]
        async with self._finishing.turn(application or _OURSELVES):
            return await self._write_anew(operation, source, target, name, _PICTURE_LIMITS)

    async def accept_video(self, source: Path, target: Path, *, application: str | None = None) -> Facts:
        """Verify a clip that a provider made, and write it to `target` as H.264 MP4. Raises InvalidMedia."""
        async with self._finishing.turn(application or _OURSELVES):
            return await self._write_anew(SandboxOperation.ACCEPT_CLIP, source, target, CLIP, _CLIP_LIMITS)

    async def develop(self, clip: Path, folder: Path, *, application: str | None = None) -> Stills:
        """Decode a finished clip to its last frame, verify it, and write its stills. Raises InvalidMedia."""
        async with self._finishing.turn(application or _OURSELVES):
            digest = await asyncio.to_thread(_digest, clip)
            developed = self._cache.get(digest)
            if developed is None:
                async with self._sandbox.perform(SandboxOperation.DEVELOP, clip, folder, _CLIP_LIMITS) as (box, facts):
                    developed = await asyncio.to_thread(_read, box, facts)
                self._cache.add(digest, developed)
        return await asyncio.to_thread(_write, developed, folder)

    async def develop_image(self, picture: Path, folder: Path, *, application: str | None = None) -> Print:
        """Decode a finished picture, verify it, and write its thumbnail. Raises InvalidMedia."""
        async with (
            self._finishing.turn(application or _OURSELVES),
            self._sandbox.perform(SandboxOperation.PRINT, picture, folder, _PICTURE_LIMITS) as (box, facts),
        ):
            thumbnail = folder / THUMBNAIL
            await asyncio.to_thread(regular_file(box / THUMBNAIL).replace, thumbnail)
            return Print(facts[0], thumbnail, facts[1])

    async def preview(self, picture: Path, folder: Path, *, application: str | None = None) -> bytes:
        """Return a JPEG of ours as a small one. Waiting for it, nobody delays a finished task. Raises InvalidMedia."""
        async with (
            self._previews.turn(application or _OURSELVES),
            self._sandbox.perform(SandboxOperation.PREVIEW, picture, folder, _PICTURE_LIMITS) as (box, _),
        ):
            return await asyncio.to_thread(regular_file(box / PREVIEW).read_bytes)

    async def close(self) -> None:
        """End the helper processes."""
        await self._sandbox.close()

    async def _write_anew(
        self, operation: SandboxOperation, source: Path, target: Path, name: str, limits: ChildLimits
    ) -> Facts:
        async with self._sandbox.perform(operation, source, target.parent, limits) as (box, facts):
            await asyncio.to_thread(regular_file(box / name).replace, target)
            return facts[0]


class _Cache:
    """The stills used last, as many as the bytes allow."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._entries: OrderedDict[bytes, _Developed] = OrderedDict()

    def get(self, digest: bytes) -> _Developed | None:
        entry = self._entries.get(digest)
        if entry:
            self._entries.move_to_end(digest)
        return entry

    def add(self, digest: bytes, entry: _Developed) -> None:
        known = self._entries.pop(digest, None)
        self._used += entry.size - (known.size if known else 0)
        self._entries[digest] = entry
        while self._used > self._limit:
            _, oldest = self._entries.popitem(last=False)
            self._used -= oldest.size


def _digest(clip: Path) -> bytes:
    with clip.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _read(box: Path, facts: list[Facts]) -> _Developed:
    clip, thumbnail, last_frame = facts
    return _Developed(
        facts=(clip, thumbnail, last_frame),
        thumbnail=regular_file(box / THUMBNAIL).read_bytes(),
        last_frame=regular_file(box / LAST_FRAME).read_bytes(),
    )


def _write(developed: _Developed, folder: Path) -> Stills:
    clip, thumbnail_facts, last_frame_facts = developed.facts
    thumbnail, last_frame = folder / THUMBNAIL, folder / LAST_FRAME
    thumbnail.write_bytes(developed.thumbnail)
    last_frame.write_bytes(developed.last_frame)
    return Stills(clip, thumbnail, thumbnail_facts, last_frame, last_frame_facts)
