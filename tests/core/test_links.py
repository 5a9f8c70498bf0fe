"""Base addresses, and which links are our own."""

from __future__ import annotations

import pytest

from filmgate.core.media.links import Links
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


PUBLIC = "https://example.com/video"
MEDIA = f"/media/{TOKEN}/video.mp4"


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.com/video{MEDIA}",
        f"https://example.com:443/video{MEDIA}",
        f"http://example.com/video{MEDIA}",
        f"HTTPS://EXAMPLE.com./video{MEDIA}?a=b#c",
        f"https://example.com/%76ideo/%6dedia/{TOKEN.replace('_', '%5F')}/video%2Emp4",
        f"http://127.0.0.1:8484{MEDIA}",
        f"http://localhost:8484{MEDIA}",
        f"http://127.0.0.1:8484/video{MEDIA}",
        f"http://inside.lan:8484{MEDIA}",
    ],
)
def test_own_links_below_a_path(url: str) -> None:
    """With a path prefix, links below it and links at the service itself are our own at once, however spelt."""
    links = Links(PUBLIC, ("inside.lan",), "127.0.0.1")
    assert links.token(url) == TOKEN
    links.base("127.0.0.1:8484")
    links.base("inside.lan:8484")
    links.base("example.com", "https")
    assert links.token(url) == TOKEN


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.com{MEDIA}",
        f"https://example.com/Video{MEDIA}",
        f"https://example.com/other{MEDIA}",
        f"https://example.com/video/video{MEDIA}",
        f"https://example.com/video//media/{TOKEN}/video.mp4",
        f"https://example.com/videos{MEDIA}",
        f"https://example.com:8443/video{MEDIA}",
        f"https://www.example.com/video{MEDIA}",
        f"https://evil.example/video{MEDIA}",
        f"https://example.com@evil.example/video{MEDIA}",
        f"https://evil.example\\@example.com/video{MEDIA}",
        f"https://example.com/video/media/{TOKEN}/../video.mp4",
        f"//example.com/video{MEDIA}",
        f"/video{MEDIA}",
        f"ftp://example.com/video{MEDIA}",
        f"http://inside.lan:9000{MEDIA}",
        f"http://10.0.0.8:8484{MEDIA}",
    ],
)
def test_other_paths_and_hosts_are_foreign(url: str) -> None:
    """What a proxy may give to another service is not ours, though its path has the shape of our own."""
    links = Links(PUBLIC, ("inside.lan",), "127.0.0.1")
    links.base("example.com", "https")
    links.base("inside.lan:8484")
    assert links.token(url) is None


def test_a_public_path_may_have_its_own_spelling() -> None:
    """A path that is percent-encoded in the public address is found decoded, too."""
    links = Links("https://example.com/vid%C3%A9o", (), "127.0.0.1")
    assert links.prefix == "/vidéo"
    for path in ("vid%C3%A9o", "vidéo", "vid%c3%a9o"):
        assert links.token(f"https://example.com/{path}{MEDIA}") == TOKEN
    assert links.base("example.com", "https") == "https://example.com/vid%C3%A9o"


@pytest.mark.parametrize("entry", ["*", "*.example.com"])
def test_a_pattern_makes_nobody_elses_links_ours(entry: str) -> None:
    """Of the names that only a pattern means, those are ours by which the service was called."""
    links = Links(None, (entry,), "127.0.0.1")
    assert links.base("films.example.com:8484") == "http://films.example.com:8484"
    assert links.token(f"http://films.example.com:8484{MEDIA}") == TOKEN
    assert links.token(f"http://films.example.com:9000{MEDIA}") is None
    assert links.token(f"http://other.example.com{MEDIA}") is None


def test_many_hosts_do_not_make_own_links_foreign() -> None:
    """Whoever names a thousand ports does not keep the right one from being known."""
    links = Links(None, (), "127.0.0.1")
    for port in range(1, 1_500):
        links.base(f"localhost:{port}")
    links.base("127.0.0.1:8484")
    assert links.token(f"http://localhost:8484{MEDIA}") == TOKEN


@pytest.mark.parametrize(("bound", "served"), [("0.0.0.0", True), ("::", True), ("films", True), ("10.0.0.7", False)])
def test_bound_to_all_addresses(bound: str, served: bool) -> None:
    """Bound to every address, those of this machine are bound addresses; nobody else's are."""
    links = Links(None, (), bound, {"10.0.0.8", "fd00::8"}.__contains__)
    for host in ("10.0.0.8:8484", "[FD00:0::8]:8484"):
        assert links.serves(host, "http") is served
    assert not links.serves("10.0.0.9", "http")
    assert links.serves(f"[{bound}]" if ":" in bound else bound, "http")


def test_hosts_in_one_spelling() -> None:
    """A base address has one spelling, so that answers are kept once."""
    links = Links(None, ("films.lan",), "127.0.0.1")
    assert {links.base(host) for host in ("films.lan", "FILMS.lan", "films.LAN.")} == {"http://films.lan"}


@pytest.mark.parametrize("host", ["filmgate:8484", "192.168.1.5:8484", "host.docker.internal:8484", "[fd00::5]", "a b"])
def test_a_refusal_says_what_to_do(host: str) -> None:
    """Who is refused learns which option to change, and what to write there."""
    with pytest.raises(HostNotAllowed) as caught:
        Links(None, (), "127.0.0.1").base(host)
    assert "FILMGATE_ALLOWED_HOSTS" in caught.value.message
    if host != "a b":
        assert f"add {host.removesuffix(':8484')} to" in caught.value.message
