"""What was not made as it was asked for is said in every form that answers a task, and of no other task."""

from __future__ import annotations

import json
from typing import Any

import luma_agents.types
import lumaai.types
import msgspec
import openai.types
import pytest

from filmgate.adapters.dialects.acedata import responses as acedata
from filmgate.adapters.dialects.acedata import upstream as acedata_upstream
from filmgate.adapters.dialects.agents import responses as agents
from filmgate.adapters.dialects.agents import upstream as agents_upstream
from filmgate.adapters.dialects.dream_machine import responses as dream_machine
from filmgate.adapters.dialects.dream_machine import upstream as dream_machine_upstream
from filmgate.adapters.dialects.gateway import responses as gateway
from filmgate.adapters.dialects.gateway import upstream as gateway_upstream
from filmgate.adapters.dialects.native import responses as native
from filmgate.adapters.dialects.openai_videos import responses as openai_videos
from filmgate.adapters.dialects.openai_videos import upstream as openai_upstream
from filmgate.adapters.mcp.results import ITEM, RESULT
from filmgate.core.query.cache import Serializer
from filmgate.domain.adjustments import Adjustment
from filmgate.domain.states import State
from filmgate.domain.task import Task, WorkState

from .examples import BASE, output, task

FORMS: dict[str, tuple[Serializer, tuple[str | int, ...]]] = {
    "native": (native.FORM, ()),
    "gateway": (gateway.FORM, ()),
    "gateway envelope": (gateway.ENVELOPE, ("data",)),
    "gateway v2": (gateway.SECOND, ("data", 0)),
    "acedata": (acedata.FORM, ("response",)),
    "acedata data": (acedata.FORM, ("data",)),
    "acedata callback": (acedata.HOOK, ()),
    "dream machine": (dream_machine.FORM, ("metadata",)),
    "agents": (agents.FORM, ("metadata",)),
    "openai": (openai_videos.FORM, ("metadata",)),
    "openai event": (openai_videos.HOOK, ("data", "metadata")),
    "mcp": (RESULT, ("structuredContent",)),
    "mcp item": (ITEM, ()),
}
"""Each form, and where in it the remarks stand."""

SDKS: dict[str, tuple[Serializer, Any]] = {
    "lumaai": (dream_machine.FORM, lumaai.types.Generation),
    "luma-agents": (agents.FORM, luma_agents.types.Generation),
    "openai": (openai_videos.FORM, openai.types.Video),
}
WORDS = ["Zebra", "unicycle"]
CHANGE = Adjustment("duration", 99, 10, "a video has 1 to 10 whole seconds")


def preview(state: State = State.COMPLETED) -> Task:
    """Return a task that the studio makes."""
    notes = {"preview": True, "words_ignored": ["with", "The", *WORDS, "a"]} if state is State.COMPLETED else {}
    made = {"output": output(1280, 720)} if state is State.COMPLETED else {}
    return task(state, work=WorkState(notes=notes, preview=True), **made)


def said(form: Serializer, place: tuple[str | int, ...], of: Task) -> dict[str, Any]:
    """Return what stands at a place of an answer, {} where there is no such place."""
    value: Any = json.loads(form.one(of, None, BASE))
    for key in place:
        value = value.get(key, {}) if isinstance(value, dict) else value[key]
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("name", FORMS)
def test_a_preview_says_so_and_which_words_it_ignored(name: str) -> None:
    """From the first answer on it is called a preview; the ignored words are there once it is made."""
    made = said(*FORMS[name], preview())
    assert (made["preview"], made["ignored_words"]) == (True, WORDS)
    for state in (State.PENDING, State.PROCESSING, State.FAILED):
        # Where a failure is told, AceData's callback and OpenAI's event are the form for it.
        assert said(*FORMS[name], preview(state))["preview"] is True


@pytest.mark.parametrize("name", FORMS)
def test_nothing_is_said_of_a_task_made_as_it_was_asked_for(name: str) -> None:
    """Foreign forms have no further key; our own have the same keys for all tasks."""
    for state in State:
        answer = said(*FORMS[name], task(state))
        assert not answer.get("preview")
        assert not answer.get("ignored_words")
        assert not answer.get("adjustments")
        if name not in ("native", "mcp", "mcp item"):
            assert not {"preview", "ignored_words", "adjustments", "metadata"} & set(answer)


@pytest.mark.parametrize("name", SDKS)
def test_the_sdks_read_a_preview_strictly(name: str) -> None:
    """The types of the published libraries take what is said of a preview, and pass it on."""
    form, kind = SDKS[name]
    seen = kind.model_validate_json(form.one(preview(), None, BASE), strict=False)
    assert (seen.metadata["preview"], seen.metadata["ignored_words"]) == (True, WORDS)


def test_agents_are_told_to_pass_it_on() -> None:
    """The next step of a finished preview is to say that it is one."""
    shown = msgspec.json.decode(ITEM.one(preview(), None, BASE))
    assert "preview" in shown["next_step"]
    assert "preview" not in msgspec.json.decode(ITEM.one(task(), None, BASE))["next_step"]


@pytest.mark.parametrize("name", FORMS)
def test_a_value_that_is_not_used_as_asked_for_is_told(name: str) -> None:
    """In every state the answer says what was asked for, what is used, and why; under the dialect's own name of it."""
    for state in State:
        form, place = FORMS[name]
        [told] = said(form, place, task(state, work=WorkState(adjustments=(CHANGE,))))["adjustments"]
        assert (told["asked"], told["used"], told["reason"]) == (99, 10, CHANGE.reason)
        assert told["field"] == {"openai": "seconds", "agents": "video.duration"}.get(
            name.split(maxsplit=1)[0], "duration"
        )


UPSTREAMS: dict[str, tuple[Serializer, Any]] = {
    "acedata": (acedata.FORM, acedata_upstream._parse_status),
    "agents": (agents.FORM, agents_upstream.parse_status),
    "dream machine": (dream_machine.FORM, dream_machine_upstream.parse_status),
    "gateway": (gateway.FORM, gateway_upstream._parse_status),
    "gateway envelope": (gateway.ENVELOPE, gateway_upstream._parse_status),
    "openai": (openai_videos.FORM, openai_upstream._parse_status),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_a_preview_of_another_filmgate_stays_one(name: str) -> None:
    """What a provider says of its own preview becomes a note of the task here; of a real video nothing is noted."""
    form, report_of = UPSTREAMS[name]

    def noted(of: Task) -> object:
        answer = json.loads(form.one(of, None, BASE))
        return report_of(answer, of.id).notes

    assert noted(preview()) == {"preview": True, "words_ignored": WORDS}
    assert noted(task()) == {}
