"""Checks of settings that are each good and do not work together."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from filmgate.app.keys import secret_trouble
from filmgate.app.reach import is_loopback
from filmgate.domain.settings import Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running

_ANY = ("0.0.0.0", "::")  # noqa: S104 - what is looked for


def reach(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at where the service is reached, and by which names."""
    public = urlsplit(settings.public_url or "")
    findings = []
    if settings.host.strip("[]") in _ANY and settings.public_url is None and not settings.allowed_hosts:
        findings.append(problem(
            "address", f"the service listens on {settings.host} and knows no name of its own",
            "Requests by any name but localhost and addresses of this machine get 400 host_not_allowed.",
            "Set FILMGATE_PUBLIC_URL, or FILMGATE_ALLOWED_HOSTS to the names that are used.",
        ))  # fmt: skip
    if settings.public_url is None and settings.trusted_proxies:
        findings.append(warning(
            "address", "there are trusted proxies, and no public address",
            "Links in webhooks are made from the Host that the proxy passes on.",
            "Set FILMGATE_PUBLIC_URL to the address in front of the proxy.",
        ))  # fmt: skip
    if public.scheme == "https" and not settings.trusted_proxies:
        findings.append(warning(
            "address", "the public address is https, and no proxy is trusted",
            "Whatever speaks https in front is taken for the one client there is, so all share its rate of media.",
            "Set FILMGATE_TRUSTED_PROXIES to the proxy's address.",
        ))  # fmt: skip
    if public.scheme == "http" and not is_loopback(public.hostname or ""):
        findings.append(warning(
            "address", "the public address is http", "Keys and videos cross the network in clear.",
            "Put a proxy with a certificate in front, and set FILMGATE_PUBLIC_URL to its https address.",
        ))  # fmt: skip
    yield from findings or [ok("address", settings.public_url or f"{settings.host}:{settings.port}")]


def keys(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at the admin key and the metrics token."""
    trouble = secret_trouble(settings)
    if trouble is not None:
        yield problem("admin key", trouble, "The service does not start.", "Choose a longer one, or leave it out.")
    elif settings.admin_key is None:
        yield ok("admin key", "none is set; keys are in the ledger")
    else:
        yield ok("admin key", "it is set")
