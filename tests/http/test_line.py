"""What a line sends, what it gives back, and where its key goes."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from tests.http.lines import KEY, Open, failure
from tests.http.sites import FORBIDDEN, says, site

from filmgate import __version__
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.domain.errors import InvalidRequest
from filmgate.ports.transport import FormPart, Reply

_HOME = "127.0.0.1"


async def test_request_and_answer(line: Open):
    """A request has its query, its JSON and the key; the answer is given as it came."""
    async with site(says(b'{"ok":1}', status="418 Teapot", X_Request_Id="7"), _HOME) as place:
        reply = await line(place.url("/v1/")).call(
            "POST", "/generations?a=1", query={"limit": 2, "tag": "ä&b"}, json={"x": None}, headers={"X-Key": "k"}
        )
    assert (reply.status, reply.body, reply.headers["x-request-id"]) == (418, b'{"ok":1}', "7")
    [(head, headers, body)] = place.requests
    assert head == "POST /v1/generations?a=1&limit=2&tag=%C3%A4%26b HTTP/1.1"
    assert (headers["authorization"], headers["x-key"]) == ("Bearer top-secret-key", "k")
    assert (headers["content-type"], body) == ("application/json", b'{"x":null}')
    assert (headers["host"], headers["user-agent"]) == (f"{_HOME}:{place.port}", f"filmgate/{__version__}")
    assert headers["accept-encoding"] == "identity"


async def test_form(line: Open, tmp_path: Path):
    """A form has its fields in order, and files with name and type."""
    (tmp_path / "start.png").write_bytes(b"\x89PNG\r\n--data")
    parts = [
        FormPart("prompt", "a cät"),
        FormPart("image", tmp_path / "start.png", "image/png"),
        FormPart("size", "720x1280"),
    ]
    async with site(says(b"{}"), _HOME) as place:
        await line(place.url("/v1")).call("POST", "videos", form=parts)
    [(head, headers, body)] = place.requests
    boundary = headers["content-type"].removeprefix("multipart/form-data; boundary=").encode()
    assert head == "POST /v1/videos HTTP/1.1"
    prompt, image, size = (piece.removesuffix(b"\r\n") for piece in body.split(b"--" + boundary)[1:-1])
    assert prompt == '\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na cät'.encode()
    assert b'name="image"; filename="start.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--data' in image
    assert size.endswith(b'name="size"\r\n\r\n720x1280')


async def test_requests_share_connections_unless_fresh(line: Open):
    """Queries share a connection; what may change something gets its own, unless it is said to only ask."""
    async with site(says(b"{}"), _HOME) as place:
        one = line(place.url())
        for method, fresh, connections in (
            ("GET", None, 1),
            ("GET", None, 1),
            ("POST", None, 2),
            ("DELETE", None, 3),
            ("POST", False, 3),
            ("GET", None, 3),
            ("GET", True, 4),
        ):
            await one.call(method, "/", fresh=fresh)
            assert place.connections == connections


async def test_redirects_cookies_and_environment(line: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A redirect is an answer like others, no cookie comes back, and proxies of the environment play no part."""
    (tmp_path / "netrc").write_text(f"machine {_HOME} login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with site(says(b"proxy"), FORBIDDEN) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        async with site(says(b"", status="302 Found", location="/elsewhere", set_cookie="a=b"), _HOME) as place:
            one = line(place.url())
            assert [(await one.call("GET", "/")).status for _ in range(2)] == [302, 302]
    assert [head for head, *_ in place.requests] == ["GET / HTTP/1.1"] * 2
    assert not any("cookie" in headers for _, headers, _ in place.requests)
    assert proxy.connections == 0


async def test_key_is_nowhere_to_be_seen(line: Open, caplog: pytest.LogCaptureFixture):
    """Neither logs of any level nor the line's own description contain the key."""
    with caplog.at_level(logging.DEBUG):
        async with site(says(b"{}"), _HOME) as place:
            one = line(place.url())
            await one.call("POST", "/", json={})
        await failure(one)
    assert caplog.records
    assert "top-secret" not in caplog.text + repr(one) + str(one)


async def test_several_at_once(line: Open):
    """Requests do not wait for one another."""
    together = asyncio.Barrier(5)

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        await says(path.encode())(path, headers, body, writer)

    async with site(answer, _HOME) as place:
        one = line(place.url())
        replies: list[Reply] = await asyncio.gather(*(one.call("GET", f"/{number}") for number in range(5)))
    assert [reply.body for reply in replies] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


async def test_closed_line_opens_again(line: Open):
    """Closing twice or before use does no harm."""
    async with site(says(b"{}"), _HOME) as place:
        one = line(place.url())
        await one.close()
        assert (await one.call("GET", "/")).status == 200
        await one.close()
        await one.close()


@pytest.mark.parametrize(
    ("base", "link", "address", "ours"),
    [
        ("http://a.example/v1", "/videos/x/content", "http://a.example/v1/videos/x/content", True),
        ("http://a.example/v1/", "videos/x/content?v=1", "http://a.example/v1/videos/x/content?v=1", True),
        ("http://a.example/v1", "/v1/videos/x", "http://a.example/v1/videos/x", True),
        ("http://a.example", "/videos/x", "http://a.example/videos/x", True),
        ("http://a.example/v1", "http://a.example/media/x.mp4", "http://a.example/media/x.mp4", True),
        ("http://a.example/v1", "http://A.Example:80/x.mp4", "http://A.Example:80/x.mp4", True),
        ("http://a.example/v1", "https://a.example/x.mp4", "https://a.example/x.mp4", False),
        ("http://a.example/v1", "http://a.example:81/x.mp4", "http://a.example:81/x.mp4", False),
        ("http://a.example/v1", "https://cdn.example/x.mp4", "https://cdn.example/x.mp4", False),
        ("http://a.example/v1", "http://a.example@evil.example/", "http://a.example@evil.example/", False),
        ("http://a.example/v1", "http://a.example.evil/x", "http://a.example.evil/x", False),
        ("http://a.example/v1", "//evil.example/x", "http://evil.example/x", False),
        ("http://a.example/v1", "file:///etc/passwd", "file:///etc/passwd", False),
        ("http://a.example/v1", "http://[", "http://[", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/media/x", "http://127.0.0.1:9000/media/x", True),
    ],
)
def test_address(base: str, link: str, address: str, ours: bool):
    """Links become full addresses, and the key goes along to the origin of the base address only."""
    one = HttpProviderClient(base, KEY)
    assert one.base == base.rstrip("/")
    assert one.address(link) == (address, {"authorization": "Bearer top-secret-key"} if ours else {})


@pytest.mark.parametrize(
    "base", ["", "ftp://a.example", "http://u:secret@a.example", "http://a.example?x=1", "http://a.example/#f"]
)
def test_unusable_base(base: str):
    """A base address is an http address without user, query and fragment."""
    with pytest.raises(InvalidRequest) as caught:
        HttpProviderClient(base, KEY)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("headers", [{"authorization": "Bearer secret\n"}, {"authorization": ""}, {"a b": "secret"}])
def test_unusable_key(headers: dict[str, str]):
    """A key that cannot be a header is refused at once, and not shown."""
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        HttpProviderClient("http://a.example", headers)
    assert "secret" not in str(caught.value)


def test_start_is_not_slowed_down():
    """The HTTP library is loaded with the first request, not with the line."""
    code = "import sys\nfrom filmgate.adapters.outbound.provider_client import HttpProviderClient\n"
    code += "HttpProviderClient('http://a.example', {})\n"
    code += "sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
