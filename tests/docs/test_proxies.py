"""The configurations of proxies that a page shows, before a real service."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.service import RunningService

from .session import blocks

PAGE = "docs/how-to/behind-a-proxy.md"
LOCATIONS = [block.text for block in blocks(PAGE) if block.language == "nginx"]
WRAPPING = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def proxied(
    request: pytest.FixtureRequest, tmp_path: Path, start_service: Callable[..., RunningService]
) -> Iterator[tuple[RunningService, str]]:
    """A service behind nginx with a location of the page, and the public address."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt install nginx-light")
    location, port = request.param, free_port()
    path = "/video" if "/video/" in location else ""
    public = f"http://127.0.0.1:{port}{path}"
    service = start_service(public_url=public, trusted_proxies="127.0.0.1")
    folder = tmp_path / "nginx"
    folder.mkdir()
    written = location.replace("127.0.0.1:8484", service.url.removeprefix("http://"))
    (folder / "nginx.conf").write_text(WRAPPING.format(folder=folder, port=port, location=written))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    nginx = subprocess.Popen(command)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                if httpx2.get(f"{public}/readyz").status_code == 200:
                    break
            except httpx2.TransportError:
                assert time.monotonic() < until, (folder / "error.log").read_text()
                assert nginx.poll() is None, (folder / "error.log").read_text()
        yield service, public
    finally:
        nginx.terminate()
        nginx.wait(30)


@pytest.mark.parametrize("proxied", LOCATIONS, ids=range(len(LOCATIONS)), indirect=True)
def test_nginx_with_the_configuration_of_the_page(proxied: tuple[RunningService, str]):
    """A task is requested, waited for and followed, and its link leads through the proxy to the file."""
    service, public = proxied
    with httpx2.Client(headers=service.headers, timeout=60) as http:
        task = http.post(f"{public}/api/v1/tasks", json={"prompt": "a comet", "duration": 1}).json()
        with http.stream("GET", f"{public}/api/v1/tasks/{task['id']}/events") as events:
            assert any('"state":"completed"' in line for line in events.iter_lines())
        ended = http.get(f"{public}/api/v1/tasks/{task['id']}?wait=50").json()
        assert ended["video"]["url"].startswith(f"{public}/media/")
        assert len(http.get(ended["video"]["url"]).content) == ended["video"]["bytes"]
