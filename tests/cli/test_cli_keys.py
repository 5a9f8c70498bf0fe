"""API keys from the command line, while the service runs and before it ever did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmgate.core.tasks.keys import plausible
from tests.cli.cli import run
from tests.support.processes import until
from tests.support.service import RunningService


def test_keys_while_the_service_runs(service: RunningService) -> None:
    """A created key is printed alone and active at once, is listed without being shown, and is refused once revoked."""
    done = service.run("keys", "create", "--name", "laptop")
    assert (done.returncode, done.stderr) == (0, "")
    key = done.stdout.strip()
    assert plausible(key)
    assert service.run("list", "--key", key).returncode == 0
    listed = service.run("keys", "list")
    assert key not in listed.stdout
    row = next(row for row in (line.split("\t") for line in listed.stdout.splitlines()) if row[1] == "laptop")
    assert row[2] == f"…{key[-4:]}"
    assert service.run("keys", "revoke", "laptop").stdout == f"{row[0]} revoked\n"
    until(lambda: service.run("list", "--key", key).returncode, lambda code: code == 3)
    again = service.run("keys", "revoke", row[0])
    assert again.returncode == 1
    assert "is revoked already" in again.stderr
    states = {one["id"]: one["revoked_at"] for one in json.loads(service.run("keys", "list", "--json").stdout)["keys"]}
    assert states[row[0]] is not None


def test_keys_of_another_application(service: RunningService) -> None:
    """Keys of one application do not see another's tasks."""
    first = json.loads(service.run("keys", "create", "--name", "one", "--application", "studio", "--json").stdout)
    second = json.loads(service.run("keys", "create", "--name", "two", "--application", "studio", "--json").stdout)
    assert first["application_id"] == second["application_id"]
    task_id = service.run("generate", "x [fail]", "--key", first["key"]).stdout.strip()
    assert service.run("get", task_id, "--key", second["key"]).returncode == 0
    assert service.run("get", task_id).returncode == 1


def test_ambiguous_and_unknown_names(service: RunningService) -> None:
    """A name that two keys have revokes neither; an unknown one is said to be that."""
    ids = [
        json.loads(service.run("keys", "create", "--name", "twin", "--json").stdout)["id"],
        json.loads(service.run("keys", "create", "--name", "twin", "--json").stdout)["id"],
    ]
    done = service.run("keys", "revoke", "twin")
    assert done.returncode == 2
    assert all(one in done.stderr for one in ids)
    assert json.loads(service.run("keys", "revoke", ids[0], "--json").stdout)["revoked"] is True
    assert service.run("keys", "revoke", "twin").stdout == f"{ids[1]} revoked\n"
    unknown = service.run("keys", "revoke", "nobody", "--json")
    assert unknown.returncode == 1
    assert json.loads(unknown.stderr)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "command", [["create", "--name", "x"], ["list"], ["revoke", "x"]], ids=lambda words: str(words[0])
)
@pytest.mark.parametrize("there", ["nothing", "folder", "empty-ledger"])
def test_no_command_about_keys_makes_a_ledger(command: list[str], there: str, tmp_path: Path) -> None:
    """A mistyped folder is an error that says what to do, and is left as it was."""
    data = tmp_path / "data"
    if there != "nothing":
        data.mkdir()
    if there == "empty-ledger":
        (data / "filmgate.db").touch()
    before = sorted(tmp_path.rglob("*"))
    done = run("keys", *command, "--data", str(data))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"filmgate: There is no ledger in {data}: `filmgate serve` makes one")
    assert "--data" in done.stderr.splitlines()[1]
    assert sorted(tmp_path.rglob("*")) == before
    assert not data.exists() or all(not file.stat().st_size for file in data.iterdir())


def test_a_backup_of_nothing_is_an_error(tmp_path: Path) -> None:
    """It makes neither a ledger nor a backup."""
    (tmp_path / "data").mkdir()
    done = run("backup", str(tmp_path / "backup"), "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


def test_data_folder_that_cannot_be_one(tmp_path: Path) -> None:
    """A data folder that is a file is refused with a sentence."""
    (tmp_path / "data").touch()
    done = run("keys", "create", "--name", "x", "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert done.stderr.startswith("filmgate: ")
    assert "Traceback" not in done.stderr


def test_roles_of_keys(service: RunningService) -> None:
    """A key gets the role that was asked for, member if none was, and lists show it."""
    for role in ("admin", "member", "viewer"):
        made = json.loads(service.run("keys", "create", "--name", f"a {role}", "--role", role, "--json").stdout)
        assert made["role"] == role
    assert json.loads(service.run("keys", "create", "--name", "plain", "--json").stdout)["role"] == "member"
    rows = [line.split("\t") for line in service.run("keys", "list").stdout.splitlines()]
    assert {row[1]: row[3] for row in rows}["a viewer"] == "viewer"
    wrong = service.run("keys", "create", "--name", "x", "--role", "owner")
    assert wrong.returncode == 2
    assert all(word in wrong.stderr for word in ("--role", "admin", "member", "viewer"))


def test_what_a_role_does_not_allow_is_said(service: RunningService) -> None:
    """Commands with a key that may not do it end with code 3, and say which role would do."""
    viewer = service.run("keys", "create", "--name", "looks", "--role", "viewer").stdout.strip()
    member = service.run("keys", "create", "--name", "works").stdout.strip()
    for key, command, role in (
        (viewer, ("generate", "x"), "member"),
        (viewer, ("webhooks", "secret", "show"), "member"),
        (member, ("limits", "show"), "admin"),
    ):
        done = service.run(*command, "--key", key)
        assert done.returncode == 3
        assert f"needs a key with the role {role}" in done.stderr
        assert "--key or FILMGATE_API_KEY" in done.stderr
    assert service.run("list", "--key", viewer).returncode == 0
    assert service.run("limits", "show").returncode == 0  # the first key is an admin's
