"""Base addresses, and which links are our own."""

from __future__ import annotations

import pytest

from filmgate.core.links import Links
from filmgate.domain.errors import HostNotAllowed

TOKEN = "AbCdEfGhIjKlMnOpQrSt_-"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8484", "localhost", "localhost:1", "[::1]:8484", "127.8.9.1", "10.0.0.7:80"]
)
def test_loopback_and_the_bound_address_are_good(host: str) -> None:
    """Without any setting, links follow the Host the caller used on this machine."""
    assert Links(None, (), "10.0.0.7").base(host) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "a b",
        "127.0.0.1:80:90",
        "x@localhost",
        "10.0.0.8",
    ],
)
def test_foreign_hosts_are_refused(host: str | None) -> None:
    """A Host that names somebody else never gets into a link."""
    with pytest.raises(HostNotAllowed):
        Links(None, (), "10.0.0.7").base(host)


def test_a_public_address_is_used_for_every_link() -> None:
    """With a public address links have it, whichever allowed Host was used."""
    links = Links("https://video.example", ("internal.example",), "0.0.0.0")
    assert links.base("video.example", "https") == "https://video.example"
    assert links.base("internal.example") == "https://video.example"
    assert links.base("localhost:8484") == "https://video.example"


@pytest.mark.parametrize(
    "url", [f"http://localhost:8484/media/{TOKEN}/video.mp4", f"https://video.example/media/{TOKEN}/video.mp4"]
)
def test_own_links_are_known(url: str) -> None:
    """A link of our own names its token."""
    assert Links("https://video.example", (), "127.0.0.1").token(url) == TOKEN


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/media/{TOKEN}/video.mp4",
        f"http://localhost/media/{TOKEN}",
        f"http://localhost/media/{TOKEN}/../x",
        "http://localhost/media/short/video.mp4",
        f"file:///media/{TOKEN}/video.mp4",
        f"http://localhost@evil.example/media/{TOKEN}/video.mp4",
    ],
)
def test_other_links_are_not_taken_for_own(url: str) -> None:
    """Only the exact shape at an address of our own counts."""
    assert Links("https://video.example", (), "127.0.0.1").token(url) is None


def test_another_service_on_this_machine_has_links_of_its_own() -> None:
    """Once it was called at a port, a service takes links at other loopback ports for somebody else's."""
    links = Links(None, (), "127.0.0.1")
    links.base("127.0.0.1:8484")
    assert links.token(f"http://localhost:8484/media/{TOKEN}/video.mp4") == TOKEN
    assert links.token(f"http://127.0.0.1:9000/media/{TOKEN}/video.mp4") is None
