"""What comes in with a request: pictures and clips by address, as data URIs, or as links of our own."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from filmgate.core.fairness import FairQueue
from filmgate.core.media.links import Links
from filmgate.domain.addresses import describe_wrong_address, redact
from filmgate.domain.data_uris import decode_data_uri, is_data_uri
from filmgate.domain.errors import EngineFailed, InvalidMedia, InvalidRequest, NotFound
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import OWN, Reference, ReferenceKind
from filmgate.domain.media import Media, Role
from filmgate.ports.fetcher import Fetcher, FetchError
from filmgate.ports.media import MediaRows, MediaStore, MediaTools, StoredMedia

_MAX_URL = 8_192

FETCHING_APPLICATIONS = 64
"""So many applications may fetch as much as each may at a time, before one has to wait for another."""


class MediaInputs:
    """Checks references at the door, turns data URIs into stored files, and fetches what lies elsewhere."""

    def __init__(
        self,
        ledger: MediaRows,
        store: MediaStore,
        tools: MediaTools,
        fetcher: Fetcher,
        links: Links,
        clock: Callable[[], float],
        *,
        work: Path,
        max_image: int,
        max_video: int,
        max_fetches: int = 4,
        fetch_seconds: float = 300.0,
    ) -> None:
        """Allow `max_fetches` downloads of an application at a time, and so many seconds for one with all its tries."""
        self._ledger = ledger
        self._store = store
        self._tools = tools
        self._fetcher = fetcher
        self._links = links
        self._clock = clock
        self._work = work
        self._turns = FairQueue(max_fetches, max_fetches * FETCHING_APPLICATIONS, assured=True)
        self._fetch_seconds = fetch_seconds
        self._max = {ReferenceKind.IMAGE: max_image, ReferenceKind.VIDEO: max_video}

    async def take(
        self, reference: Reference, field: str, application_id: str, folder: str
    ) -> tuple[Reference, StoredMedia | None]:
        """Check a picture or clip; a data URI becomes a file of `folder` in the store.

        Gives the reference to go on with, and the row of the file if one was stored. Raises InvalidRequest with the
        given field name, InvalidMedia if the data cannot be used.
        """
        value = reference.value.strip()
        if is_data_uri(value):
            data = self._decode(value, reference.kind, field)
            try:
                stored = await self.keep(reference.kind, data, application_id, folder)
            except InvalidMedia as error:
                raise InvalidMedia(f"{field}: {error.message}", field=field) from error
            return Reference(reference.kind, OWN + stored.media.token), stored
        return Reference(reference.kind, await self._check_url(value, reference.kind, field)), None

    async def _check_url(self, url: str, kind: ReferenceKind, field: str) -> str:
        """Check an address: our own links must exist, others must be allowed. Gives how the task refers to it."""
        wrong = describe_wrong_address(url)
        if wrong is not None:
            raise InvalidRequest(f"{field}: {wrong}", field=field)
        if len(url) > _MAX_URL:
            raise InvalidRequest(f"{field} must have at most {_MAX_URL} characters", field=field)
        try:
            token = self._links.token(url)
            if token is None:
                self._fetcher.check(url)
                return url
        except (InvalidRequest, ValueError) as error:
            raise InvalidRequest(f"{field}: {error}", field=field) from error
        stored = await self._ledger.media(token)
        if stored is None:
            raise NotFound(f"{field}: there is no such file here (any more)", field=field)
        if not stored.media.facts.type.startswith(f"{kind}/"):
            raise InvalidMedia(f"{field}: that file is {stored.media.facts.type}, not of the kind {kind}", field=field)
        return OWN + token

    def check_webhook(self, url: str) -> None:
        """Raise InvalidRequest for a webhook address that can be seen to be unusable."""
        try:
            self._fetcher.check(url)
        except (InvalidRequest, ValueError) as error:
            raise InvalidRequest(f"the webhook address cannot be used: {error}", field="callback_url") from error

    async def fetch(
        self, reference: Reference, application_id: str, folder: str, *, name: str | None = None
    ) -> StoredMedia:
        """Bring what a checked reference points at into a folder of the store, under a name of its own or a given one.

        Raises EngineFailed with the verdict if it cannot be had or used.
        """
        if reference.value.startswith(OWN):
            return await self._copy_own(reference.value.removeprefix(OWN), application_id, folder)
        with tempfile.TemporaryDirectory(dir=self._work, prefix="fetch-") as private:
            source = Path(private) / "source"
            try:
                async with self._turns.turn(application_id):
                    await self._download(reference, source, application_id)
                return await self.keep_file(reference.kind, source, application_id, folder, name)
            except FetchError as error:
                raise EngineFailed(Failure(FailureCode.INPUT_UNREACHABLE, error.message)) from error
            except InvalidMedia as error:
                raise EngineFailed(Failure(FailureCode.INVALID_MEDIA, error.message)) from error

    async def _download(self, reference: Reference, target: Path, application_id: str) -> None:
        from stamina import retry_context

        most = self._max[reference.kind] or sys.maxsize
        try:
            async with asyncio.timeout(self._fetch_seconds):
                async for attempt in retry_context(_may_pass, attempts=3, timeout=120, wait_initial=0.5, wait_max=5):
                    with attempt:
                        await self._fetcher.download(
                            reference.value, target, max_bytes=most, application=application_id
                        )
        except TimeoutError as error:
            late = f"{redact(reference.value)} did not serve its file within {self._fetch_seconds:g} seconds."
            raise FetchError(late, retryable=False) from error

    async def _copy_own(self, token: str, application_id: str, folder: str) -> StoredMedia:
        stored = await self._ledger.media(token)
        if stored is None:
            raise EngineFailed(Failure(FailureCode.INPUT_UNREACHABLE, "The file was deleted before it was used."))
        key = f"{folder}/input-{token[:8].replace('-', '.')}{Path(stored.media.name).suffix}"
        await self.copy(stored.media.key, key)
        media = msgspec.structs.replace(stored.media, token=secrets.token_urlsafe(16), role=Role.INPUT, key=key)
        return StoredMedia(media, application_id, None, self._clock())

    async def copy(self, key: str, new_key: str) -> None:
        """Copy a file of the store. Raises EngineFailed if it is gone."""
        with tempfile.TemporaryDirectory(dir=self._work, prefix="copy-") as name:
            try:
                await self._store.get(key, Path(name) / "copy")
            except FileNotFoundError as error:
                raise EngineFailed(
                    Failure(FailureCode.INPUT_UNREACHABLE, "The earlier video was deleted before it was used.")
                ) from error
            await self._store.put(new_key, Path(name) / "copy")

    async def keep(self, kind: ReferenceKind, data: bytes, application_id: str, folder: str) -> StoredMedia:
        """Decode a picture or clip in the sandbox and store the decoded result, not the received bytes."""
        with tempfile.TemporaryDirectory(dir=self._work, prefix="intake-") as name:
            source = Path(name) / "source"
            await asyncio.to_thread(source.write_bytes, data)
            return await self.keep_file(kind, source, application_id, folder)

    def key_of(self, kind: ReferenceKind, folder: str, name: str) -> str:
        """Return the key under which a file of this name is kept in a folder."""
        return f"{folder}/input-{name}{_suffix(kind)}"

    async def keep_file(
        self, kind: ReferenceKind, source: Path, application_id: str, folder: str, name: str | None = None
    ) -> StoredMedia:
        """Decode and re-encode a received file and store it. Raises InvalidMedia."""
        token, suffix = secrets.token_urlsafe(16), _suffix(kind)
        target = source.with_name(f"decoded{suffix}")
        normalise = self._tools.normalise_image if kind is ReferenceKind.IMAGE else self._tools.normalise_video
        facts = await normalise(source, target, application=application_id)
        size, etag = await asyncio.to_thread(fingerprint, target)
        # A dash stands in given names only, so the two never meet.
        key = self.key_of(kind, folder, name or token[:8].replace("-", "."))
        media = Media(token, Role.INPUT, f"input{suffix}", key, size, etag, facts)
        await self._store.put(key, target)
        return StoredMedia(media, application_id, None, self._clock())

    def _decode(self, uri: str, kind: ReferenceKind, field: str) -> bytes:
        try:
            return decode_data_uri(uri, self._max[kind])
        except InvalidMedia as error:
            raise InvalidMedia(f"{field}: {error.message}", field=field) from error


def _suffix(kind: ReferenceKind) -> str:
    return ".png" if kind is ReferenceKind.IMAGE else ".mp4"


def fingerprint(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of a file, as hex. Blocks; call it off the event loop."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _may_pass(error: Exception) -> bool:
    return isinstance(error, FetchError) and error.retryable


def replace_links(body: bytes, links: dict[str, str]) -> bytes:
    """Write a JSON body with every string that is a key of `links` replaced, whole values only.

    Raises InvalidRequest for one that is nested too deeply.
    """
    try:
        return msgspec.json.encode(_walk(msgspec.json.decode(body), links)) if links else body
    except RecursionError as error:
        raise InvalidRequest("the body is nested too deeply") from error


def _walk(value: Any, links: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _walk(item, links) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, links) for item in value]
    return links.get(value.strip(), value) if isinstance(value, str) else value


def sides(start: Reference | None, end: Reference | None) -> Iterator[tuple[str, Reference]]:
    """Yield the references there are, by the side of the clip they stand at."""
    if start is not None:
        yield "start", start
    if end is not None:
        yield "end", end
