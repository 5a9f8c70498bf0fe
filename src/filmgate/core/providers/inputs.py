"""What a task refers to, given to a provider in a way it can use."""

from __future__ import annotations

import contextlib
import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from filmgate.core.media.inputs import MediaInputs, sides
from filmgate.core.work.external_inputs import guide_name
from filmgate.core.work.start import TaskStart
from filmgate.domain.errors import EngineFailed, FilmgateError
from filmgate.domain.failures import Failure, FailureCode
from filmgate.domain.generation import OWN, Guide, Reference, ReferenceKind
from filmgate.domain.media import Media, Role
from filmgate.domain.task import Task
from filmgate.ports.ledger import Ledger
from filmgate.ports.media import MediaStore
from filmgate.ports.provider import Input, InputMode, Provider, TaskRef


class _Source(msgspec.Struct, frozen=True):
    """A reference looked up: the earlier task and our file behind it, where there are any."""

    reference: Reference
    earlier: Task | None = None
    media: Media | None = None


class InputTranslator:
    """Translates references. Nothing is asked of a provider before all of them are translated."""

    def __init__(
        self, ledger: Ledger, store: MediaStore, media_inputs: MediaInputs, starting: TaskStart, public_url: str | None
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._media_inputs = media_inputs
        self._starting = starting
        self._public_url = public_url

    async def translate(
        self, task: Task, provider: Provider, folder: Path
    ) -> tuple[dict[str, Input], tuple[tuple[Guide, Input], ...]]:
        """Return the sides of the clip and the guides, translated. Raises EngineFailed if one cannot be."""
        generation = task.generation
        places = {
            side: await self._translate(task, provider, reference, folder / side)
            for side, reference in sides(generation.start, generation.end)
        }
        guides = []
        for number, guide in enumerate(generation.guides):
            picture = Reference(ReferenceKind.IMAGE, guide.url)
            guides.append((guide, await self._translate(task, provider, picture, folder / guide_name(number))))
        return places, tuple(guides)

    async def forget(self, task: Task) -> None:
        """Remove the files fetched for a task once its provider has them; the rest goes with the task's end."""
        for given in task.work.inputs.values():
            with contextlib.suppress(FilmgateError, OSError):
                await self._store.remove(given.key)

    async def _translate(self, task: Task, provider: Provider, reference: Reference, target: Path) -> Input:
        source = await self._source(task, reference)
        ways = provider.means.get(reference.kind, ())
        if reference.kind is ReferenceKind.TASK:
            ways += provider.means.get(ReferenceKind.VIDEO, ())
        elif source.earlier is not None:
            ways = (*provider.means.get(ReferenceKind.TASK, ()), *ways)
        for means in ways:
            given = await self._by(means, task, provider, source, target)
            if given is not None:
                return given
        raise EngineFailed(Failure(FailureCode.UNSUPPORTED_BY_ENGINE, self._why_not(task, reference, ways)))

    async def _source(self, task: Task, reference: Reference) -> _Source:
        if reference.kind is ReferenceKind.TASK:
            earlier = await self._starting.earlier(task, reference)
            return _Source(reference, earlier, earlier.output.video if earlier.output else None)
        if not reference.value.startswith(OWN):
            return _Source(reference)
        stored = await self._ledger.media(reference.value.removeprefix(OWN))
        if stored is None:
            gone = Failure(FailureCode.INPUT_UNREACHABLE, "The file was deleted before it was used.")
            raise EngineFailed(gone)
        made = stored.task_id is not None and stored.media.role is Role.VIDEO
        maker = await self._ledger.get(task.application_id, stored.task_id or "") if made else None
        return _Source(reference, maker, stored.media)

    async def _by(
        self, means: InputMode, task: Task, provider: Provider, source: _Source, target: Path
    ) -> Input | None:
        """Return a source by one means, None if it cannot be had so."""
        kind, earlier = source.reference.kind, source.earlier
        if means is InputMode.TASK:
            if earlier is None or earlier.upstream_id is None or earlier.engine != task.engine:
                return None
            return Input(ReferenceKind.TASK, earlier=TaskRef(earlier.upstream_id, earlier.work.video))
        shown = ReferenceKind.IMAGE if kind is ReferenceKind.IMAGE else ReferenceKind.VIDEO
        if means is InputMode.ADDRESS:
            address = self._address(task, provider, source)
            return None if address is None else Input(shown, address=address)
        return Input(shown, file=await self._file(task, source, target))

    def _address(self, task: Task, provider: Provider, source: _Source) -> str | None:
        if source.media is None:
            return source.reference.value
        # A provider on this machine can reach what a client on this machine can.
        near = task.base_url if _is_loopback(provider.line.base) and _is_loopback(task.base_url) else None
        base = self._public_url or near
        return None if base is None else base + source.media.path

    async def _file(self, task: Task, source: _Source, target: Path) -> Path:
        if source.media is not None:
            return await self._place(source.media.key, target)
        if target.name in task.work.inputs:
            return await self._place(task.work.inputs[target.name].key, target)
        # Only what an earlier version has submitted comes here, when its submit is looked up.
        fetched = await self._media_inputs.fetch(source.reference, task.application_id, task.id)
        path = await self._place(fetched.media.key, target)
        # It has no link, and once it was sent nobody needs it any more.
        await self._store.remove(fetched.media.key)
        return path

    async def _place(self, key: str, target: Path) -> Path:
        path = target.with_suffix(Path(key).suffix)
        try:
            await self._store.get(key, path)
        except FileNotFoundError as error:
            gone = Failure(FailureCode.INPUT_UNREACHABLE, "The file was deleted before it was used.")
            raise EngineFailed(gone) from error
        return path

    def _why_not(self, task: Task, reference: Reference, ways: tuple[InputMode, ...]) -> str:
        what = "picture" if reference.kind is ReferenceKind.IMAGE else "video"
        if InputMode.ADDRESS in ways:
            return (
                f"The engine {task.engine} can only be given a {what} by a public address, and this service has none: "
                "its admin has to set FILMGATE_PUBLIC_URL."
            )
        if InputMode.TASK in ways:
            return f"The engine {task.engine} can only go on from a video that it made itself."
        return f"The engine {task.engine} cannot be given a {what}."


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
