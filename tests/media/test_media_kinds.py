"""What was served in place of a picture or video is named, whatever type it says it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.decode.kinds import PICTURES
from filmgate.domain.errors import InvalidMedia

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = ["web page", "drive.google.com/uc?export=download", "raw=1 in place of dl=0"]
SERVED: dict[str, tuple[bytes, list[str]]] = {
    "page": (b"<!DOCTYPE html><html><title>Photo</title></html>", PAGE),
    "page behind white space and a mark": (b"\xef\xbb\xbf\r\n <HTML><body>", PAGE),
    "page behind a comment": (b"<!-- made by hand --><html>", PAGE),
    "XHTML": (b'<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml">', PAGE),
    "expired link of S3": (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>',
        ["message of a server (XML)", "the link has expired"],
    ),
    "error in JSON": (b'{"error": {"code": 404}}', ["message of a server (JSON)"]),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', ["SVG drawing", "Export it as PNG"]),
    "text": (b"Not found", ["not a", "allowed are"]),
}


@pytest.mark.parametrize("name", SERVED)
async def test_what_was_served(shared_tools: SandboxedTools, box: Path, name: str):
    """A page is called one, with what to do of links of Drive and Dropbox; so are messages of servers and drawings."""
    data, words = SERVED[name]
    (box / "served").write_bytes(data)
    for read in (
        shared_tools.normalise_image(box / "served", box / "out.png"),
        shared_tools.accept_image(box / "served", box / "out.png"),
        shared_tools.normalise_video(box / "served", box / "out.mp4"),
        shared_tools.accept_video(box / "served", box / "out.mp4"),
    ):
        with pytest.raises(InvalidMedia) as refused:
            await read
        assert all(word in refused.value.message for word in words), refused.value.message
    assert "HEIC" in PICTURES
