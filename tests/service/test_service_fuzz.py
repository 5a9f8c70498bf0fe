"""Odd requests to every route, the same ones every time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.service import RunningService

from .fuzzing import OPTIONS, Fuzzer

INPUTS = 2_000


@pytest.mark.xdist_group("fuzz")
def test_odd_requests(start_service: Callable[..., RunningService]):
    """Whatever is sent, the answer is in the dialect's form and no server error; the service lives and stays small.

    `scripts/fuzz.py` does the same with as many requests as there is time for.
    """
    service = start_service(**OPTIONS)
    summary = Fuzzer(service).run(INPUTS, number=1)
    assert summary.faults == []
    assert summary.inputs >= INPUTS
    assert {status[0] for status in summary.statuses} >= {"2", "4"}
