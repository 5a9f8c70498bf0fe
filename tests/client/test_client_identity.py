"""The key of a data folder goes to the service of that folder, and to nobody else who listens on the port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from filmgate.client import AsyncFilmgate, ConnectionFailed, Filmgate, FilmgateClientError, WrongService
from filmgate.domain.identity import prove
from tests.mcp.agents import on_its_own, piped
from tests.support.impostor import Answer, healthy, http, impostor, relay
from tests.support.service import RunningService

LIES: dict[str, Answer] = {
    "healthy": healthy,
    "not found": lambda _: http(b'{"detail":"Not Found"}', "404 Not Found"),
    "no json": lambda _: http(b"\xff\xfe"),
    "no http": lambda _: b"220 mail.example ESMTP\r\n",
    "endless": lambda _: http(b"x" * 70_000),
    "moved": lambda _: http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:9/"),
    "busy": lambda _: http(b"{}", "503 Service Unavailable"),
    "hangs up": lambda _: None,
}


@pytest.fixture(autouse=True)
def _of_the_folder(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing but the data folder to find a key in."""
    for name in ("FILMGATE_URL", "FILMGATE_API_KEY", "FILMGATE_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FILMGATE_DATA", str(service.data))


def ask(url: str) -> None:
    """Ask who one is, with the key of the folder."""
    with Filmgate(url) as filmgate:
        filmgate.me()


def ask_async(url: str) -> None:
    """Do the same with the client for asyncio."""

    async def main() -> None:
        async with AsyncFilmgate(url) as filmgate:
            await filmgate.me()

    asyncio.run(main())


both_clients = pytest.mark.parametrize("asking", [ask, ask_async])


@both_clients
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_service_of_the_folder_gets_the_key(asking: Callable[[str], None], host: str, service: RunningService):
    """The folder's own service proves itself, and is used as ever."""
    asking(service.url.replace("127.0.0.1", host))


@both_clients
@pytest.mark.parametrize("lie", LIES)
def test_an_impostor_gets_no_key(asking: Callable[[str], None], lie: str, service: RunningService):
    """Whatever else answers on the port is asked for its proof, and for nothing more."""
    with impostor(LIES[lie]) as other, pytest.raises(FilmgateClientError) as caught:
        asking(other.url)
    assert isinstance(caught.value, WrongService | ConnectionFailed)
    assert b"GET /identity?challenge=" in other.all
    assert b"uthorization" not in other.all
    assert service.key.encode() not in other.all


@both_clients
def test_a_proof_cannot_be_passed_on(asking: Callable[[str], None], service: RunningService):
    """An impostor that asks the real service gets a proof for the real address, which is no use for its own."""
    port = int(service.url.rpartition(":")[2])
    for host, listens in (("127.0.0.1", 0), ("127.0.0.2", port), ("::1", port)):
        with impostor(relay("127.0.0.1", port), host, listens) as other:
            with pytest.raises(WrongService, match="key was not sent"):
                asking(other.url)
            assert b"GET /identity" in other.all
            assert b"uthorization" not in other.all


def test_one_that_takes_the_port_later_gets_no_key(
    start_service: Callable[..., RunningService], monkeypatch: pytest.MonkeyPatch
):
    """Each new connection is checked: who comes to a port that the service has left learns nothing."""
    running = start_service()
    monkeypatch.setenv("FILMGATE_DATA", str(running.data))
    with Filmgate(running.url) as filmgate:
        filmgate.me()
        running.stop()
        with impostor(healthy, port=int(running.url.rpartition(":")[2])) as other:
            with pytest.raises(WrongService):
                filmgate.me()
            assert b"uthorization" not in other.all
        running.start()
        filmgate.me()


def test_a_folder_without_a_secret(service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A key whose folder cannot tell its service from others stays here, and the error says what to do."""
    (tmp_path / "first-key").write_text(service.key)
    monkeypatch.setenv("FILMGATE_DATA", str(tmp_path))
    for secret in (None, "", "00", "g" * 64):
        if secret is not None:
            (tmp_path / "identity").write_text(secret)
        with pytest.raises(WrongService, match="does not prove"):
            ask(service.url)
    done = service.run("list", FILMGATE_DATA=str(tmp_path))
    assert done.returncode == 3
    assert "--key or FILMGATE_API_KEY" in done.stderr


def test_a_key_that_is_named_is_sent(service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Who names a key means the service at the address, also behind a proxy that could not prove anything."""
    monkeypatch.setenv("FILMGATE_DATA", str(tmp_path))
    with impostor(healthy) as other:
        done = service.run("list", "--url", other.url, "--key", "mine")
        assert done.returncode != 0
    assert b"Bearer mine" in other.all
    assert b"/identity" not in other.all


def test_commands_give_an_impostor_nothing(service: RunningService):
    """So it is with the command line, which says what is wrong."""
    with impostor(healthy) as other:
        for command in (("list",), ("limits", "show"), ("generate", "x")):
            done = service.run(*command, "--url", other.url)
            assert done.returncode == 3
            assert "does not prove that it is the service of the data folder" in done.stderr
    assert b"uthorization" not in other.all


@pytest.mark.parametrize("named", [False, True], ids=["key of the folder", "key of the environment"])
def test_an_agent_gives_an_impostor_nothing(named: bool, tmp_path: Path):
    """`filmgate mcp --data` passes over what is not the folder's service, says so, and runs one of its own."""
    log, data, key = tmp_path / "mcp.log", tmp_path / "data", "an admin key of words"
    with impostor(healthy) as other:
        env = on_its_own(data, FILMGATE_PORT=other.url.rpartition(":")[2])
        env |= {"FILMGATE_ADMIN_KEY": key} if named else {}
        for _ in range(2):  # the second one finds a first key in the folder
            with piped(env, log) as bridge:
                assert bridge.ask(1, "ping")["result"] == {}
    assert b"GET /identity" in other.all or not (data / "identity").exists()
    assert b"uthorization" not in other.all
    assert key.encode() not in other.all
    assert "does not prove that it is the service of the data folder" in log.read_text()
    assert "name it with --url" in log.read_text()


def test_challenges(service: RunningService):
    """The proof covers the challenge and the address; what is no challenge is refused."""
    secret = bytes.fromhex((service.data / "identity").read_text())
    port = int(service.url.rpartition(":")[2])
    for challenge in ("0" * 64, "ab" * 32):
        proof = httpx2.get(f"{service.url}/identity", params={"challenge": challenge}).json()["proof"]
        assert (
            proof == prove(secret, challenge, "127.0.0.1", port) == prove(secret, challenge, "::ffff:127.0.0.1", port)
        )
    for challenge in ("", "0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n"):
        assert httpx2.get(f"{service.url}/identity", params={"challenge": challenge}).status_code == 400
    assert httpx2.get(f"{service.url}/identity").status_code == 400
    assert secret.hex() not in json.dumps(httpx2.get(f"{service.url}/openapi.json").json())


def test_the_secret_outlives_a_restart_and_a_crash(start_service: Callable[..., RunningService]):
    """The folder keeps its secret; one that was cut off in the middle of writing is replaced."""
    running = start_service()
    path = running.data / "identity"
    secret = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    running.stop()
    running.start()
    assert path.read_text() == secret
    running.stop()
    path.write_text(secret[:10])
    (running.data / "identity.new").write_text("half")
    running.start()
    assert path.read_text() not in (secret, secret[:10])
    assert len(path.read_text().strip()) == 64
