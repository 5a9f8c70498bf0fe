"""The one composition root: settings -> adapters -> core -> ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hmac
import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import uuid_utils

from filmgate import __version__
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.core.keys import digest, new_key
from filmgate.domain.errors import FilmgateError, Unavailable
from filmgate.domain.settings import EngineSettings, Settings
from filmgate.ports.context import Caller
from filmgate.ports.ledger import CALLBACK, EXPIRE, PURGE, ApiKey, Application, Ledger

if TYPE_CHECKING:
    import uvicorn

    from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
    from filmgate.adapters.http.gate import Gate
    from filmgate.core.access import Access
    from filmgate.core.service import TaskService
    from filmgate.ports.engine import Engine

log = logging.getLogger(__name__)

DEFAULT_APPLICATION = "default"
"""The application of the bootstrap key and of the first key."""

_CALLBACK_SLOTS = 16
_ANSWER_SECONDS = 0.5
_MIN_BOOTSTRAP = 16


class Service(NamedTuple):
    """A running service: what serves requests, the door to the ledger, and what takes the due work."""

    asgi: Gate
    tasks: TaskService
    access: Access
    dispatcher: EmbeddedDispatcher
    first_key: str | None


@contextlib.asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger of a data folder; the service may be running. Raises Unavailable."""
    if settings.database is not None:
        raise Unavailable("Only the embedded ledger is there yet: leave FILMGATE_DATABASE empty.")
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"The data folder {settings.data} cannot be made: {error.strerror}") from error
    ledger = SqliteLedger(settings.data / "filmgate.db")
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Put a service together and run its work; on leaving, running work gets `grace` seconds to finish."""
    from filmgate.adapters.dispatch.embedded import EmbeddedDispatcher
    from filmgate.adapters.http.fetcher import CheckedFetcher
    from filmgate.adapters.media import LocalStore, SandboxedTools
    from filmgate.core.access import Access
    from filmgate.core.callbacks import Callbacks
    from filmgate.core.execution import Execution
    from filmgate.core.feed import Feed
    from filmgate.core.housekeeping import Housekeeping
    from filmgate.core.intake import Intake
    from filmgate.core.links import Links
    from filmgate.core.query import Query
    from filmgate.core.service import TaskService
    from filmgate.core.uploads import Uploads
    from filmgate.ports.dispatch import Lane

    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(settings))
        work = _empty_folder(settings.data / "work")
        table = settings.engine_table()
        engines = {name: _engine(name, engine) for name, engine in table.items()}
        store = LocalStore(settings.data / "media")
        tools, fetcher = SandboxedTools(), CheckedFetcher(settings.allow_networks)
        for close in (tools.close, fetcher.close, *(engine.close for engine in engines.values())):
            stack.push_async_callback(close)
        feed, clock = Feed(), time.time
        dispatcher = EmbeddedDispatcher(ledger, clock)
        links = Links(settings.public_url, settings.allowed_hosts, settings.host)
        intake = Intake(
            ledger,
            store,
            tools,
            fetcher,
            links,
            clock,
            work=work,
            max_image=settings.max_image,
            max_video=settings.max_video,
        )
        query = Query(ledger, cache_bytes=settings.answer_cache, max_batch=settings.max_batch)
        tasks = TaskService(
            ledger, store, intake, query, feed, dispatcher, table, max_unfinished=settings.max_unfinished, clock=clock
        )
        uploads = Uploads(ledger, store, intake, clock)
        dialects = _dialects()
        announced = {dialect.name for dialect in dialects if dialect.announces}
        execution = Execution(
            ledger, engines, table, store, tools, intake, feed, dispatcher, clock, work=work, announced=announced
        )
        housekeeping = Housekeeping(ledger, tasks, store, clock)
        owner, first_key = await _first_start(ledger, settings)
        access = Access(
            ledger,
            submit_rate=settings.submit_rate,
            query_rate=settings.query_rate,
            bootstrap=_bootstrap(settings, owner),
        )
        callbacks = Callbacks(ledger, fetcher, {dialect.name: dialect.hook for dialect in dialects}, clock)
        asgi = _application(settings, dialects, ledger, store, links, access, query, tasks, uploads, dispatcher)
        stack.push_async_callback(dispatcher.stop, settings.grace)
        await dispatcher.start(
            {name: Lane(execution.advance, engine.slots) for name, engine in engines.items()}
            | {
                CALLBACK: Lane(callbacks.deliver, _CALLBACK_SLOTS),
                EXPIRE: Lane(housekeeping.expire, 1),
                PURGE: Lane(housekeeping.purge, 1),
            }
        )
        yield Service(asgi, tasks, access, dispatcher, first_key)


def serve(settings: Settings) -> int:
    """Run the service until SIGTERM or SIGINT, and give the exit code."""
    from filmgate.adapters.logs import configure

    configure(settings.log_level)
    try:
        _check_exposure(settings)
        with _alone(settings), _bound(settings) as listener:
            import uvloop

            uvloop.run(_serve(settings, listener))
    except FilmgateError as error:
        print(f"filmgate: {error.message}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    host, port = listener.getsockname()[:2]
    async with open_service(settings) as service:
        config = uvicorn.Config(
            service.asgi,
            lifespan="off",
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, round(settings.grace)),
        )
        server = uvicorn.Server(config)
        with _stopping(server, service, settings.grace):
            listener.listen(config.backlog)  # who reads the announcement can connect from then on
            _announce(settings, f"http://{f'[{host}]' if ':' in host else host}:{port}", service.first_key)
            # The signals are ours: uvicorn's own way of handling them ends the process before it is closed.
            await server._serve([listener])


@contextlib.contextmanager
def _stopping(server: uvicorn.Server, service: Service, grace: float) -> Iterator[None]:
    """Have SIGTERM and SIGINT stop taking work and requests; a second one does not wait.

    Whoever waits for a task is answered a moment before uvicorn ends the requests that are still open.
    """
    loop = asyncio.get_running_loop()
    stops: set[asyncio.Task[None]] = set()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True
        left = 0.0 if server.force_exit else grace
        stops.add(asyncio.ensure_future(service.dispatcher.stop(left)))
        loop.call_later(max(0.0, left - _ANSWER_SECONDS), service.tasks.stop_waiting)

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _announce(settings: Settings, address: str, first_key: str | None) -> None:
    if first_key is not None:
        print(f"A first API key was made, it is shown this once: {first_key}")
        print(f"It is kept for the CLI on this machine in {settings.data / 'first-key'}")
    # The last line, so that whoever waits for it has been told everything.
    print(f"Filmgate {__version__} serves {address} with data in {settings.data}", flush=True)


async def _first_start(ledger: Ledger, settings: Settings) -> tuple[Application, str | None]:
    """Make sure of the default application, and of one key if there is none at all."""
    now = time.time()
    application = await ledger.add_application(
        Application(str(uuid_utils.uuid4()), DEFAULT_APPLICATION, str(uuid_utils.uuid4()), now)
    )
    if settings.api_key is not None or await ledger.keys():
        return application, None
    key = new_key()
    path = settings.data / "first-key"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")
    await ledger.add_key(api_key(application, key, "first", now))
    return application, key


def api_key(application: Application, key: str, name: str, now: float) -> ApiKey:
    """Give what is kept of a new key."""
    return ApiKey(
        str(uuid_utils.uuid4()), application.id, application.user_id, name, digest(key.encode()), key[-4:], now
    )


def _bootstrap(settings: Settings, owner: Application) -> tuple[bytes, Caller] | None:
    if settings.api_key is None:
        return None
    caller = Caller(
        owner.id, owner.user_id, str(uuid_utils.uuid5(uuid_utils.UUID(owner.id), "bootstrap")), limited=False
    )
    return settings.api_key.get_secret_value().strip().encode(), caller


def _dialects() -> tuple[Any, ...]:
    from filmgate.adapters.dialects import acedata, agents, dream_machine, gateway, native, openai_videos

    return (
        native.DIALECT,
        gateway.DIALECT,
        acedata.DIALECT,
        dream_machine.DIALECT,
        agents.DIALECT,
        openai_videos.DIALECT,
    )


def _engine(name: str, settings: EngineSettings) -> Engine:
    if settings.type == "studio":
        from filmgate.adapters.engines.studio import StudioEngine

        try:
            return StudioEngine(name, slots=settings.slots or 1, options=settings.options)
        except ValueError as error:
            raise Unavailable(f'The options of the engine "{name}" are not right: {error}') from error
    if settings.type == "scripted":
        from filmgate.adapters.engines.scripted import ScriptedEngine

        try:
            return ScriptedEngine(name, slots=settings.slots or 32, options=settings.options)
        except ValueError as error:
            raise Unavailable(f'The options of the engine "{name}" are not right: {error}') from error
    raise Unavailable(f'The engine "{name}" has the unknown type "{settings.type}": studio and scripted are known.')


def _application(
    settings: Settings,
    dialects: tuple[Any, ...],
    ledger: Ledger,
    store: Any,
    links: Any,
    access: Any,
    query: Any,
    tasks: Any,
    uploads: Any,
    dispatcher: EmbeddedDispatcher,
) -> Gate:
    from filmgate.adapters.dialects.common import Services
    from filmgate.adapters.dialects.described import completed
    from filmgate.adapters.http.application import framework
    from filmgate.adapters.http.door import HttpDoor, bearer
    from filmgate.adapters.http.errors import Errors
    from filmgate.adapters.http.gate import Gate
    from filmgate.adapters.http.lane import Lane
    from filmgate.adapters.http.metrics import Requests
    from filmgate.adapters.http.service_routes import service_router
    from filmgate.adapters.media.serve import answer, media_router
    from filmgate.core.access import Action, Buckets

    rates = {Action.SUBMIT: settings.submit_rate, Action.QUERY: settings.query_rate}
    door, requests = HttpDoor(access, links, rates, max_body=settings.max_body), Requests()
    services = Services(tasks, query, door, settings, uploads, partial(answer, store=store))
    writers = {prefix: writer for dialect in dialects for prefix, writer in dialect.errors.items()}
    errors = Errors(writers, fallback=dialects[0].errors["/api/v1"])
    bootstrap = None if settings.api_key is None else settings.api_key.get_secret_value().strip().encode()

    def may_see_metrics(request: Any) -> bool:
        key = bearer(request.scope["headers"]) or b""
        return _is_loopback(settings.host) or (bootstrap is not None and hmac.compare_digest(key, bootstrap))

    routers = [dialect.router(services) for dialect in dialects]
    routers.append(media_router(ledger, store, Buckets(settings.media_rate)))
    checks = {"ledger": ledger.ready, "store": store.ready, "engines": dispatcher.ready}
    routers.append(service_router(ledger, requests, checks, may_see_metrics, __version__))
    lane = Lane(
        {read.prefix: (dialect.name, read.form, read.headers) for dialect in dialects for read in dialect.reads},
        {
            read.path: (dialect.name, partial(read.parse, settings=settings))
            for dialect in dialects
            for read in dialect.body_reads
        },
        door,
        query,
        errors,
        requests,
        max_body=settings.max_body,
    )
    prefixes = {prefix: dialect.name for dialect in dialects for prefix in dialect.errors}
    return Gate(
        framework(routers, errors, __version__, completed),
        lane,
        links,
        errors,
        requests,
        prefixes,
        max_body=settings.max_body,
    )


def _empty_folder(path: Path) -> Path:
    """Give an empty folder for work in progress: what an earlier process left there is no use to anybody."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=0o700)
    return path


def _check_exposure(settings: Settings) -> None:
    if settings.api_key is None:
        return
    key = settings.api_key.get_secret_value().strip()
    if not key:
        raise Unavailable("FILMGATE_API_KEY is blank: nobody could use it. Leave it out, and a first key is made.")
    if not _is_loopback(settings.host) and len(key) < _MIN_BOOTSTRAP:
        raise Unavailable(
            f"FILMGATE_API_KEY has fewer than {_MIN_BOOTSTRAP} characters: too short for serving on {settings.host}."
        )


def _is_loopback(host: str) -> bool:
    name = host.strip("[]").lower()
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost"


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[TextIO]:
    """Hold the data folder for this process. The lock is the kernel's and no child inherits it. Raises Unavailable."""
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (settings.data / "lock").open("a+") as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                holder = lock.read().strip()
                raise Unavailable(
                    f"The data folder {settings.data} is in use by another service (process {holder or 'unknown'}). "
                    "Stop it, or give this one a folder of its own with --data."
                ) from error
            lock.seek(0)
            lock.truncate()
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield lock
    except OSError as error:
        raise Unavailable(f"The data folder {settings.data} cannot be used: {error.strerror}") from error


@contextlib.contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """Bind the port before anything is opened. Raises Unavailable."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Only a socket that names its protocol gets TCP_NODELAY on its connections; without it answers wait 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            raise Unavailable(
                f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}. Choose another with --port."
            ) from error
        yield listener
