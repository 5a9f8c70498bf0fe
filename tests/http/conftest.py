"""What the tests of outgoing requests share."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.http.lines import KEY, Open
from tests.http.sites import ALLOWED, no_names

from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.adapters.outbound.provider_client import HttpProviderClient


@pytest.fixture
async def fetcher() -> AsyncIterator[CheckedFetcher]:
    """Return a fetcher that may reach one loopback address."""
    fetcher = CheckedFetcher(ALLOWED, resolve=no_names, total=10, connect=2, idle=2)
    yield fetcher
    await fetcher.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for `film.example` and 127.0.0.1, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=film.example"]
    command += ["-addext", "subjectAltName=DNS:film.example,IP:127.0.0.1"]
    command += ["-keyout", str(folder / "pem"), "-out", str(folder / "cert")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / "pem").write_bytes((folder / "pem").read_bytes() + (folder / "cert").read_bytes())
    return folder / "pem"


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    """Return what a server with the certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """Return what a client that trusts the certificate needs."""
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
async def line() -> AsyncIterator[Open]:
    """Return a function that opens lines, which are closed after the test."""
    opened: list[HttpProviderClient] = []

    def open_line(base: str, **options: Any) -> HttpProviderClient:
        opened.append(HttpProviderClient(base, KEY, **({"timeout": 10, "connect": 5} | options)))
        return opened[-1]

    yield open_line
    for one in opened:
        await one.close()
