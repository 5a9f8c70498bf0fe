"""What a service needs to start, and what it says when it does not."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.core.tasks.keys import digest, new_key
from tests.support.service import FILMGATE, RunningService, clean_env

from .conftest import client, ended, engines, submit

Start = Callable[..., RunningService]


def refused(data: Path, *flags: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Start a service that must not start, and give what it said instead."""
    env = clean_env() | {f"FILMGATE_{name.upper()}": value for name, value in options.items()}
    done = subprocess.run(
        [*FILMGATE, "serve", "--port", "0", "--data", str(data), *flags],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    said = done.stderr.replace("See `filmgate serve --help`.", "").strip()
    assert len(said.splitlines()) == 1, done.stderr
    return done


def test_a_data_folder_has_one_service(service: RunningService):
    """A second service on the same folder is told who has it, and the first one goes on."""
    done = refused(service.data)
    assert done.returncode == 1
    assert service.process is not None
    assert str(service.data) in done.stderr
    assert f"process {service.process.pid}" in done.stderr
    with client(service) as http:
        assert http.get("/readyz").json()["status"] == "ready"


def test_a_removed_lock_file_frees_no_folder(start_service: Start):
    """The folder stays with its service when the file of the lock is removed, and is free when the service ends."""
    service = start_service()
    (service.data / "lock").unlink()
    done = refused(service.data)
    assert done.returncode == 1
    assert service.process is not None
    assert f"process {service.process.pid}" in done.stderr
    service.stop(signal.SIGKILL)
    service.start()


def test_a_port_in_use(tmp_path: Path):
    """A port that somebody has is named, and the data folder is free again afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = refused(tmp_path / "data", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engines": engines(odd={"type": "scripted", "delay": "long"})}, ('"odd"', "delay")),
        ({"engines": engines(odd={"type": "scripted", "dealy": 2})}, ('"odd"', '"dealy"', '"delay"')),
        ({"engines": engines(studio={"type": "studio", "qualty": 2})}, ('"studio"', '"qualty"', '"quality"')),
        ({"engines": engines(odd={"type": "agents", "pol": 2})}, ('"odd"', '"pol"', '"poll"')),
        ({"engines": engines(odd={"type": "openai_videos", "size": []})}, ('"odd"', '"size"', '"sizes"')),
        ({"engines": engines(odd={"type": "gateway", "bas_url": "http://h"})}, ('"odd"', '"bas_url"', '"base_url"')),
        ({"engines": engines(odd={"type": "openai_videos"})}, ('"odd"', "base_url")),
        ({"engines": engines(odd={"type": "gateway"})}, ('"odd"', "base_url")),
        ({"engines": engines(odd={"type": "dream_machine"})}, ('"odd"', "api.lumalabs.ai", "key_env")),
        ({"engines": engines(odd={"type": "agents"})}, ('"odd"', "agents.lumalabs.ai", "key_env")),
        ({"engines": engines(odd={"type": "acedata"})}, ('"odd"', "api.acedata.cloud", "key_env")),
        (
            {"engines": engines(odd={"type": "openai_videos", "base_url": "https://API.OpenAI.com:443/v1/"})},
            ('"odd"', "api.openai.com", "key_env"),
        ),
        ({"engines": engines(odd={"type": "agents", "key_env": "A", "key_file": "b"})}, ('"odd"', "key_file")),
        ({"host": "0.0.0.0", "admin_key": "My Auth Token"}, ("FILMGATE_ADMIN_KEY", "16")),
        ({"host": "::1234", "admin_key": "My Auth Token"}, ("FILMGATE_ADMIN_KEY", "16")),
        ({"public_url": "https://a.example", "admin_key": "My Auth Token"}, ("FILMGATE_ADMIN_KEY", "16")),
        ({"trusted_proxies": "127.0.0.1", "admin_key": "My Auth Token"}, ("FILMGATE_ADMIN_KEY", "16")),
        ({"admin_key": "   "}, ("FILMGATE_ADMIN_KEY",)),
        ({"metrics_token": "   "}, ("FILMGATE_METRICS_TOKEN",)),
        ({"database": "postgresql://localhost/x"}, ("FILMGATE_DATABASE",)),
    ],
    ids=lambda value: "" if isinstance(value, dict) else "-".join(value),
)
def test_settings_that_cannot_be(tmp_path: Path, options: dict[str, str], words: tuple[str, ...]):
    """What an operator got wrong is said in one line that names it, with exit code 1."""
    done = refused(tmp_path / "data", **options)
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert "Auth Token" not in done.stderr


def test_a_newer_ledger(tmp_path: Path):
    """The ledger of a newer Filmgate is refused and left as it is."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "filmgate.db"
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 999")
    file.close()
    done = refused(tmp_path / "data")
    assert done.returncode == 1
    assert "999" in done.stderr
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (999,)
        assert file.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    file.close()


def test_a_ledger_that_is_none(tmp_path: Path):
    """A file that is no ledger is refused with a sentence."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "filmgate.db").write_bytes(b"not a database " * 1000)
    done = refused(tmp_path / "data")
    assert done.returncode == 1
    assert "filmgate.db" in done.stderr


def test_the_first_key_is_shown_once(start_service: Start):
    """A first key is made where there is none: printed once, kept for its owner's eyes, never made again."""
    service = start_service()
    path = service.data / "first-key"
    key = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"fg_[0-9A-Za-z]{36}", key)
    heard = "".join(service.lines)
    assert heard.count(key) == 1
    assert str(path) in heard
    assert httpx2.get(f"{service.url}/api/v1/me", headers=service.headers).status_code == 200
    assert stat.S_IMODE((service.data / "filmgate.db").stat().st_mode) == 0o600
    assert service.stop() == 0
    service.lines.clear()
    service.start()
    assert "fg_" not in "".join(service.lines)
    assert path.read_text().strip() == key
    assert httpx2.get(f"{service.url}/api/v1/me", headers=service.headers).status_code == 200
    for file in (service.log, *service.data.glob("filmgate.db*")):
        assert key.encode() not in file.read_bytes(), "a key is never kept in clear"


def test_no_first_key_beside_an_admin_key(start_service: Start):
    """Who brings a key gets no other."""
    service = start_service(admin_key="My Auth Token")
    assert not (service.data / "first-key").exists()
    heard = "".join(service.lines)
    assert "A first API key" not in heard
    assert "My Auth Token" not in heard
    assert json.loads(service.run("keys", "list", "--json").stdout) == {"keys": []}
    assert service.run("limits", "show").returncode == 0  # the command line finds it in the environment, too


def test_the_first_key_is_an_admins(start_service: Start):
    """Whoever starts a service gets a key that may administer it."""
    service = start_service()
    assert httpx2.get(f"{service.url}/api/v1/me", headers=service.headers).json()["role"] == "admin"
    assert "with the role admin" in "".join(service.lines)


def test_the_clients_variable_gives_the_service_no_key(start_service: Start):
    """FILMGATE_API_KEY is what clients send: the service ignores it, and says so where it has no admin key."""
    ignored = start_service(api_key="a key of many words")
    bearer = {"Authorization": "Bearer a key of many words"}
    assert httpx2.get(f"{ignored.url}/api/v1/me", headers=bearer).status_code == 401
    said = [line for line in ignored.log.read_text().splitlines() if "FILMGATE_API_KEY" in line]
    assert len(said) == 1
    assert "FILMGATE_ADMIN_KEY" in said[0]
    both = start_service(api_key="a key of many words", admin_key="another key of many words")
    assert httpx2.get(f"{both.url}/api/v1/me", headers=bearer).status_code == 401
    assert httpx2.get(f"{both.url}/api/v1/me", headers=both.headers).json()["role"] == "admin"
    assert "FILMGATE_API_KEY" not in both.log.read_text()


def test_a_service_without_an_admin_says_so(start_service: Start):
    """Where no live key is an admin's, the log says how to make one, which is good at once."""
    service = start_service()
    assert service.run("keys", "revoke", "first").returncode == 0
    assert service.run("keys", "create", "--name", "works").returncode == 0
    service.stop()
    service.start()
    assert "No key has the role admin: create one with `filmgate keys create --role admin" in service.log.read_text()
    key = service.run("keys", "create", "--role", "admin", "--name", "chief").stdout.strip()
    assert service.run("limits", "show", "--key", key).returncode == 0


def test_a_folder_from_before_there_were_roles(tmp_path: Path):
    """The key that such a folder has goes on working, as an admin's, and the log says so."""
    service = RunningService(tmp_path / "data")
    service.data.mkdir()
    key = new_key()
    (service.data / "first-key").write_text(f"{key}\n")
    with contextlib.closing(sqlite3.connect(service.data / "filmgate.db")) as file:
        for step in migrations()[:7]:
            file.executescript(step)
        file.execute("INSERT INTO applications VALUES ('app', 'default', 'user', 1.0)")
        file.execute(
            "INSERT INTO api_keys VALUES ('id', 'app', 'user', 'first', ?, ?, 1.0, NULL)",
            (digest(key.encode()), key[-4:]),
        )
        file.execute("PRAGMA user_version = 7")
        file.commit()
    service.start()
    try:
        assert service.run("limits", "show").returncode == 0
        assert service.run("keys", "list").stdout.count("\tadmin\t") == 1
        assert f"The key first (ends in {key[-4:]}) has the role admin now" in service.log.read_text()
        assert key not in service.log.read_text()
    finally:
        assert service.stop() == 0


def test_serving_on_ipv6(start_service: Start):
    """An IPv6 address is bound and announced as such, and stands in links."""
    service = start_service(host="::1")
    assert service.url.startswith("http://[::1]:")
    with client(service) as http:
        task = ended(http, submit(http))
        assert task["video"]["url"].startswith(f"{service.url}/media/")
        assert http.get(task["video"]["url"]).status_code == 200
