"""How the command line starts, and what it does with wrong usage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

from filmgate import __version__
from tests.cli.cli import NOWHERE, Quick, run
from tests.support.service import clean_env

COMMANDS = [
    "serve",
    "generate",
    "extend",
    "get",
    "wait",
    "list",
    "cancel",
    "delete",
    "engines",
    "models",
    "import",
    "unknown",
    "unknown resolve",
    "mcp",
    "keys",
    "keys create",
    "keys list",
    "keys revoke",
]
HEAVY = ("pydantic", "fastapi", "httpx2", "apsw", "uvicorn", "av", "numpy", "rich", "msgspec", "stamina", "asyncio")


@pytest.fixture
def quick(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Quick]:
    """Run commands in this process, in an environment that has no service."""
    for name in [name for name in os.environ if name.startswith("FILMGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FILMGATE_URL", NOWHERE)
    hooks = get_on_retry_hooks()
    yield Quick(capsys)
    set_on_retry_hooks(hooks)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, quick: Quick) -> None:
    """Each command explains itself, on stdout."""
    done = quick(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: filmgate {command} ")
    assert "--help" in done.stdout


def test_help_names_every_command() -> None:
    """The help lists the commands and the exit codes; without arguments it is shown too."""
    done = run("--help")
    assert done.returncode == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS if " " not in command)
    assert "Exit codes: 0 done" in done.stdout
    assert run().stdout == done.stdout


def test_wrong_usage_of_the_process() -> None:
    """The process ends with the code of the command, and without a traceback."""
    done = run("generate", "x", "--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "filmgate: No such option: --nonsense\nSee `filmgate generate --help`.\n"


def test_version() -> None:
    """The version is the package's."""
    assert run("--version").stdout == f"filmgate {__version__}\n"


def test_start_is_light() -> None:
    """Importing the command line and showing its help loads none of the heavy libraries."""
    code = (
        "import sys\n"
        "import filmgate.adapters.cli.program as program\n"
        "program.run(['--help'])\n"
        f"print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_env(), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["keys"],
        ["get"],
        ["generate"],
        ["generate", "x", "--duration", "long"],
        ["generate", "x", "--nonsense"],
        ["generate", "x", "--image", "/no/such/file.png"],
        ["generate", "x", "-o", "/no/such/folder/clip.mp4"],
        ["generate", "x", "-o", "/dev/null"],
        ["generate", "x", "-o", "/tmp/" + "x" * 300],
        ["generate", "x", "--url", "nonsense"],
        ["list", "--state", "asleep"],
        ["list", "--limit", "0"],
        ["wait", "a", "b", "-o", "clip.mp4"],
        ["serve", "--port", "99999"],
        ["serve", "--workers", "none"],
        ["keys", "create", "--name", " "],
        ["keys", "list", "--data", "/no/such/folder"],
        ["delete", "some-id"],
        ["generate", "x", "--dry-run", "--wait"],
        ["import", "luma"],
        ["unknown", "resolve", "some-id"],
        ["unknown", "resolve", "some-id", "--fail", "--accepted", "another"],
        ["unknown", "resolve", "some-id", "--submit-again"],
        ["unknown", "--key", "k", "resolve", "some-id", "--fail"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_in_a_sentence(arguments: list[str], quick: Quick) -> None:
    """Wrong usage ends with code 2 and a sentence on stderr, as JSON where that was asked for."""
    done = quick(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("filmgate: ")
    if arguments == ["keys"]:  # a group has no such option
        return
    error = json.loads(quick(*arguments, "--json").stderr)["error"]
    assert error["message"] in done.stderr
    assert error["code"]


@pytest.mark.parametrize(
    ("former", "command"),
    [
        ("callbacks", "webhooks"),
        ("callbacks list --task x", "webhooks"),
        ("callbacks secret rotate --at-once --yes", "webhooks"),
        ("callbacks --help", "webhooks"),
        ("adopt luma -", "import"),
        ("unknown decide some-id --submit-again --yes", "unknown resolve"),
    ],
)
def test_former_commands_name_the_new_ones(former: str, command: str, quick: Quick) -> None:
    """A former command does nothing, ends with code 2 and names its successor, whatever its options."""
    done = quick(*former.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert f"is now `filmgate {command}`." in done.stderr
    assert json.loads(quick(*former.split(), "--json").stderr)["error"]["code"] == "renamed"


def test_former_commands_are_not_listed(quick: Quick) -> None:
    """The help lists commands by their names of today only."""
    listed = quick("--help").stdout + quick("unknown", "--help").stdout
    assert not {"callbacks", "adopt", "decide"} & {*listed.split()}


@pytest.mark.parametrize(
    ("options", "text", "named"),
    [
        ({"FILMGATE_PORT": "many"}, "", "FILMGATE_PORT (port): Input should be a valid integer"),
        ({"FILMGATE_PROT": "1"}, "", "FILMGATE_PROT: there is no such option. Did you mean FILMGATE_PORT?"),
        ({"FILMGATE_ENGINES": "{"}, "", "FILMGATE_ENGINES: must be JSON"),
        ({}, "port = [", "filmgate.toml: is not valid TOML: Invalid value (at the end, line 1)"),
        ({}, 'host = "a"\nport = = 1', "(at line 2, column 8)"),
        ({}, 'log_level = "loud"', "filmgate.toml: Input should be 'debug', 'info', 'warning' or 'error'"),
        ({}, "prot = 8484", 'filmgate.toml: there is no such key; the nearest is "port"'),
        ({}, "[engine.luma]\ntype = 1", 'there is no such key; the nearest is "engines"'),
    ],
)
def test_invalid_settings(options: dict[str, str], text: str, named: str, tmp_path: Path) -> None:
    """Settings that cannot be used keep the service from starting, and are named."""
    (tmp_path / "filmgate.toml").write_text(text)
    done = run("serve", "--data", str(tmp_path / "data"), FILMGATE_CONFIG=str(tmp_path / "filmgate.toml"), **options)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that was named has to be there; the one of the current folder need not."""
    done = run("serve", "--data", str(tmp_path / "data"), FILMGATE_CONFIG=str(tmp_path / "no.toml"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"filmgate: FILMGATE_CONFIG: there is no file {tmp_path / 'no.toml'}\n")


def test_secrets_are_not_shown_with_wrong_settings(tmp_path: Path) -> None:
    """The message about a wrong setting does not show the others, nor its own value."""
    done = run("serve", "--data", str(tmp_path), FILMGATE_ADMIN_KEY="very-secret-key", FILMGATE_MAX_BODY="secret-too")
    assert done.returncode == 2
    assert "max_body" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("command", [["list"], ["get", "x"], ["generate", "x"], ["wait", "x", "--timeout", "1"]])
def test_nobody_there(command: list[str], quick: Quick) -> None:
    """Without a service the command says so, how to get one, and ends with code 3."""
    done = quick(*command, "--url", NOWHERE)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"no service answers at {NOWHERE}" in done.stderr
    assert "filmgate serve" in done.stderr
    error = json.loads(quick(*command, "--json", "--url", NOWHERE).stderr)["error"]
    assert error["code"] == "connection_failed"
