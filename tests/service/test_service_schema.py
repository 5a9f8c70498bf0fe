"""The published description of the whole API against the running service."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error

from filmgate.domain.media_fields import is_media_name
from tests.support.service import RunningService

from .apis import message_of
from .conftest import client, ended, engines, submit

EXAMPLES = 10
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
schemathesis.openapi.format("image-address", st.just(f"data:image/png;base64,{PIXEL}"))
schemathesis.openapi.format("video-address", st.just("http://127.0.0.1:1/video.mp4"))
schemathesis.openapi.format("callback-address", st.just("http://127.0.0.1:1/hook"))

load_all_checks()
_UNFIT = CHECKS.get_by_names(["negative_data_rejection"])
"""It takes a request for wrong that has an unknown query parameter, or breaks one of several alternatives and keeps
another: the first are ignored here, the second are right."""

_ACCEPTS = CHECKS.get_by_names(["positive_data_acceptance"])
"""It does not know that a field which is not described is refused if it holds a picture or video."""

_PARTS = ("/api/v1/", "/agents/", "/dream-machine/", "/luma/", "/v1/", "/")
"""Where the paths of a part begin; the last one has what is in no other."""

_USED_BY_ALL = {"POST /api/v1/tasks", "GET /api/v1/tasks/{task_id}", "GET /luma/generations/{task_id}"}

_PROMISED = {504: [not_a_server_error]}
"""The end of a synchronous wait is a server error by its number only: clients know it, and it is described."""


@pytest.fixture(scope="module")
def fails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose tasks fail at once, so that thousands of requests cost little."""
    table = engines(
        fails={"type": "scripted", "models": ["*"], "fail": "generation_failed"},
        works={"type": "scripted", "models": ["works"]},
    )
    running = RunningService(
        tmp_path_factory.mktemp("fails") / "data", engines=table, max_unfinished="0", answer_cache="0"
    ).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


_IDS = ("task_id", "generation_id", "video_id")
"""What the id of a task is called in paths."""


@pytest.fixture(scope="module")
def published(fails: RunningService) -> schemathesis.BaseSchema:
    """The description that the service publishes; every other id in a path is that of a task."""
    described = schemathesis.openapi.from_url(f"{fails.url}/openapi.json")
    with client(fails) as http:
        ids = [submit(http, prompt, model="works") for prompt in ("x", "[hang]", "[fail]") * 5]
        for task_id in (*ids[::3], *ids[2::3]):
            ended(http, task_id)

    @described.hook
    def map_path_parameters(
        context: schemathesis.HookContext, parameters: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        name = next((name for name in _IDS if name in (parameters or {})), None)
        if not parameters or name is None:
            return parameters
        label = context.operation.label
        known = ids[:6] if label.startswith("DELETE") else ids[6:]
        if label.startswith("POST") and not label.endswith("/cancel"):
            known = ids[6::3]  # what is made of a task needs a completed one, and no description can say so
        chosen = zlib.crc32(repr((label, parameters)).encode())
        return parameters if chosen % 2 else {**parameters, name: known[chosen // 2 % len(known)]}

    @described.hook
    def map_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
        del context
        wait = (query or {}).get("wait")
        if query is None or not isinstance(wait, int | float) or isinstance(wait, bool) or not 0 <= wait <= 50:
            return query
        return {**query, "wait": wait / 500}  # what is right stays right, and takes less time

    @described.hook
    def map_headers(context: schemathesis.HookContext, headers: dict[str, str] | None) -> dict[str, str] | None:
        del context
        if not headers or "Idempotency-Key" not in headers:
            return headers
        return {**headers, "Idempotency-Key": f"{headers['Idempotency-Key'][:200]}{uuid4()}"[:300]}

    return described


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", _PARTS)
def test_answers_are_as_described(
    fails: RunningService, published: schemathesis.BaseSchema, subtests: pytest.Subtests, part: str
) -> None:
    """Whatever is sent, the answer is one that the description has, and no server error."""
    seen: set[tuple[str, int]] = set()
    for operation in _operations(published, part):
        for mode in GenerationMode:
            with subtests.test(operation.label, mode=mode.value):
                _examine(operation, mode, fails.headers, seen)
    assert seen
    for label in _USED_BY_ALL & {name for name, _ in seen}:
        assert {status // 100 for name, status in seen if name == label} == {2, 4}, label


def _operations(published: schemathesis.BaseSchema, part: str) -> Iterator[Any]:
    """Return the operations of a part; a stream has no end, so those have tests of their own."""
    for found in published.get_all_operations():
        operation = found.ok()
        its_part = next(each for each in _PARTS if operation.path.startswith(each))
        if its_part == part and not operation.path.endswith("/events"):
            yield operation


def _examine(operation: Any, mode: GenerationMode, headers: dict[str, str], seen: set[tuple[str, int]]) -> None:
    """Send what is right or wrong by the description, always the same of it."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def examine(case: schemathesis.Case) -> None:
        answer = case.call(headers=headers, timeout=30)
        seen.add((operation.label, answer.status_code))
        excluded = [*_UNFIT, *(_PROMISED.get(answer.status_code, ()))]
        if _is_unknown_input(answer, operation):
            excluded += _ACCEPTS
        case.validate_response(answer, headers=headers, excluded_checks=excluded)

    with contextlib.suppress(Unsatisfiable):
        # Nothing can be wrong about an operation without parameters.
        examine()


def _is_unknown_input(answer: Any, operation: Any) -> bool:
    """Return whether an answer refuses a picture or video in a field that the description does not have.

    Names that other APIs use are read, and not described: they begin the sentence, or are the second of two that clash.
    """
    if answer.status_code != 400:
        return False
    message = message_of(answer)
    first, _, rest = message.partition(" ")
    named = [first, rest.removeprefix("and ").partition(" ")[0]] if rest.startswith("and ") else [first]
    roots = [re.split(r"[:.\[]", name)[0] for name in named]
    described = json.dumps(operation.definition.raw)
    unused = "has no use for a picture or video" in message
    return any((unused or is_media_name(root)) and json.dumps(root) not in described for root in roots)
