"""Hosts, entries of `allowed_hosts`, and base addresses of links."""

from __future__ import annotations

import pytest

from filmgate.domain.hosts import Host, parse_base_address, parse_host, parse_rule


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("filmgate", Host("filmgate")),
        ("Film_Gate:8484", Host("film_gate", 8484)),
        ("VIDEO.Example.com.", Host("video.example.com")),
        ("video.example.com.:80", Host("video.example.com", 80)),
        ("192.168.1.5:8484", Host("192.168.1.5", 8484)),
        ("[FD00:0:0::5]:8484", Host("fd00::5", 8484)),
        ("[::ffff:10.0.0.7]", Host("10.0.0.7")),
        ("Bücher.example", Host("xn--bcher-kva.example")),
        ("xn--bcher-kva.example:1", Host("xn--bcher-kva.example", 1)),
    ],
)
def test_one_spelling_for_each_host(text: str, host: Host):
    """Case, a dot at the end and spellings of an address make no difference."""
    assert parse_host(text) == host
    assert parse_host(str(host)) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "a b",
        "a..b",
        ".a",
        "a:b",
        "a:70000",
        "a:1:2",
        "user@a",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "fd00::5",
        "[fd00::5",
        "[name]",
        "[]",
        "a%41",
        "a\tb",
        "a\nb",
        "\xad",
        "x" * 254,
    ],
)
def test_what_is_no_host(text: str):
    """What can be read in two ways, or not at all, is no host."""
    assert parse_host(text) is None


@pytest.mark.parametrize(
    ("entry", "good", "bad"),
    [
        ("Filmgate", ["filmgate", "FILMGATE:8484", "filmgate."], ["filmgate.lan", "afilmgate"]),
        ("films.lan:8000", ["films.lan:8000"], ["films.lan", "films.lan:80"]),
        ("films.lan:80", ["films.lan", "films.lan:80"], ["films.lan:443"]),
        ("*.example.com", ["a.example.com", "b.A.example.com:1"], ["example.com", "aexample.com", "example.com.evil"]),
        ("*.example.com:8443", ["a.example.com:8443"], ["a.example.com"]),
        ("*", ["anything", "10.1.2.3:4", "[::1]"], []),
        ("fd00::5", ["[fd00::5]", "[FD00:0::5]:8484"], ["[fd00::6]"]),
        ("[fd00::5]:8484", ["[fd00::5]:8484"], ["[fd00::5]"]),
        ("10.0.0.7", ["10.0.0.7:1", "[::ffff:10.0.0.7]"], ["10.0.0.70"]),
        ("*.0.0.7x", [], ["10.0.0.7"]),
        ("bücher.example", ["xn--bcher-kva.example"], ["bucher.example"]),
        ("host.docker.internal", ["host.docker.internal:8484"], ["docker.internal"]),
    ],
)
def test_entries_mean_hosts(entry: str, good: list[str], bad: list[str]):
    """An entry means what it says, at any port or at its own."""
    rule = parse_rule(entry)
    for text, matches in [*((text, True) for text in good), *((text, False) for text in bad)]:
        host = parse_host(text)
        assert host is not None
        assert rule.matches(host, "http") is matches, text


def test_a_port_that_is_not_said_is_that_of_the_scheme():
    """`films.lan:443` means https://films.lan, which names no port."""
    assert parse_rule("films.lan:443").matches(Host("films.lan"), "https")
    assert not parse_rule("films.lan:443").matches(Host("films.lan"), "http")


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        ("https://video.example.com", 'write "video.example.com"'),
        ("http://filmgate:8484/", 'write "filmgate:8484"'),
        ("video.example.com/films", 'write "video.example.com"'),
        ("me@films.lan", 'write "films.lan"'),
        ("films.lan:99999", '"*.example.com"'),
        ("fi*ms.lan", '"*.example.com"'),
        ("*.10.0.0.7", '"*.example.com"'),
        ("**", '"*.example.com"'),
        (".example.com", '"*.example.com"'),
        ("[fd00::5", '"[fd00::5]"'),
        ("two words", '"*.example.com"'),
    ],
)
def test_entries_that_could_never_match(entry: str, advice: str):
    """An entry that no Host can be is an error, which has the right form."""
    with pytest.raises(ValueError, match="can never be the Host of a request") as caught:
        parse_rule(entry)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://video.example.com", "https://video.example.com"),
        ("HTTPS://Video.Example.com/", "https://video.example.com"),
        ("https://example.com/Video/", "https://example.com/Video"),
        ("http://[FD00::5]:8484/a/b", "http://[fd00::5]:8484/a/b"),
        ("https://bücher.example/vid%C3%A9o", "https://xn--bcher-kva.example/vid%C3%A9o"),
    ],
)
def test_base_addresses(text: str, address: str):
    """A base address has one spelling; the case of its path is kept."""
    assert parse_base_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "video.example.com",
        "ftp://a",
        "https://",
        "https://a?b",
        "https://a#b",
        "https://u:p@a",
        "https://a//b",
        "https://a/../b",
        "https://a/%2e%2e/b",
        "https://a/b c",
        "https://a/é",
        "https://a:99999",
        "https://[a",
    ],
)
def test_what_is_no_base_address(text: str):
    """Links could not begin with it, or clients would change it on the way."""
    with pytest.raises(ValueError, match=r".+"):
        parse_base_address(text)
