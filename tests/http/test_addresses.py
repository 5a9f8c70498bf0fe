"""Which addresses may be called, told from their looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.http.sites import refused, resolver

from filmgate.adapters.http.addresses import as_ip, is_allowed, is_public, parse
from filmgate.adapters.http.fetcher import CheckedFetcher, redacted
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.fetcher import FetchError

HOSTILE = [
    # loopback in all its spellings
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0X7F.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://127.255.255.254:8080/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://api.localhost/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    # nowhere and everywhere
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://240.0.0.1/",
    # private networks and those of providers
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://0xc0a80101/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    # private addresses inside public ones
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2606:4700::5efe:a00:1]/",
    # other schemes
    "file:///etc/passwd",
    "ftp://example.com/a",
    "gopher://example.com/",
    "dict://example.com:11211/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "unix:///run/docker.sock",
    "//example.com/a",
    "example.com",
    "",
    # what two readers read in two ways
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/",
    "http://exam ple.com/",
    "http://example.com/\r\nHost: internal",
    "http://example.com\t/",
    " http://example.com/",
    "http://example.com/\x00",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:/",
    "http://example.com:80a/",
    "http://[::1/",
    "http://[v1.fe80::a]/",
    "http://[127.0.0.1]/",
    "http://999.1.1.1/",
    "http://1.2.3.4.5/",
    "http://0x/",
    "http://8.8.8.8.0x8/",
    "http:///path",
    "http://.example.com/",
    "http://example..com/",
    "http://-example.com/",
    "http://exa%6dple.com/",
    "http://example.com" + "a" * 9000,
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
        await fetcher.post(url, b"{}", {}, timeout=2)
    assert asked == []
    await fetcher.close()


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
    CheckedFetcher().check(url)


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
    networks = CheckedFetcher(["10.1.0.0/16", "fd00::/8"])._networks
    for ip, expected in (("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd12::1", True), ("10.2.0.1", False)):
        assert is_allowed(as_ip(ip), networks) is expected
    with pytest.raises(ValueError, match=r"10\.1\.0\.1/16"):
        CheckedFetcher(["10.1.0.1/16"])


def test_parse_gives_one_spelling():
    """Host, port and target are what will be dialled and sent."""
    address = parse("HTTPS://BÜCHER.example.:443/ä b".replace(" ", "%20") + "?q=ö#part")
    assert address.scheme == "https"
    assert (address.host, address.port) == ("xn--bcher-kva.example", 443)
    assert address.target == "/%C3%A4%20b?q=%C3%B6"
    assert address.authority == "xn--bcher-kva.example"
    assert parse("http://[2606:4700::1]:8080").authority == "[2606:4700::1]:8080"


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
    assert redacted(url) == shown
