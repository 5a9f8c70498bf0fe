"""The table of kinds of work: what older ledgers hold in their rows, and what each kind does."""

from __future__ import annotations

import pytest

from filmgate.domain.states import Stage
from filmgate.domain.work import KINDS, QUEUES, SHARED_QUEUES, Queue, WorkKind, engine_of, queue_of

STORED_KINDS = {
    # kind: (queue of the engine "one", ends with its task, outlives its task, raises the fencing number)
    "advance": ("one", True, False, True),
    "follow": ("follow:one", True, False, True),
    "callback": ("callback", False, False, False),
    "expire": ("expire", True, False, False),
    "purge": ("purge", False, False, False),
    "recall": ("recall:one", False, True, False),
    "seek": ("recall:one", False, True, False),
}
"""What ledgers have held since their first version; a change here needs a migration."""


def test_stored_kinds_keep_their_values_queues_and_rules():
    """Every kind is in the table, under the value and in the queue that existing rows have."""
    found = {
        kind.value: (queue_of(rules.queue, "one"), rules.ends, rules.outlives, rules.fenced)
        for kind, rules in KINDS.items()
    }
    assert found == STORED_KINDS
    assert set(KINDS) == set(WorkKind)
    assert [kind for kind, rules in KINDS.items() if rules.follows_clock] == [WorkKind.EXPIRE]
    assert [kind for kind, rules in KINDS.items() if not rules.retains] == [WorkKind.PURGE]


def test_stored_queues_keep_their_names():
    """Every queue is in the table, under the name that existing rows have."""
    assert set(QUEUES) == set(Queue)
    assert SHARED_QUEUES == ("callback", "expire", "inputs", "purge")
    own = {queue_of(queue, "one") for queue in Queue if QUEUES[queue].per_engine}
    assert own == {"one", "lookup:one", "follow:one", "ingest:one", "recall:one"}


@pytest.mark.parametrize("queue", [Queue.LOOKUP, Queue.POLL, Queue.INGEST, Queue.RECALL])
def test_a_queue_beside_an_engines_own_names_the_engine(queue: Queue):
    """The engine is found again in the name of its queue."""
    assert engine_of(queue_of(queue, "some-engine_2")) == "some-engine_2"


def test_rendering_and_polling_are_stored_as_follow():
    """Rows of older versions hold one word for both stages."""
    assert (Stage.RENDER, Stage.POLL) == ("follow", "follow")
