"""Receivers that hang, each in its own way, delay no other callback: not of their application, not of another."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.processes import until
from tests.support.service import RunningService

from .conftest import client, engines, new_key, submit
from .receiver import HANGS, Receiver, receiver

pytestmark = pytest.mark.xdist_group("receivers")

Start = Callable[..., RunningService]
TABLE = engines(many={"type": "scripted", "models": ["*"]})
HOSTS = range(1, 7)


class Silent:
    """Accepts connections on every address of loopback, and does with each what the test wants."""

    def __init__(self, *, scheme: str = "http", trickle: bytes = b"") -> None:
        self.scheme, self._trickle = scheme, trickle
        self.hosts: set[str] = set()
        self._over = threading.Event()
        self._kept: list[socket.socket] = []
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=512)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def urls(self) -> list[str]:
        """Return its address at each host."""
        port = self._listener.getsockname()[1]
        return [f"{self.scheme}://127.0.{host}.7:{port}/hook" for host in HOSTS]

    def close(self) -> None:
        """Hang up."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._kept):
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.hosts.add(connection.getsockname()[0])
                self._kept.append(connection)
                if self._trickle:
                    self._threads.append(threading.Thread(target=self._drip, args=(connection,), daemon=True))
                    self._threads[-1].start()

    def _drip(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not self._over.wait(0.2):
                connection.sendall(self._trickle)


@contextlib.contextmanager
def unreachable() -> Iterator[list[str]]:
    """Return addresses at which no connection is ever made: the queue of their listener is full."""
    with contextlib.ExitStack() as stack:
        urls = []
        for host in HOSTS:
            listener = stack.enter_context(socket.socket())
            listener.bind((f"127.1.{host}.7", 0))
            listener.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.settimeout(0)
                waiting.connect_ex(listener.getsockname())
            urls.append(f"http://127.1.{host}.7:{listener.getsockname()[1]}/hook")
        yield urls


@pytest.fixture
def dead() -> Iterator[tuple[list[str], Callable[[], int]]]:
    """Return addresses of 24 receivers that hang, and what counts how many of them were reached."""
    with contextlib.ExitStack() as stack:
        sites = [Silent(), Silent(scheme="https"), Silent(trickle=b"x-slow: 1\r\n")]
        for each in sites:
            stack.callback(each.close)
        urls = [*stack.enter_context(unreachable()), *(url for each in sites for url in each.urls())]
        yield urls, lambda: sum(len(each.hosts) for each in sites)


def tries(http: httpx2.Client) -> int:
    """Count the deliveries of callbacks that have failed so far."""
    pending = http.get("/api/v1/webhooks", params={"status": "pending", "limit": 100})
    return sum(each["tries"] for each in pending.json()["webhooks"])


def arrives(http: httpx2.Client, hook: Receiver) -> None:
    """Deliver a callback to a receiver; one whose delivery a kill broke off may come again before it."""
    task = submit(http, "[fail]", callback_url=hook.url)
    while json.loads(hook.posts.get(timeout=60).body)["id"] != task:
        pass


@pytest.mark.timeout(240)
def test_dead_receivers_delay_nobody(start_service: Start, dead: tuple[list[str], Callable[[], int]]):
    """With callbacks due to many receivers that hang in all ways, those to others arrive before one of these is due."""
    urls, reached = dead
    service = start_service(engines=TABLE)
    with contextlib.ExitStack() as stack:
        mine, same, other = (
            stack.enter_context(client(service, new_key(service, owner))) for owner in ("one", "one", "two")
        )
        for url in urls * 4:
            submit(mine, "[fail]", callback_url=url)
        until(reached, lambda hosts: hosts == 18)
        hooks = [stack.enter_context(receiver()) for _ in range(3)]
        for _ in range(2):
            for who, hook in zip((mine, same, other), hooks, strict=True):
                before = tries(mine)
                arrives(who, hook)
                assert tries(mine) - before <= len(urls), "it waited for several rounds of the receivers that hang"
        # What a kill breaks off is due afterwards, and what is known of receivers is learned anew.
        service.kill_group()
        service.start()
        before = tries(mine)
        for who, hook in zip((mine, same, other), hooks, strict=True):
            arrives(who, hook)
        assert tries(mine) - before <= len(urls)
        pending: dict[str, Any] = mine.get("/api/v1/webhooks", params={"status": "pending"}).json()
        assert pending["total"] == len(urls) * 4


@pytest.mark.timeout(120)
def test_a_delivery_that_a_kill_breaks_off_is_made_again(start_service: Start):
    """It comes under the same id as soon as the service runs again, and its receiver's room is free."""
    service = start_service(engines=TABLE)
    with receiver(HANGS) as hook, client(service) as http:
        task = submit(http, "[fail]", callback_url=hook.url)
        first = hook.posts.get(timeout=30)
        service.kill_group()
        service.start()
        second = hook.posts.get(timeout=30)
        assert (second.headers["webhook-id"], second.body) == (first.headers["webhook-id"], first.body)
        assert json.loads(second.body)["id"] == task
        told = until(lambda: http.get(f"/api/v1/webhooks/{task}").json(), lambda found: found["status"] != "pending")
        assert (told["status"], told["tries"]) == ("delivered", 1)
