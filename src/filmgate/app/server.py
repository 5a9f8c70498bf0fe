"""`filmgate serve`: one process, alone on its data folder, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from filmgate import __version__, faults
from filmgate.app.descriptors import connections_within, in_use, raise_limit
from filmgate.app.folder import hold
from filmgate.app.keys import FIRST_KEY, secret_trouble
from filmgate.app.reach import announcement
from filmgate.app.requirements import check_libraries, leave_out_studio, warn_untested_python
from filmgate.app.service import Service, open_service
from filmgate.domain.errors import FilmgateError, Unavailable
from filmgate.domain.settings import Settings
from filmgate.modes import restrict

if TYPE_CHECKING:
    import uvicorn

_ANSWER_SECONDS = 0.5


def serve(settings: Settings) -> int:
    """Run the service until SIGTERM or SIGINT, and give the exit code."""
    from filmgate.adapters.logs import configure

    configure(settings.log_level)
    faults.arm(os.environ)
    limit = raise_limit()
    restrict(group=settings.group_access)
    try:
        _check_secrets(settings)
        settings, asked = leave_out_studio(settings), settings
        if settings is not asked:
            print(
                "filmgate: The studio is left out: install it with `pip install 'filmgate[studio]'`.", file=sys.stderr
            )
        check_libraries(settings.engine_table())
        if (untested := warn_untested_python()) is not None:
            print(f"filmgate: {untested}", file=sys.stderr)
        with hold(settings.data), _bound(settings) as listener:
            import uvloop

            uvloop.run(_serve(settings, listener, limit))
    except FilmgateError as error:
        print(f"filmgate: {error.message}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings, listener: socket.socket, descriptors: int) -> None:
    import uvicorn

    from filmgate.adapters.web.connection import patient
    from filmgate.adapters.web.connections import Connections
    from filmgate.adapters.web.listener import BoundedServer

    host, port = listener.getsockname()[:2]
    async with open_service(settings) as service:
        most = connections_within(descriptors, in_use())
        per_address = min(settings.max_connections_per_address, max(1, most // 2))
        # Behind a proxy all come from one address: only this keeps an application from holding them all.
        service.tasks.places.most = max(1, most // 2)
        kept = Connections(most, per_address, settings.trusted_proxies)
        config = uvicorn.Config(
            service.asgi,
            lifespan="off",
            loop="uvloop",
            http=patient(settings.head_seconds, settings.read_seconds, kept),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, round(settings.grace)),
        )
        server = BoundedServer(config, listener, kept)
        with _stopping(server, service, settings.grace):
            listener.listen(config.backlog)  # who reads the announcement can connect from then on
            _announce(settings, f"http://{f'[{host}]' if ':' in host else host}:{port}", service.first_key)
            # The signals are ours: uvicorn's own way of handling them ends the process before it is closed.
            await server._serve()


@contextlib.contextmanager
def _stopping(server: uvicorn.Server, service: Service, grace: float) -> Iterator[None]:
    """Install the handlers of SIGTERM and SIGINT: stop taking work and requests; a second one does not wait.

    Whoever waits for a task is answered a moment before uvicorn ends the requests that are still open.
    """
    loop = asyncio.get_running_loop()
    stops: set[asyncio.Task[None]] = set()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True
        left = 0.0 if server.force_exit else grace
        service.events.close()  # whoever reads a stream resumes it elsewhere or later
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
        print(f"A first API key was made, with the role admin; it is shown this once: {first_key}")
        print(f"It is kept for the CLI on this machine in {settings.data / FIRST_KEY}")
    for line in announcement(settings):
        print(line)
    # The last line, so that whoever waits for it has been told everything.
    print(f"Filmgate {__version__} serves {address} with data in {settings.data}", flush=True)


def _check_secrets(settings: Settings) -> None:
    """Raise Unavailable for secrets that protect nothing, and mention a key that was given in the wrong variable."""
    if (trouble := secret_trouble(settings)) is not None:
        raise Unavailable(trouble)
    if os.environ.get("FILMGATE_API_KEY") and settings.admin_key is None:
        print(
            "filmgate: FILMGATE_API_KEY is ignored: it is the key that clients send. FILMGATE_ADMIN_KEY gives the "
            "service an admin key.",
            file=sys.stderr,
        )


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
