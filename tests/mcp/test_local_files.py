"""Local files through `filmgate mcp`: which may be read, and that nothing else can be."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from PIL import Image

from filmgate.adapters.cli.mcp import folders, local_files
from filmgate.adapters.cli.mcp.folders import read_inside
from filmgate.adapters.cli.mcp.roots import path_of
from filmgate.adapters.mcp import arguments
from filmgate.client.errors import InvalidInput
from tests.support.service import RunningService

from .agents import Piped, agent, piped, pointed_at, request, tool
from .callers import message

FROM_IMAGE = "luma_generate_video_from_image"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with a picture, beside one that is nobody's business."""
    for name in ("album/inner", "secret", "album-of-others"):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (640, 360), "teal").save(tmp_path / name / "a b.png")
    Image.new("RGB", (640, 360), "teal").save(tmp_path / "album" / "a b.png")
    return tmp_path / "album"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the command's standard error goes."""
    return tmp_path / "mcp.log"


def start(bridge: Piped, number: int, picture: str, tool_name: str = FROM_IMAGE) -> dict[str, Any]:
    """Ask for a video that starts from a picture, and give the next message."""
    bridge.write(tool(number, tool_name, prompt="x", start_image_url=picture, duration=1))
    return bridge.read()


def refused(answer: dict[str, Any]) -> str:
    """Return the sentence of a tool's refusal, which names the argument."""
    assert answer["result"]["isError"] is True, answer
    error = json.loads(answer["result"]["content"][0]["text"])["error"]
    assert error["field"] == "start_image_url", error
    assert error["message"].startswith("start_image_url: "), error
    return str(error["message"])


def made(answer: dict[str, Any]) -> str:
    """Return the id of the task that was started."""
    assert answer["result"]["isError"] is False, answer
    return str(answer["result"]["structuredContent"]["task_id"])


def test_a_picture_of_an_allowed_folder_is_used(service: RunningService, album: Path, log: Path):
    """However its path is written, it reaches the service, which makes the video from it."""
    with piped(pointed_at(service, HOME=str(album)), log, "--allow-folder", str(album)) as bridge:
        spelled = [str(album / "a b.png"), (album / "a b.png").as_uri(), "~/a b.png", f"{album}/inner/../a b.png"]
        spelled += [f"file://localhost{album}/a%20b.png", str(album / "inner" / "a b.png")]
        for number, picture in enumerate(spelled, 1):
            task_id = made(start(bridge, number, picture))
            bridge.write(tool(100 + number, "luma_wait_task", task_id=task_id))
            assert bridge.read()["result"]["structuredContent"]["state"] == "completed"


def test_what_lies_elsewhere_is_not_read(service: RunningService, album: Path, log: Path):
    """Paths out of the folder, by dots, links or a similar name, are refused by a sentence that says how to allow."""
    secret = album.parent / "secret" / "a b.png"
    (album / "link.png").symlink_to(secret)
    (album / "linked").symlink_to(secret.parent)
    with piped(pointed_at(service), log, "--allow-folder", str(album)) as bridge:
        outside = [str(secret), secret.as_uri(), f"{album}/../secret/a b.png", f"{album}/link.png"]
        outside += [f"{album}/linked/a b.png", f"{album}-of-others/a b.png", "/dev/zero", "/etc/passwd", "~/a b.png"]
        for number, picture in enumerate(outside, 1):
            said = refused(start(bridge, number, picture))
            assert "lies in no folder that may be read" in said
            assert f"Allowed: {album}. " in said
            assert "--allow-folder DIR" in said
        for number, picture in enumerate(["a b.png", "./a b.png", "file://elsewhere/x.png", "/x\0y.png"], 50):
            assert "start_image_url: " in refused(start(bridge, number, picture))


def test_what_is_no_picture_is_refused(service: RunningService, album: Path, log: Path):
    """A FIFO, a folder, an empty file, one over the limit and one that is no picture are each told as what they are."""
    os.mkfifo(album / "fifo.png")
    (album / "empty.png").touch()
    (album / "text.png").write_text("no picture")
    with (album / "large.png").open("wb") as file:
        file.truncate(local_files.LIMITS["image"] + 1)
    expected = {
        "fifo.png": "is not a regular file",
        "inner": "is not a regular file",
        "empty.png": "is empty",
        "absent.png": "No such file",
        "large.png": f"at most {local_files.LIMITS['image']} can be sent",
        "text.png": "",
    }
    with piped(pointed_at(service), log, "--allow-folder", str(album)) as bridge:
        for number, (name, sentence) in enumerate(expected.items(), 1):
            assert sentence in refused(start(bridge, number, str(album / name)))


def test_without_folders_nothing_is_read(service: RunningService, album: Path, log: Path):
    """With neither an option nor roots no path can be used, and the refusal says what to do."""
    with piped(pointed_at(service), log) as bridge:
        bridge.write(request(1, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=INFO))
        bridge.read()
        assert "None is allowed yet. To allow more, start" in refused(start(bridge, 2, str(album / "a b.png")))


INFO = {"name": "test", "version": "1"}


def test_roots_that_change(service: RunningService, album: Path, log: Path):
    """Roots are asked for each time; what a client leaves out, answers with an error or makes up allows nothing."""
    picture = str(album / "a b.png")
    with piped(pointed_at(service), log) as bridge:
        bridge.write(
            request(1, "initialize", protocolVersion="2025-11-25", capabilities={"roots": {}}, clientInfo=INFO)
        )
        bridge.read()

        def answered(number: int, **answer: Any) -> dict[str, Any]:
            asked = start(bridge, number, picture)
            assert asked["method"] == "roots/list", asked
            bridge.write({"jsonrpc": "2.0", "id": asked["id"], **answer})
            return bridge.read()

        made(answered(2, result={"roots": [{"uri": album.as_uri(), "name": "album"}]}))
        bridge.write({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
        for number, roots in enumerate(
            ([], [{"uri": "https://a.example/"}], [{"uri": f"file://elsewhere{album}"}], [{"uri": 5}], [5], None), 3
        ):
            refused(answered(number, result={"roots": roots}))
        refused(answered(20, error={"code": -32601, "message": "Method not found"}))
        refused(answered(21, result=None))
        made(answered(22, result={"roots": [{"uri": album.as_uri()}]}))


@pytest.mark.filterwarnings("ignore:The roots capability is deprecated")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_roots_of_the_official_client(mode: str, service: RunningService, album: Path, log: Path):
    """In both eras of the protocol the official client's roots are asked for, and are what may be read."""
    asked = 0

    async def list_roots(context: Any) -> types.ListRootsResult:
        nonlocal asked
        asked += 1
        return types.ListRootsResult(roots=[types.Root(uri=album.as_uri())])

    async with agent(pointed_at(service), log, mode, list_roots_callback=list_roots) as client:
        sent = {"prompt": "x", "start_image_url": str(album / "a b.png"), "duration": 1}
        result = await client.call_tool(FROM_IMAGE, sent)
        assert not result.is_error, result.content
        assert asked == 1
        outside = await client.call_tool(FROM_IMAGE, sent | {"start_image_url": str(album.parent / "secret/a b.png")})
        assert outside.is_error
        assert f"Allowed: {album}" in outside.content[0].text
        asked = 0
        await client.call_tool("luma_generate_video", {"prompt": "/a/b.png"})
        assert not asked


def test_over_http_a_path_is_refused(http: httpx2.Client, album: Path):
    """The service reads no files for anybody, and says which command does."""
    for path in (str(album / "a b.png"), (album / "a b.png").as_uri(), "~/x.png", "C:\\cat.png", "x.png"):
        call = message("tools/call", {"name": FROM_IMAGE, "arguments": {"prompt": "x", "start_image_url": path}})
        result = http.post("/mcp", json=call).json()["result"]
        assert result["isError"]
        error = json.loads(result["content"][0]["text"])["error"]
        assert error["field"] == "start_image_url"
        assert "A path is read only by the command `filmgate mcp`" in error["message"]


def test_the_arguments_are_those_of_the_tools():
    """The command knows the same arguments that may be files as the service."""
    assert set(local_files.ARGUMENTS) == arguments.FILES


def test_a_folder_that_is_none_is_refused(service: RunningService, log: Path):
    """A mistyped --allow-folder ends the command at once, rather than allow nothing."""
    with piped(pointed_at(service), log, "--allow-folder", str(log.parent / "absent")) as bridge:
        assert bridge.process.wait(30) == 2
    assert "is not a folder" in log.read_text()


@contextlib.contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Any) -> Iterator[None]:
    """Make a change between the look at a file and its opening."""
    look = os.stat

    def looked(*given: Any, **options: Any) -> os.stat_result:
        found = look(*given, **options)
        if "dir_fd" in options:
            change()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(folders.os, "stat", looked)
        yield


def test_a_file_swapped_after_the_look(album: Path, monkeypatch: pytest.MonkeyPatch):
    """One that becomes a link, a FIFO or a device's name before it is opened is not read."""
    picture, secret = album / "a b.png", album.parent / "secret" / "a b.png"

    def to_link() -> None:
        picture.unlink()
        picture.symlink_to(secret)

    def to_fifo() -> None:
        picture.unlink()
        os.mkfifo(picture)

    for change, sentence in ((to_link, "exchanged"), (to_fifo, "not a regular file")):
        with meanwhile(monkeypatch, change), pytest.raises(InvalidInput, match=sentence):
            read_inside(str(picture), 10**9)
        picture.unlink()
        Image.new("RGB", (64, 36)).save(picture)


def test_a_folder_swapped_for_a_link(album: Path):
    """A folder on the way that became a link since the path was resolved is not followed."""
    real = os.path.realpath(album / "inner" / "a b.png")
    (album / "inner").rename(album / "old")
    (album / "inner").symlink_to(album.parent / "secret")
    with pytest.raises(InvalidInput, match="exchanged"):
        read_inside(real, 10**9)


def test_a_file_that_grows(album: Path, monkeypatch: pytest.MonkeyPatch):
    """What is written to while it is read is refused, and no more than the limit is ever read."""
    growing = album / "growing.png"
    growing.write_bytes(b"x" * 1000)
    measure, first = os.fstat, threading.Event()

    def measured(descriptor: int) -> os.stat_result:
        found = measure(descriptor)
        if not first.is_set():
            first.set()
            with growing.open("ab") as file:
                file.write(b"y" * 5000)
        return found

    monkeypatch.setattr(folders.os, "fstat", measured)
    with pytest.raises(InvalidInput, match="changes while it is read"):
        read_inside(str(growing), 2000)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b/c", "/a b/c"),
        ("FILE:///a", "/a"),
        ("file://localhost/a", "/a"),
        ("file://elsewhere/a", None),
        ("https://a.example/a", None),
        ("file:///a%00b", None),
        ("file://[/a", None),
    ],
)
def test_file_addresses(uri: str, path: str | None):
    """Only an address of a file on this machine has a path."""
    assert path_of(uri) == path


def test_a_wrong_key_is_still_told(service: RunningService, album: Path, log: Path):
    """Where the service refuses the key, the upload says so as every other call does."""
    with piped(pointed_at(service, FILMGATE_API_KEY="nonsense"), log, "--allow-folder", str(album)) as bridge:
        answer = start(bridge, 1, str(album / "a b.png"))
    assert "API key" in answer["error"]["message"]
