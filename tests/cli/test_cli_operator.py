"""What operators do from the command line: look at engines, try routes, take tasks over, decide about submits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli import in_terminal, run
from tests.client.odd import Answer, OddServer, odd_server
from tests.support.processes import until
from tests.support.provider import account, in_front
from tests.support.service import FILMGATE, RunningService

NOBODY = "0195b5f6-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def front(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose model "far" is made by the shared one, for a price; nobody makes the model "never"."""
    folder = tmp_path_factory.mktemp("front")
    (folder / "key").write_text("fg_unknown")
    engines = {
        "far": account(service, models={"far": {"credits": 2.5}, "dear": {}}),
        "lost": account(service, models=["dear"], priority=1, key_file=str(folder / "key")),
        "narrow": {"type": "scripted", "models": ["never"], "operations": ["extend"]},
    }
    with in_front(folder, engines) as running:
        yield running


def columns(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """Return the lines of a list by their first field."""
    assert (done.returncode, done.stderr) == (0, "")
    return {row[0]: row[1:] for row in (line.split("\t") for line in done.stdout.splitlines())}


def test_engines(front: RunningService, service: RunningService) -> None:
    """Into a pipe the engines are lines with tabs; as JSON they are one document."""
    found = columns(front.run("engines"))
    address = f"{service.url}/dream-machine/v1"
    assert found["studio"] == ["studio", "-", "-", "1", "0", "0", "0", "healthy"]
    assert found["far"] == ["dream_machine", address, "far (2.5), dear", "-", "0", "0", "0", "healthy"]
    document = json.loads(front.run("engines", "--json").stdout)
    assert [engine["name"] for engine in document["engines"]] == ["studio", "far", "lost", "narrow"]
    assert document["engines"][1]["models"] == {"far": 2.5, "dear": None}


def test_engines_in_a_terminal(front: RunningService) -> None:
    """In a terminal the engines are a table with a head."""
    code, shown = in_terminal(front, "engines")
    assert code == 0
    assert "in flight" in shown
    assert "far (2.5), dear" in shown


def test_models(front: RunningService, service: RunningService) -> None:
    """Into a pipe the models are lines with tabs; as JSON they are one document; a mistyped one is an error."""
    found = columns(front.run("models"))
    assert list(found) == ["far", "dear", "never"]
    assert found["far"][:3] == ["far", "video, image", "1-10"]
    assert found["dear"][0] == "far, lost"
    assert found["never"][5] == "extend"
    document = json.loads(front.run("models", "--json").stdout)
    assert [model["name"] for model in document["models"]] == ["far", "dear", "never"]
    assert columns(service.run("models"))["*"][0] == "scripted"
    done = front.run("generate", "x", "--model", "deer")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'There is no model "deer". Did you mean "dear"? The models are: far, dear, never.' in done.stderr


def test_engine_in_trouble(service: RunningService, tmp_path: Path) -> None:
    """An engine whose provider refuses the key is shown with the trouble and the time of the next try."""
    (tmp_path / "key").write_text("fg_unknown")
    engines = {"lost": account(service, models=["*"], key_file=str(tmp_path / "key"))}
    with in_front(tmp_path, engines) as front:
        task_id = front.run("generate", "a boat").stdout.strip()
        health = until(lambda: columns(front.run("engines"))["lost"][-1], lambda health: health != "healthy")
        assert "(tried again in " in health
        route = columns(front.run("generate", "x", "--dry-run"))
        assert route["lost"][0] == "troubled"
        assert front.run("cancel", task_id).returncode == 0


def test_dry_run(front: RunningService) -> None:
    """A dry run lists the engines with verdict, price and reason, the chosen one first, and submits nothing."""
    before = json.loads(front.run("list", "--json").stdout)["total"]
    assert columns(front.run("generate", "x", "--dry-run", "--model", "dear")) == {
        "far": ["chosen", "5", "makes dear, priority 0, weight 1"],
        "lost": ["standby", "5", "makes dear, priority 1, weight 1"],
    }
    route = json.loads(front.run("generate", "x", "--dry-run", "--model", "far", "--json").stdout)
    assert (route["engine"], route["candidates"][0]["credits"]) == ("far", 2.5)
    assert json.loads(front.run("list", "--json").stdout)["total"] == before


def test_dry_run_that_nobody_would_take(front: RunningService) -> None:
    """A request that every engine refuses is a failure, with the reason that the task would end with."""
    done = front.run("generate", "x", "--dry-run", "--model", "never")
    assert done.returncode == 1
    assert done.stdout == "narrow\trefuses\t0\tis used for extend only\n"
    assert done.stderr == "filmgate: the task would fail at narrow: is used for extend only\n"
    done = front.run("generate", "x", "--dry-run", "--model", "never", "--json")
    assert json.loads(done.stdout)["candidates"][0]["verdict"] == "refuses"
    assert json.loads(done.stderr)["error"]["code"] == "unsupported_by_engine"


def test_adopt(front: RunningService, service: RunningService) -> None:
    """Tasks of a provider are taken over one by one; one that it does not know is named, and makes the code 1."""
    made = service.run("generate", "long ago [fail]").stdout.strip()
    done = front.run("import", "far", NOBODY, made, "short", made)
    assert done.returncode == 1
    assert done.stdout.split() in ([made, "processing"], [made, "failed"])
    assert f"filmgate: {NOBODY}: The provider far knows no task" in done.stderr
    assert "filmgate: short: an id has 8 to 128" in done.stderr
    done = front.run("import", "narrow", made, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr)["error"]["field"] == "engine"


def test_adopt_and_wait(front: RunningService, service: RunningService) -> None:
    """Ids come from stdin too, and with --wait the ends are waited for."""
    good = service.run("generate", "long ago [delay=0.5]", "--duration", "1").stdout.strip()
    bad = service.run("generate", "long ago [fail=moderated: No.]").stdout.strip()
    done = subprocess.run(
        [*FILMGATE, "import", "far", "-", "--wait"],
        env=front.env | {"FILMGATE_URL": front.url},
        input=f"{good}\n{bad}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == f"{good}\tcompleted\n{bad}\tfailed\n"
    assert f"{good} completed 100 % " in done.stderr
    assert f"task {bad} failed: " in done.stderr
    done = front.run("import", "far", good, "--wait", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [task["state"] for task in json.loads(done.stdout)] == ["completed"]


@pytest.fixture
def silent() -> Iterator[OddServer]:
    """A provider that takes submits and never answers one, until it is told to."""
    with odd_server(Answer(lost=True)) as server:
        yield server


@pytest.fixture
def waiting(silent: OddServer, tmp_path: Path) -> Iterator[tuple[RunningService, list[str]]]:
    """A service with three tasks whose submits the provider did not answer, and their ids."""
    engines = {"gateway": {"type": "gateway", "base_url": silent.url, "models": ["*"], "poll": 0.1}}
    with in_front(tmp_path, engines) as front:
        ids = [front.run("generate", f"number {number}").stdout.strip() for number in range(3)]
        until(lambda: columns(front.run("unknown")), lambda found: len(found) == 3)
        yield front, ids


def test_unknown(waiting: tuple[RunningService, list[str]], silent: OddServer) -> None:
    """Submits that nobody answered are listed, each was sent once, and each ends as it is decided."""
    front, ids = waiting
    assert [request.path for request in silent.requests] == ["/luma/generations"] * 3
    found = columns(front.run("unknown"))
    assert [(found[one][0], found[one][4:]) for one in ids] == [
        ("gateway", ["0", "-", f"number {number}"]) for number in range(3)
    ]
    for one in ids:
        submitted, age, ends = found[one][1:4]
        held = datetime.fromisoformat(ends) - datetime.fromisoformat(submitted)
        assert (age, round(held.total_seconds())) == ("0.0 h", 7 * 86_400)
    submits = json.loads(front.run("unknown", "--json").stdout)["submits"]
    assert [submit["id"] for submit in submits] == ids
    assert columns(front.run("engines"))["gateway"][-2] == "3"

    silent.answers = [failed_task("up-1")]
    assert front.run("unknown", "resolve", ids[0], "--fail").stdout == f"{ids[0]} failed\n"
    assert failure(front, ids[0])["code"] == "submit_unknown"
    assert front.run("unknown", "resolve", ids[1], "--accepted", "up-1").stdout == f"{ids[1]} accepted as up-1\n"
    assert failure(front, ids[1])["message"] == "up-1 went wrong"
    silent.answers = [failed_task("up-2")]
    again = front.run("unknown", "resolve", ids[2], "--submit-again", "--yes", "--json")
    assert json.loads(again.stdout)["id"] == ids[2]
    assert failure(front, ids[2])["message"] == "up-2 went wrong"
    assert sum(request.method == "POST" for request in silent.requests) == 4
    assert front.run("unknown", "resolve", ids[2], "--fail").returncode == 1
    assert front.run("unknown").stdout == ""


def test_unknown_in_a_terminal(waiting: tuple[RunningService, list[str]], silent: OddServer) -> None:
    """In a terminal the list is a table, and nothing is submitted again before the user has said yes."""
    front, ids = waiting
    code, shown = in_terminal(front, "unknown")
    assert code == 0
    assert "looked up" in shown
    assert ids[0] in shown
    code, shown = in_terminal(front, "unknown", "resolve", ids[0], "--submit-again", answer="n\n")
    assert code == 1
    assert "would charge it twice" in shown
    assert "Nothing was submitted." in shown
    assert len(silent.requests) == 3
    silent.answers = [failed_task("up-1")]
    code, shown = in_terminal(front, "unknown", "resolve", ids[0], "--submit-again", answer="y\n")
    assert code == 0
    assert f"{ids[0]} is submitted again" in shown


def test_who_is_no_operator_is_told_so() -> None:
    """A good key that is not an operator's gives code 3, and says which key would do."""
    refusal = Answer(403, b'{"error":{"code":"forbidden","message":"This is for operators."}}')
    with odd_server(refusal) as server:
        done = run("engines", "--url", server.url, "--key", "k")
    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "filmgate: This is for operators."
    assert "FILMGATE_API_KEY" in done.stderr


def failed_task(task_id: str) -> Answer:
    """Return a task of a gateway that has failed."""
    task = {"id": task_id, "state": "failed", "failure_reason": f"{task_id} went wrong"}
    return Answer(body=json.dumps(task).encode())


def failure(front: RunningService, task_id: str) -> dict[str, Any]:
    """Return the failure of a task at its end."""
    done = front.run("wait", task_id, "--json", "--timeout", "30")
    found: dict[str, Any] = json.loads(done.stdout)["failure"]
    return found
