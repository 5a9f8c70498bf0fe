"""The base address of links, and which links are our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from filmgate.domain.errors import HostNotAllowed
from filmgate.domain.hosts import Host, as_ip, parse_host, parse_rule
from filmgate.domain.media import MEDIA_PATH

_LOOPBACK: Final = "localhost"
_MOST_HOSTS: Final = 1_000


class Links:
    """Decides the base address of links from what the admin configured and the Host the caller used.

    A Host is good if it is loopback, the bound address, that of the public address, or an allowed one; anything else
    is refused, since a forged Host would put somebody else's address into stored links. If the service is bound to
    every address, each one that `is_local` knows to be this machine's is a bound one.

    Links of our own begin with the public address, or with one at which this service is called directly. Both are
    good at once, and a proxy may pass on the path of the public address or leave it out.
    """

    def __init__(
        self,
        public_url: str | None,
        allowed_hosts: Sequence[str],
        bound: str,
        is_local: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Take the options. Raises ValueError for a host that could never match."""
        public = urlsplit(public_url or "")
        self._base = public_url
        self._public = parse_host(public.netloc) if public_url else None
        self._scheme = public.scheme
        self._rules = [parse_rule(entry) for entry in allowed_hosts]
        ip = as_ip(bound.strip("[]"))
        self._bound = bound.lower().removesuffix(".") if ip is None else str(ip)
        anywhere = self._bound != _LOOPBACK if ip is None else ip.is_unspecified
        self._is_local = is_local if anywhere else _never
        self._good: dict[tuple[str, str], str] = {}
        self._ports: dict[str, set[int | None]] = {}
        self.prefix = unquote(public.path)
        """The path of the public address, decoded and without a slash at the end; empty if it has none."""

    def base(self, host: str | None, scheme: str = "http") -> str:
        """Return the base address for a request to this Host. Raises HostNotAllowed."""
        if host is None:
            raise HostNotAllowed(
                "The request has no Host header. Send the name and port that the service is called by."
            )
        known = self._good.get((scheme, host))
        if known is not None:
            return known
        named = parse_host(host) if host.isascii() else None
        if named is None or not self._is_served(named, scheme):
            raise HostNotAllowed(_advice(named))
        base = self._base or f"{scheme}://{named}"
        if len(self._good) < _MOST_HOSTS:
            self._good[scheme, host] = base
        self._note(named, scheme)
        return base

    def serves(self, host: str, scheme: str) -> bool:
        """Return whether requests to this host, with or without a port, are served."""
        named = parse_host(host)
        return named is not None and self._is_served(named, scheme)

    def token(self, url: str) -> str | None:
        """Return the token of one of our own media links, None for any other address. Raises ValueError."""
        parts = urlsplit(url)
        host = parse_host(parts.netloc)
        if host is None or parts.scheme not in ("http", "https"):
            return None
        path = unquote(parts.path)
        if self.prefix and path.startswith(f"{self.prefix}/"):
            found = MEDIA_PATH.fullmatch(path, len(self.prefix))
            if found and (self._is_public(host, parts.scheme) or self._is_called(host, parts.scheme)):
                return found[1]
        found = MEDIA_PATH.fullmatch(path)
        if found is None:
            return None
        public = not self.prefix and self._is_public(host, parts.scheme)
        return found[1] if public or self._is_called(host, parts.scheme) else None

    def _is_served(self, host: Host, scheme: str) -> bool:
        return self._is_direct(host, scheme) or (self._public is not None and host.name == self._public.name)

    def _is_direct(self, host: Host, scheme: str) -> bool:
        """Return whether the service itself is meant, rather than a proxy that may have other services behind it."""
        if host.is_loopback or host.name == self._bound or any(rule.matches(host, scheme) for rule in self._rules):
            return True
        ip = as_ip(host.name)
        return ip is not None and not ip.is_unspecified and self._is_local(host.name)

    def _is_public(self, host: Host, scheme: str) -> bool:
        """Return whether a host and its port are those of the public address."""
        if self._public is None or host.name != self._public.name:
            return False
        return _port(host, scheme) == _port(self._public, self._scheme)

    def _is_called(self, host: Host, scheme: str) -> bool:
        """Return whether a port is this service's own; it is once a request has reached it there.

        A name that only a pattern means may be anybody's until the service was called by it.
        """
        if not self._is_direct(host, scheme):
            return False
        ports = self._ports.get(_LOOPBACK if host.is_loopback else host.name)
        if ports is not None:
            return _port(host, scheme) in ports
        return not self._is_pattern_only(host, scheme)

    def _is_pattern_only(self, host: Host, scheme: str) -> bool:
        matching = [rule for rule in self._rules if rule.matches(host, scheme)]
        return bool(matching) and all(rule.is_pattern for rule in matching) and not host.is_loopback

    def _note(self, host: Host, scheme: str) -> None:
        """Remember a port at which the service was called."""
        name = _LOOPBACK if host.is_loopback else host.name
        if name in self._ports or len(self._ports) < _MOST_HOSTS:
            self._ports.setdefault(name, set()).add(_port(host, scheme))


def _port(host: Host, scheme: str) -> int | None:
    """Return the port that is dialled; those of http and https are one, since proxies serve both."""
    port = host.port_for(scheme)
    return 443 if port == 80 else port


def _never(_: str) -> bool:
    return False


def _advice(host: Host | None) -> str:
    """Return which Host was refused, and what to do to have it served."""
    if host is None:
        return (
            "This Host header is not a host. If clients reach the service as http://filmgate:8484, say, then add "
            "filmgate to FILMGATE_ALLOWED_HOSTS."
        )
    name = str(host._replace(port=None))
    return (
        f"The host {host} is not served here. If it is the right one, add {name} to FILMGATE_ALLOWED_HOSTS "
        f"(allowed_hosts in filmgate.toml), or set FILMGATE_PUBLIC_URL to the address that clients use."
    )
