"""The marks by which a listed task is known as ours, or as somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.calling.marks import is_ours
from filmgate.domain.generation import Generation
from filmgate.ports.provider import Submission

KEY = "0f3c9a7d5e1b48c2a6f0d9e8b7c6a5f4"
HOOK = f"https://gate.example/hooks/luma/{KEY}"


@pytest.mark.parametrize("hook", [None, HOOK])
@pytest.mark.parametrize(
    ("listed", "ours"),
    [
        ({}, None),
        ({"id": "x", "request": {"prompt": "a cat", "callback_url": None, "notify_hook": ""}}, None),
        ({"request": {"callback_url": HOOK}}, True),
        ({"request": {"callback_url": f"{HOOK}/?from=luma"}}, True),
        ({"request": {"callback_url": HOOK.replace("gate.example", "old.example")}}, True),
        ({"idempotency_key": KEY}, True),
        ({"meta": [{"deep": [{"client": KEY}]}], "callback_url": "https://other.example/"}, True),
        ({"request": {"callback_url": HOOK[:-1]}}, False),
        ({"request": {"callback_url": "https://gate.example/hooks/luma/ffffffffffffffffffffffffffffffff"}}, False),
        ({"callback_url": "https://other.example/"}, False),
        ({"request": {"notify_hook": "https://other.example/"}}, False),
        ({"idempotency_key": "theirs"}, False),
        ({"request": [KEY[:-1]], "callback_url": 7}, None),
    ],
)
def test_a_mark_is_the_submit_key(listed: dict[str, Any], ours: bool | None, hook: str | None):
    """Wherever it is echoed, it is proof; another mark in a field for marks is somebody else's."""
    assert is_ours(listed, Submission(KEY, Generation("a cat"), callback_url=hook)) is ours


def test_however_deep_a_provider_nests_it():
    """A list of a thousand lists is read to its end."""
    listed: Any = KEY
    for _ in range(10_000):
        listed = [listed]
    assert is_ours({"deep": listed}, Submission(KEY, Generation("a cat"))) is True
