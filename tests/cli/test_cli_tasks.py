"""Looking at tasks, and ending them, from the command line."""

from __future__ import annotations

import json

from tests.cli.cli import in_terminal
from tests.support.service import RunningService


def made(service: RunningService, prompt: str, *options: str) -> dict[str, object]:
    """Make a clip, give its task at its end."""
    done = service.run("generate", prompt, "--duration", "1", "--wait", "--json", *options)
    task: dict[str, object] = json.loads(done.stdout)
    return task


def test_get(service: RunningService) -> None:
    """A task is shown for people, and as JSON as one object; several are a list."""
    task = made(service, "a lighthouse\n\x1b[31mred")
    one = str(task["id"])
    done = service.run("get", one)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == one
    assert "state       completed\n" in done.stdout
    assert "prompt      a lighthouse  [31mred\n" in done.stdout
    assert json.loads(service.run("get", one, "--json").stdout) == task
    several = service.run("get", one, "nothing", one, "--json")
    assert several.returncode == 1
    assert [item["id"] for item in json.loads(several.stdout)] == [one, one]
    assert json.loads(several.stderr)["error"]["message"].startswith("nothing: ")


def test_get_of_a_failed_task_is_a_success(service: RunningService) -> None:
    """A query that was answered succeeded, however the task ended."""
    task = made(service, "x [fail=moderated: No.]")
    done = service.run("get", str(task["id"]))
    assert done.returncode == 0
    assert "failure     No. (moderated)" in done.stdout


def test_unknown_ids(service: RunningService) -> None:
    """An id that is not known gives code 1, whatever is wanted of it."""
    unknown = "0195b5f6-0000-7000-8000-000000000000"
    for command in (["get"], ["wait"], ["cancel"], ["delete", "--yes"]):
        done = service.run(*command, unknown)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert done.stderr.startswith("filmgate: ")
        assert json.loads(service.run(*command, unknown, "--json").stderr)["error"]["code"] == "not_found"


def test_wait_for_several(service: RunningService) -> None:
    """Waiting for several tasks ends when all have ended; one that failed makes the code 1."""
    good = service.run("generate", "x [delay=0.5]", "--duration", "1").stdout.strip()
    bad = service.run("generate", "x [fail=moderated: No.]").stdout.strip()
    done = service.run("wait", good, bad)
    assert done.returncode == 1
    assert f"{good}\nstate       completed\n" in done.stdout
    assert f"task {bad} failed: No. (moderated)" in done.stderr
    done = service.run("wait", good, good, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [task["state"] for task in json.loads(done.stdout)] == ["completed", "completed"]


def test_list(service: RunningService) -> None:
    """Into a pipe a list is one task per line with tabs; as JSON it has the total; state and limit narrow it."""
    ids = [str(made(service, f"number {number} [fail]")["id"]) for number in range(2)]
    done = service.run("list", "--state", "failed", "--limit", "100")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row[0]: row[1:] for row in (line.split("\t") for line in done.stdout.splitlines())}
    assert [rows[one][0] for one in ids] == ["failed", "failed"]
    assert rows[ids[0]][-1] == "number 0 [fail]"
    page = json.loads(service.run("list", "--limit", "1", "--json").stdout)
    assert (len(page["tasks"]), page["limit"], page["offset"]) == (1, 1, 0)
    assert page["total"] >= 2


def test_list_in_a_terminal(service: RunningService) -> None:
    """In a terminal a list is a table with a head and the total."""
    made(service, f"a {'very ' * 50}long prompt", "--model", "m" * 200)
    task = made(service, "a [red]lighthouse[/red]")
    code, shown = in_terminal(service, "list", "--limit", "100")
    assert code == 0
    assert "created" in shown
    assert "m" * 39 + "…" in shown
    assert str(task["id"]) in shown
    assert "a [red]lighthouse[/red]" in shown
    assert " of " in shown


def test_cancel(service: RunningService) -> None:
    """An unfinished task is ended; one that had ended is left as it is, with code 1."""
    task_id = service.run("generate", "x [hang]").stdout.strip()
    done = service.run("cancel", task_id)
    assert (done.returncode, done.stdout) == (0, f"{task_id} cancelled\n")
    failure = json.loads(service.run("get", task_id, "--json").stdout)["failure"]
    assert failure["code"] == "cancelled"
    finished = made(service, "x")
    done = service.run("cancel", str(finished["id"]), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["state"] == "completed"
    assert json.loads(done.stderr)["error"]["code"] == "conflict"


def test_delete(service: RunningService) -> None:
    """A task is deleted with --yes; without it nobody in a pipe can be asked, and nothing happens."""
    task_id = str(made(service, "x")["id"])
    assert service.run("delete", task_id).returncode == 2
    assert service.run("get", task_id).returncode == 0
    done = service.run("delete", task_id, "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"id": task_id, "deleted": True})
    assert service.run("get", task_id).returncode == 1


def test_delete_asks_in_a_terminal(service: RunningService) -> None:
    """In a terminal the user is asked, and only a yes deletes."""
    task_id = str(made(service, "x")["id"])
    code, shown = in_terminal(service, "delete", task_id, answer="n\n")
    assert code == 1
    assert f"Delete task {task_id} and its files?" in shown
    assert "Nothing was deleted." in shown
    code, shown = in_terminal(service, "delete", task_id, answer="y\n")
    assert code == 0
    assert f"{task_id} deleted" in shown
