"""Tasks as a ledger holds them, in every state."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.media import Facts, Media, Output, Role
from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS
from filmgate.domain.states import Stage, State
from filmgate.domain.task import Task, WorkState

BASE = "http://127.0.0.1:8484"
GRID = "em9csKqXYUgqdHVmmqeZLB8YaFpLjVw2bmFTTElBHhMNTzgodD8eVzUeTDorRSkYYEQymV80e1M0ck0ugWVRwKCApWk0hF1BgmVP"

_ids = st.uuids().map(str)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _media(role: Role, name: str, facts: Facts) -> Media:
    token = role.value.ljust(22, "0")
    return Media(token, role, name, f"task/{name}", 12_345, "0" * 64, facts)


def output(width: int = 1360, height: int = 752, frames: int = 121) -> Output:
    """Return the files of a completed task."""
    return Output(
        thumbnail=_media(Role.THUMBNAIL, "thumbnail.jpg", Facts("image/jpeg", width, height, palette=GRID)),
        video=_media(Role.VIDEO, "video.mp4", Facts("video/mp4", width, height, frames / 24, frames)),
        last_frame=_media(Role.LAST_FRAME, "last_frame.jpg", Facts("image/jpeg", width, height)),
    )


def task(state: State = State.COMPLETED, **fields: Any) -> Task:
    """Return a task in a state, with what belongs to that state."""
    values: dict[str, Any] = {
        "id": "01a20065-9a7a-7389-97f5-73ecdba1d376",
        "application_id": "66f9131a-6048-40c3-9316-dea340b9f9aa",
        "credential_id": "4b8a77d3-b471-4e06-a091-50217e2a5424",
        "user_id": "cd445672-c687-41fb-b903-d5e26524d1aa",
        "trace_id": "5197de53-3d03-4e46-90bd-3364970f1068",
        "video_id": "2f100240-d287-4808-b2cb-73cf011a4d99",
        "dialect": "gateway",
        "engine": "studio",
        "generation": Generation("cat dance"),
        "base_url": BASE,
        "callback_url": None,
        "created_at": 1_725_077_411.961,
        "updated_at": 1_725_077_411.961,
        "state": state,
    }
    if state is not State.PENDING:
        values |= {"started_at": 1_725_077_412.0, "percent": 40, "stage": Stage.RENDER}
    if state in (State.COMPLETED, State.FAILED):
        values |= {"finished_at": 1_725_077_566.2414, "updated_at": 1_725_077_566.2414, "stage": Stage.DONE}
    if state is State.COMPLETED:
        values |= {"output": output(), "work": WorkState(notes={"seed": 7}), "percent": 100}
    if state is State.FAILED:
        values |= {"failure": Failure("moderated", "Frame moderation failed")}
    return Task(**values | fields)


_references = st.one_of(
    st.none(),
    st.builds(Reference, st.just(ReferenceKind.IMAGE), st.sampled_from(["https://example.com/a.jpg", "media:token"])),
    st.builds(Reference, st.just(ReferenceKind.VIDEO), st.just("https://example.com/a.mp4")),
    st.builds(Reference, st.just(ReferenceKind.TASK), _ids),
)

_generations = st.builds(
    Generation,
    prompt=_texts,
    aspect_ratio=st.sampled_from(ASPECT_RATIOS),
    resolution=st.sampled_from([None, *RESOLUTIONS]),
    duration=st.integers(1, 10),
    loop=st.booleans(),
    enhance=st.booleans(),
    model=st.one_of(st.none(), _texts),
    start=_references,
    end=_references,
)


@st.composite
def tasks(draw: st.DrawFn, states: tuple[State, ...] = tuple(State)) -> Task:
    """Draw a task in one of the states; what has ended may never have been started."""
    state = draw(st.sampled_from(states))
    fields: dict[str, Any] = {
        "id": draw(_ids),
        "generation": draw(_generations),
        "created_at": draw(st.floats(1, 4e9)),
        "percent": draw(st.integers(0, 100)),
    }
    if state is State.FAILED and draw(st.booleans()):
        fields |= {"started_at": None, "percent": 0, "failure": Failure("cancelled", draw(_texts))}
    return task(state, **fields)
