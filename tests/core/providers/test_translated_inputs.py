"""References given to a provider in a way that it can use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate.domain.generation import Guide, GuideRole, Reference, ReferenceKind
from filmgate.domain.states import Stage
from filmgate.domain.work import Queue
from filmgate.ports.provider import Input, InputMode, TaskRef
from tests.core.providers.test_from_submit_to_file import FILE, INGEST, POLL, THEIRS, report
from tests.core.small_core import BASE, OWNER, PROVIDER, Core
from tests.core.test_task_service import DATA

PICTURE = "http://elsewhere.test/a.png"


async def given(core: Core, start: Reference, **fields: Any) -> Input | None:
    """Return how the provider was given the start of a task; None if the task failed for it."""
    task = await core.submit(model="theirs", start=start, **fields)
    if task.stage is Stage.INPUTS:
        assert await core.work(Queue.INPUTS) == 1
    assert await core.work(PROVIDER) == 1
    core.last = await core.task(task)
    return core.provider.submissions[-1].start if core.provider.submissions else None


def only(core: Core, **means: tuple[InputMode, ...]) -> None:
    """Let the provider be given inputs in these ways only."""
    core.provider.means = {ReferenceKind(kind): ways for kind, ways in means.items()}


async def test_a_public_picture_is_given_by_its_address(core: Core):
    """Where the provider takes addresses, nothing is fetched."""
    assert await given(core, Reference(ReferenceKind.IMAGE, PICTURE)) == Input(ReferenceKind.IMAGE, address=PICTURE)
    assert core.fetcher.asked == []


async def test_a_picture_is_fetched_for_a_provider_that_takes_files(core: Core):
    """The bytes are given, and the file goes once the provider has it."""
    only(core, image=(InputMode.FILE,))
    core.fetcher.files[PICTURE] = b"theirs"
    sent = await given(core, Reference(ReferenceKind.IMAGE, PICTURE), guides=(Guide(GuideRole.STYLE, PICTURE),))
    assert sent is not None
    assert sent.file is not None
    assert core.provider.files == {"start.png": b"theirs", "guide-0.png": b"theirs"}
    assert await core.store.keys(core.last.id) == []


async def test_our_own_file_is_given_by_address_only_where_it_can_be_reached(core: Core):
    """Without a public address a provider elsewhere gets the bytes; one on this machine can read the link."""
    sent = await given(core, Reference(ReferenceKind.IMAGE, DATA))
    assert sent is not None
    assert sent.file is not None
    core.provider.line.base = "http://127.0.0.1:9000/v1"  # type: ignore[misc]
    sent = await given(core, Reference(ReferenceKind.IMAGE, DATA))
    assert sent is not None
    assert sent.address is not None
    assert sent.address.startswith(f"{BASE}/media/")


async def test_an_earlier_task_of_the_same_account_is_named(core: Core):
    """Also where its clip came by a link; one that was made elsewhere is given as a file."""
    core.account.start()
    earlier = await core.to_provider()
    core.provider.reports[THEIRS] = [report()]
    await core.work(POLL)
    core.fetcher.files[FILE] = b"their clip"
    await core.work(INGEST)
    made = await core.task(earlier)
    assert made.output is not None
    assert made.output.video is not None
    named = Input(ReferenceKind.TASK, earlier=TaskRef(THEIRS, "their-video"))
    assert await given(core, Reference(ReferenceKind.TASK, earlier.id)) == named
    assert await given(core, Reference(ReferenceKind.VIDEO, BASE + made.output.video.path)) == named
    here = await core.finish(await core.submit())
    sent = await given(core, Reference(ReferenceKind.TASK, here.id))
    assert sent is not None
    assert sent.kind is ReferenceKind.VIDEO
    assert core.provider.files["start.mp4"] == b"a clip"


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ({"image": (InputMode.ADDRESS,)}, "only be given a picture by a public address"),
        ({"image": (InputMode.TASK,)}, "only go on from a video that it made itself"),
        ({}, "cannot be given a picture"),
    ],
)
async def test_a_way_that_there_is_not_ends_the_task(core: Core, means: dict[str, Any], said: str):
    """The owner reads why, and nothing was asked of the provider."""
    only(core, **means)
    assert await given(core, Reference(ReferenceKind.IMAGE, DATA)) is None
    failure = core.last.failure
    assert failure is not None
    assert failure.code == "unsupported_by_engine"
    assert said in failure.message


@pytest.mark.parametrize("gone", ["row", "file"])
async def test_a_file_that_is_gone_ends_the_task(core: Core, gone: str):
    """It was deleted after the task was accepted."""
    earlier = await core.finish(await core.submit())
    assert earlier.output is not None
    assert earlier.output.video is not None
    link = Reference(ReferenceKind.VIDEO, BASE + earlier.output.video.path)
    task = await core.submit(model="theirs", start=link)
    if gone == "row":
        await core.tasks.delete(OWNER, earlier.id)
    else:
        await core.store.remove(earlier.output.video.key)
    await core.work(PROVIDER)
    ended = await core.task(task)
    assert ended.failure is not None
    assert (ended.failure.code, core.provider.submissions) == ("input_unreachable", [])


async def test_an_input_of_an_earlier_version_is_fetched_when_it_is_needed(core: Core, tmp_path: Path):
    """Its submit is looked up although nothing was fetched for it before; the file does not stay."""
    only(core, image=(InputMode.FILE,))
    core.fetcher.files[PICTURE] = b"theirs"
    task = await core.submit(model="theirs", start=Reference(ReferenceKind.IMAGE, PICTURE))
    places, guides = await core.translator.translate(task, core.provider, tmp_path)  # type: ignore[arg-type]
    assert places["start"].file is not None
    assert places["start"].file.read_bytes() == b"theirs"
    assert guides == ()
    assert await core.store.keys(task.id) == []
