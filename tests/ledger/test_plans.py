"""How SQLite goes about every statement that takes ids, filters or pages, whatever is in the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator

import apsw
import pytest

from filmgate.adapters.ledger.sqlite import find, webhooks
from filmgate.adapters.ledger.sqlite.migrate import migrate
from filmgate.adapters.ledger.sqlite.statements import SQL
from filmgate.domain.states import State
from filmgate.domain.webhooks import WebhookStatus
from filmgate.ports.tasks import TaskFilter
from filmgate.ports.webhooks import WebhookFilter

from .examples import A


def listing(**wanted: object) -> str:
    """Return the statement of a page of tasks."""
    return find.page_statement(A.id, TaskFilter(**wanted))[0]  # type: ignore[arg-type]


def counting(**wanted: object) -> str:
    """Return the statement that counts a list of tasks."""
    return find.total_statement(A.id, TaskFilter(**wanted))[0]  # type: ignore[arg-type]


SOME = (State.PENDING, State.FAILED)
STATUSES = (WebhookStatus.FAILED, WebhookStatus.PENDING)
LISTS = {
    "all": listing(),
    "count all": counting(),
    "created": listing(created_min=1.0, created_max=2.0),
    "ids and more": listing(ids=("x",), states=(State.PENDING,), created_min=1.0),
    "behind": listing(after=(1.0, "x")),
    "state": listing(states=(State.FAILED,)),
    "count of a state": counting(states=(State.FAILED,)),
    "states": listing(states=SOME),
    "states behind": listing(states=SOME, after=(1.0, "x")),
    "user": listing(user_id="x"),
    "user created": listing(user_id="x", created_min=1.0, created_max=2.0),
    "trace": listing(trace_ids=("x",)),
    "traces": listing(trace_ids=("x", "y")),
    "callbacks": webhooks.list_statements(A.id, WebhookFilter())[0],
    "count callbacks": webhooks.list_statements(A.id, WebhookFilter())[1],
    "callbacks of a status": webhooks.list_statements(A.id, WebhookFilter(statuses=STATUSES[:1]))[0],
    "callbacks of statuses": webhooks.list_statements(A.id, WebhookFilter(statuses=STATUSES))[0],
    "callbacks of a task": webhooks.list_statements(A.id, WebhookFilter(task_id="x"))[0],
}

PAGED = {
    *("all", "created", "behind", "state", "states", "states behind", "user", "user created", "trace"),
    *("uploads", "sent_before", "changes_behind", "aged_tasks", "aged_media"),
    *("callbacks", "callbacks of a status", "callbacks of statuses"),
}
"""What is read in the order of an index, so that a page costs a page."""

TABLES = (
    "tasks|due|d|t|c|turns|key_turns|media|requests|api_keys|submits|changes|deliveries|callback_secrets|usage|failures|"
    "callbacks|m|provider_ids"
)

# One application has nearly everything, all of one state and one user: what tempts a planner to walk its index.
_MANY = """
INSERT INTO applications VALUES ('app-a', 'alpha', 'user-a', 1.0), ('app-b', 'beta', 'user-b', 2.0);
CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY);
WITH RECURSIVE upto (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM upto WHERE n < 100000)
INSERT INTO numbers SELECT n FROM upto;
INSERT INTO tasks
SELECT
    'task-' || n, iif(n % 1000, 'app-a', 'app-b'), 'key', 'user-a', 'trace-' || n, 'video-' || n, 'gateway', 'studio',
    '{}', 'http://127.0.0.1', NULL, n, n, iif(n % 500, 'completed', 'pending'), iif(n % 500, 'done', 'submit'), 1, 1,
    100, n, n, NULL, 0, NULL, NULL, NULL, NULL
FROM numbers;
INSERT INTO requests SELECT 'task-' || n, 'gateway', x'7b7d' FROM numbers;
INSERT INTO media
SELECT 'token-' || n, 'video', 'video.mp4', 'key-' || n, 1, '', '{}', 'app-a', 'task-' || n, n FROM numbers;
INSERT INTO callbacks SELECT 'task-' || n, 'completed', 'app-a', 'delivered', n, n, 1, NULL, n, 200, NULL FROM numbers;
INSERT INTO deliveries SELECT n, 'task-' || n, 'completed', n, 0.1, 200, NULL FROM numbers;
INSERT INTO submits SELECT 'task-' || n, 'app-a', 'key', x'00', 'key-' || n, 0, n FROM numbers WHERE n % 10 = 0;
INSERT INTO changes (task_id, application_id) SELECT 'task-' || n, 'app-a' FROM numbers;
INSERT INTO due (kind, queue, task_id, application_id, not_before, detail, credential_id)
SELECT 'advance', 'studio', 'task-' || n, 'app-a', n, '', 'key' FROM numbers WHERE n % 20 = 0;
INSERT INTO provider_ids SELECT 'engine:one', 'up-' || n, 'task-' || n, 'app-a', NULL FROM numbers;
INSERT INTO turns VALUES ('studio', 'app-a', 1);
INSERT INTO key_turns VALUES ('studio', 'app-a', 'key', 1);
"""


@pytest.fixture(scope="module", params=["empty", "100,000 tasks", "100,000 tasks, analyzed"])
def connection(request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    """Return a ledger with nothing or much in it, with the statistics of its migrations or those of ANALYZE."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    if request.param != "empty":
        connection.execute(f"BEGIN; {_MANY} COMMIT").fetchall()
    if "analyzed" in request.param:
        connection.execute("ANALYZE").fetchall()
    yield connection
    connection.close()


def plan(connection: apsw.Connection, statement: str) -> str:
    """Return the plan of a statement."""
    values = dict.fromkeys(re.findall(r":(\w+)", statement))
    return "\n".join(str(step[3]) for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall())


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("get_task", ["tasks_1 (id=?)"]),
        ("get_tasks", ["tasks_1 (id=?)"]),
        ("task_by_video", ["tasks_video (application_id=? AND video_id=?)"]),
        ("task_by_trace", ["tasks_trace (application_id=? AND trace_id=?)"]),
        ("count_unfinished", ["COVERING INDEX tasks_stage"]),
        ("count_unfinished_up_to", ["tasks_state (application_id=? AND state=?)"]),
        ("change_task", ["tasks_1 (id=?)"]),
        ("cancel_task", ["tasks_1 (id=?)"]),
        ("fence_task", ["tasks_1 (id=?)"]),
        ("delete_task", ["tasks_1 (id=?)"]),
        ("key_by_digest", ["api_keys_2 (digest=?)"]),
        ("media_by_token", ["media_1 (token=?)"]),
        ("uploads", ["media_uploads (application_id=? AND (created_at,token)<(?,?))"]),
        ("drop_upload", ["media_1 (token=?)"]),
        ("echoes", ["requests_1 (task_id=?)"]),
        (
            "next_claim",
            [
                "SEARCH due USING INDEX due_key (queue=? AND application_id=? AND credential_id=? AND not_before<?)",
                "SEARCH d EXISTS USING COVERING INDEX due_next (queue=? AND application_id=? AND not_before<?)",
                "SEARCH d USING COVERING INDEX due_key (queue=? AND application_id=? AND credential_id>?)",
                "SEARCH t USING PRIMARY KEY (queue=? AND application_id=? AND credential_id=?)",
                "turns_1 (queue=? AND application_id=?)",
            ],
        ),
        (
            "next_shared_claim",
            [
                "SEARCH due USING INDEX due_key (queue=? AND application_id=? AND credential_id=? AND not_before<?)",
                "SEARCH d EXISTS USING COVERING INDEX due_next (queue=? AND application_id=? AND not_before<?)",
                "SEARCH d USING COVERING INDEX due_key (queue=? AND application_id=? AND credential_id>?)",
                "SEARCH t USING PRIMARY KEY (queue=? AND application_id=? AND credential_id=?)",
                "SEARCH c USING INDEX due_next (queue=? AND application_id=? AND not_before>?)",
                "turns_1 (queue=? AND application_id=?)",
            ],
        ),
        (
            "next_shared_due",
            [
                "SEARCH d USING COVERING INDEX due_next (queue=? AND application_id=?)",
                "SEARCH c USING INDEX due_next (queue=? AND application_id=? AND not_before>?)",
            ],
        ),
        ("serve_application", ["turns_served (queue=?)"]),
        ("serve_key", ["SEARCH t USING PRIMARY KEY (queue=? AND application_id=?)"]),
        ("next_due", ["due_queue (queue=?)"]),
        ("count_at_provider", ["COVERING INDEX tasks_stage (engine=? AND state=?"]),
        ("open_submits", ["tasks_stage (engine=? AND state=?"]),
        ("sought_submits", ["due_queue (queue=?)"]),
        ("known_upstream", ["SEARCH provider_ids USING PRIMARY KEY (origin=? AND id=?)", "o USING PRIMARY KEY"]),
        ("release_provider_ids", ["provider_ids_task (task_id=?)"]),
        ("forget_provider_ids", ["PRIMARY KEY (origin=? AND id=?)", "provider_ids_forgotten (forget_at<?)"]),
        ("submit_by_key", ["submits_key (application_id=? AND key=?)"]),
        ("sent_before", ["submits_digest (credential_id=? AND digest=? AND expires_at>?)"]),
        ("join_submit", ["PRIMARY KEY (task_id=?)", "submits_digest (credential_id=? AND digest=? AND expires_at>?)"]),
        ("drop_expired_submits", ["submits_expired (expires_at<?)"]),
        ("drop_expired_key", ["submits_key (application_id=? AND key=?)"]),
        ("change_of", ["changes_1 (task_id=?)"]),
        ("last_change", ["changes_owner (application_id=?)"]),
        ("changes_behind", ["changes_owner (application_id=? AND number>?)"]),
        ("drop_noted_deletions", ["changes_deleted (deleted_at<?)"]),
        ("ended_behind", ["changes USING INTEGER PRIMARY KEY (rowid>?)", "tasks_1 (id=?)"]),
        ("last_change_of_all", ["SEARCH changes"]),
        ("held_behind", ["media USING INTEGER PRIMARY KEY (rowid>?)"]),
        ("standing_callbacks", ["due_queue (queue=?)", "c USING PRIMARY KEY (task_id=? AND state=?)"]),
        ("finish_due", ["PRIMARY KEY"]),
        ("drop_task_due", ["due_task (task_id=?)"]),
        ("get_callback", ["c USING PRIMARY KEY (task_id=? AND state=?)"]),
        ("callbacks", ["COVERING INDEX callbacks_created (application_id=?)", "tasks_1 (id=?)"]),
        ("callbacks of a status", ["COVERING INDEX callbacks_status (application_id=? AND status=?)"]),
        ("callbacks of statuses", ["MERGE", "COVERING INDEX callbacks_status (application_id=? AND status=?)"]),
        ("callbacks of a task", ["c USING PRIMARY KEY (task_id=?)"]),
        ("count callbacks", ["COVERING INDEX callbacks_"]),
        ("next_attempts", ["due_task (task_id=? AND kind=? AND detail=?)"]),
        ("deliveries", ["deliveries_callback (task_id=? AND state=?)"]),
        ("drop_surplus_deliveries", ["deliveries_callback (task_id=? AND state=?)"]),
        ("drop_old_deliveries", ["deliveries_at (at<?)"]),
        ("callback_secrets", ["callback_secrets_application (application_id=?)"]),
        ("drop_detail", ["due_task (task_id=? AND kind=? AND detail=?)"]),
        ("own_limits", ["PRIMARY KEY (application_id=?)"]),
        ("credits_since", ["PRIMARY KEY (application_id=? AND day>?)"]),
        ("usage_days", ["PRIMARY KEY (application_id=? AND day>? AND day<?)"]),
        ("usage_failures", ["PRIMARY KEY (application_id=? AND day>? AND day<?)"]),
        ("count_unfinished_of", ["tasks_state (application_id=? AND state=?)"]),
        (
            "aged_tasks",
            ["tasks_created (application_id=? AND (created_at,id)>(?,?) AND created_at<?)", "due_task (task"],
        ),
        (
            "aged_media",
            ["media_age (application_id=? AND (created_at,token)>(?,?) AND created_at<?)", "tasks_1 (id=?)"],
        ),
        ("referring", ["INDEX tasks_"]),
        ("task_of_file", ["media_1 (token=?)"]),
        ("usable_task", ["tasks_1 (id=?)"]),
        ("drop_media_of", ["media_task (task_id=?)"]),
        ("expire_output", ["tasks_1 (id=?)"]),
        ("ends_of", ["tasks_1 (id=?)"]),
        ("keys_of_tasks", ["media_task (task_id=?)"]),
        ("keys_of_uploads", ["media_key (key=?)"]),
        ("all", ["tasks_created (application_id=?)"]),
        ("count all", ["COVERING INDEX tasks_"]),
        ("count of a state", ["COVERING INDEX tasks_state (application_id=? AND state=?)"]),
        ("state", ["tasks_state (application_id=? AND state=?)"]),
        ("states", ["MERGE", "COVERING INDEX tasks_state (application_id=? AND state=?)", "tasks_1 (id=?)"]),
        ("states behind", ["MERGE", "tasks_state (application_id=? AND state=? AND (created_at,id)<(?,?))"]),
        ("user", ["tasks_user (application_id=? AND user_id=?)"]),
        ("user created", ["tasks_user (application_id=? AND user_id=? AND created_at>? AND created_at<?)"]),
        ("trace", ["tasks_trace (application_id=? AND trace_id=?)"]),
        ("created", ["tasks_created (application_id=? AND created_at>? AND created_at<?)"]),
        ("behind", ["tasks_created (application_id=? AND (created_at,id)<(?,?))"]),
        ("ids and more", ["tasks_1 (id=?)"]),
        ("traces", ["tasks_trace (application_id=? AND trace_id=?)"]),
    ],
)
def test_statements_use_their_indexes(connection: apsw.Connection, name: str, steps: list[str]):
    """No query on the way of a task reads a whole table, and pages are read in their order."""
    found = plan(connection, {**SQL, **LISTS}[name])
    assert [step for step in steps if step not in found] == []
    assert not re.search(rf"SCAN ({TABLES})\b(?!.*tasks_(stage|unfinished))", found)
    assert name not in PAGED or "TEMP B-TREE" not in found


def test_figures_walk_what_is_unfinished(connection: apsw.Connection):
    """How things stand is read from indexes of what is unfinished; of work only the rows that may be leased."""
    assert plan(connection, SQL["standing_tasks"]) == "SCAN tasks USING COVERING INDEX tasks_stage"
    assert plan(connection, SQL["standing_work"]) == "SCAN due USING INDEX due_queue"
