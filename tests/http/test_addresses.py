"""Which addresses may be called, told from their looks."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.http.sites import HOME, hostile, no_names, refused, resolver, sends_to, site

from filmgate.adapters.outbound.addresses import as_ip, is_allowed, is_public, parse
from filmgate.adapters.outbound.fetcher import CheckedFetcher
from filmgate.domain.addresses import ascii_host, redact
from filmgate.domain.errors import InvalidRequest
from filmgate.domain.hosts import Host, parse_host
from filmgate.ports.fetcher import FetchError

HOSTILE = [
    *hostile(),
    "",
    " http://example.com/",
    f"http://{'a' * 64}.example/",
    f"http://{'.'.join(['a' * 60] * 5)}/",
    "http://example.com" + "a" * 9000,
    "http://exa\ud800mple.com/",
    "http://example.com/\ud800",
    "http://example.com/?q=\udfff",
]


@pytest.mark.parametrize("url", HOSTILE)
async def test_hostile_addresses(tmp_path: Path, url: str):
    """No request is made to an address that is private, misleading or not HTTP; no name server is asked either."""
    resolve, asked = resolver(["93.184.215.14"])
    fetcher = CheckedFetcher(resolve=resolve)
    with pytest.raises(InvalidRequest) as caught:
        fetcher.check(url)
    assert caught.value.field is None
    assert caught.value.message.endswith(".")
    assert not (await refused(fetcher, url, tmp_path)).retryable
    with pytest.raises(FetchError):
        await fetcher.post(url, b"{}", {}, timeout=2, application="a")
    assert asked == []
    await fetcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
async def test_hostile_redirects(tmp_path: Path):
    """No hostile address is reached from one that is allowed, by whatever status it sends us there."""
    resolve, asked = resolver(["93.184.215.14"])
    fetcher = CheckedFetcher([f"{HOME}/32"], resolve=resolve)
    for number, url in enumerate(each for each in hostile() if leads_away(each)):
        status = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")[number % 5]
        async with site(sends_to(url.encode().decode("latin-1"), status)) as place:
            assert not (await refused(fetcher, place.url("/a"), tmp_path)).retryable, url
            assert len(place.requests) == 1, url
    assert asked == []
    await fetcher.close()


def leads_away(url: str) -> bool:
    """Return whether a browser would leave the site for it; what is no plain ASCII cannot even be sent."""
    return re.match(r"[a-z+]+://[^/]", url) is not None and url.isascii() and url.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/a/b.png?x=1#part",
        "HTTPS://EXAMPLE.com:8443/",
        "http://8.8.8.8/",
        "http://[2606:4700:4700::1111]:8080/",
        "http://[64:ff9b::808:808]/",
        "http://bücher.example/ä?ö",
        "http://xn--bcher-kva.example/",
        "http://a_b.example.com./",
        "http://example.com:1/",
        "http://example.com:65535/",
    ],
)
def test_public_addresses_pass(url: str):
    """Ordinary addresses of the internet are not refused by their looks."""
    CheckedFetcher(resolve=no_names).check(url)


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        *(("8.8.8.8", True), ("1.1.1.1", True), ("172.32.0.1", True), ("100.128.0.1", True), ("2606:4700::1", True)),
        *(("2a00:1450:4001::1", True), ("::ffff:8.8.8.8", True), ("2002:808:808::1", True)),
        *(("64:ff9b::808:808", True), ("100.127.255.255", False), ("192.0.0.9", False), ("203.0.113.7", False)),
        *(("::8.8.8.8", False), ("2001:10::1", False), ("4000::1", False), ("fe80::1%1", False)),
        *(("::ffff:10.0.0.1", False), ("2606:4700:0:0:200:5efe:808:808", True)),
    ],
)
def test_is_public(ip: str, public: bool):
    """An address is public if it is of the internet and hides none that is not."""
    parsed = as_ip(ip)
    assert parsed
    assert is_public(parsed) is public


def test_operators_networks():
    """A network that an operator allows is reachable, also in its mapped form, and nothing next to it."""
    networks = CheckedFetcher(["10.1.0.0/16", "fd00::/8"], resolve=no_names)._networks
    for ip, expected in (("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd12::1", True), ("10.2.0.1", False)):
        assert is_allowed(as_ip(ip), networks) is expected
    with pytest.raises(ValueError, match=r"10\.1\.0\.1/16"):
        CheckedFetcher(["10.1.0.1/16"], resolve=no_names)


def test_parse_gives_one_spelling():
    """Host, port and target are what will be dialled and sent."""
    address = parse("HTTPS://BÜCHER.example.:443/ä b".replace(" ", "%20") + "?q=ö#part")
    assert address.scheme == "https"
    assert (address.host, address.port) == ("xn--bcher-kva.example", 443)
    assert address.target == "/%C3%A4%20b?q=%C3%B6"
    assert address.authority == "xn--bcher-kva.example"
    assert parse("http://[2606:4700::1]:8080").authority == "[2606:4700::1]:8080"


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("日本語。jp", "xn--wgv71a119e.jp"),
        ("ex\u00adample.com", "example.com"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),
        ("a_b.bücher.example", "a_b.xn--bcher-kva.example"),
        ("⑧.8.8.8", "8.8.8.8"),
    ],
)
def test_international_names(host: str, meant: str):
    """A host is what browsers make of it (UTS 46), one spelling for all of its kind."""
    assert ascii_host(host) == meant
    assert parse(f"http://{host}/").host == meant
    assert parse_host(host) == Host(meant)


@pytest.mark.parametrize(
    "host",
    [
        "ＬＯＣＡＬＨＯＳＴ",
        "loc\u00adalhost",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "１０.0.0.1",
        "⑯⑨.254.169.254",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ.",
    ],
)
def test_disguised_hosts(host: str):
    """Letters and digits that are mapped to others hide no private address."""
    with pytest.raises(InvalidRequest, match="not public"):
        CheckedFetcher(resolve=no_names).check(f"http://{host}/")


@pytest.mark.parametrize("host", ["\u200d.example", "a\u0378.example", "x" * 2_000 + "é", "٠١a.example", "ü" * 80])
def test_impossible_names(host: str):
    """What UTS 46 maps to nothing is refused."""
    with pytest.raises(ValueError):
        ascii_host(host)
    with pytest.raises(InvalidRequest):
        CheckedFetcher(resolve=no_names).check(f"http://{host}/")
    assert parse_host(host) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com:8443/a?token=secret#secret", "https://example.com:8443/a"),
        ("http://[::1]:80/x?secret", "http://[::1]:80/x"),
        ("http://example.com/a\nb", "http://example.com/ab"),
        ("http://example.com:secret/", "(an unreadable address)"),
        ("secret", "(an unreadable address)"),
    ],
)
def test_redacted(url: str, shown: str):
    """What is shown of an address has no user info, query or fragment."""
    assert redact(url) == shown
