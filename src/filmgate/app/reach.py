"""By which hosts the service is reached."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from filmgate.domain.hosts import as_ip, parse_host
from filmgate.domain.settings import Settings

_ELSEWHERE = ("192.0.2.1", "2001:db8::1")
"""Addresses for documentation, which nothing is sent to."""


def is_address_of_this_machine(address: str) -> bool:
    """Return whether an IP address belongs to an interface of this machine: only such a one is reached from itself.

    The check of outbound requests is wider: it counts broadcast and multicast addresses too, which nobody is served by.
    """
    return _source_towards(address) == address


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a bind address. It does not identify the sender of a request."""
    name = host.strip("[]").lower()
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost"


def announcement(settings: Settings) -> Iterator[str]:
    """Write which hosts are served and how to add one; nothing where only this machine can reach the service."""
    bound = parse_host(f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host)
    if bound is None or bound.is_loopback:
        return
    served = ["localhost and addresses of loopback"]
    ip = as_ip(bound.name)
    if ip is not None and ip.is_unspecified:
        known = ", ".join(_addresses_of_this_machine())
        served.append(f"the addresses of this machine{f' ({known})' if known else ''}")
    else:
        served.append(f"{bound} (host)")
    if settings.public_url is not None:
        served.append(f"{urlsplit(settings.public_url).hostname} (public_url)")
    if settings.allowed_hosts:
        served.append(f"{', '.join(settings.allowed_hosts)} (allowed_hosts)")
    yield f"Requests are served whose Host is one of: {'; '.join(served)}. Any other Host gets 400."
    yield (
        "To add a host, such as the name of a compose service or this machine's name in your network, set "
        "FILMGATE_ALLOWED_HOSTS=filmgate,host.docker.internal or allowed_hosts in filmgate.toml."
    )


def _addresses_of_this_machine() -> Iterator[str]:
    """Yield the addresses from which this machine reaches others, as far as it does."""
    return filter(None, map(_source_towards, _ELSEWHERE))


def _source_towards(address: str) -> str | None:
    """Return the address from which this machine would send to another one; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
