"""`luma_save_result` of `filmgate mcp`: a result becomes a new file in the folder that the user named, and no other."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.cli.mcp import folders
from filmgate.adapters.cli.mcp.folders import NewFile, safe_name
from filmgate.adapters.cli.mcp.jsonrpc import Message
from filmgate.adapters.cli.mcp.save_tool import NAME, SaveTool
from filmgate.client.errors import DownloadFailed
from filmgate.client.results import Task, Video
from tests.support.clips import play
from tests.support.service import RunningService

from .agents import Piped, agent, piped, pointed_at, tool
from .callers import UNKNOWN

SIZE = 3000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the command's standard error goes."""
    return tmp_path / "mcp.log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder to save in."""
    made = tmp_path / "saved"
    made.mkdir()
    return made


def finished(bridge: Piped) -> str:
    """Make a video and give the id of its task."""
    bridge.write(tool(90, "luma_generate_video", prompt="x", duration=1))
    task_id = bridge.read()["result"]["structuredContent"]["task_id"]
    bridge.write(tool(91, "luma_wait_task", task_id=task_id))
    assert bridge.read()["result"]["structuredContent"]["state"] == "completed"
    return str(task_id)


def called(bridge: Piped, **arguments: Any) -> tuple[dict[str, Any] | None, str]:
    """Call the tool, and give its structured content and its text."""
    bridge.write(tool(1, NAME, **arguments))
    result = bridge.read()["result"]
    return result.get("structuredContent"), result["content"][0]["text"]


def test_a_result_becomes_a_file(service: RunningService, folder: Path, log: Path):
    """It plays, is told with its path and size, and a second one of its name gets a number."""
    with piped(pointed_at(service), log, "--save-folder", str(folder)) as bridge:
        task_id = finished(bridge)
        saved, _ = called(bridge, task_id=task_id)
        assert saved is not None
        assert saved["path"] == f"{folder}/{task_id}.mp4"
        data = Path(saved["path"]).read_bytes()
        assert len(data) == saved["bytes"]
        assert play(data).frames == 25
        (folder / "boat.mp4").write_text("mine")
        for name, expected in (("boat", "boat (2).mp4"), ("boat.mp4", "boat (3).mp4"), (f"{folder}/a.MP4", "a.mp4")):
            saved, text = called(bridge, task_id=task_id, filename=name)
            assert saved is not None, text
            assert saved["path"] == f"{folder}/{expected}"
        assert (folder / "boat.mp4").read_text() == "mine"
        assert not [path for path in folder.iterdir() if path.suffix == ".part"]


def test_nothing_is_saved_elsewhere(service: RunningService, folder: Path, log: Path):
    """Paths to other folders, unknown tasks and arguments, and a pending task are refused, and leave nothing."""
    with piped(pointed_at(service), log, "--save-folder", str(folder)) as bridge:
        task_id = finished(bridge)
        for name in ("../x.mp4", "/tmp/x.mp4", "inner/x.mp4", "..\\x.mp4", f"{folder}/../x.mp4", f"{folder}-2/x.mp4"):
            saved, text = called(bridge, task_id=task_id, filename=name)
            assert saved is None
            assert json.loads(text)["error"]["field"] == "filename"
            assert f"files are saved in {folder} only" in text
        bridge.write(tool(92, "luma_generate_video", prompt="[hang]"))
        pending = bridge.read()["result"]["structuredContent"]["task_id"]
        for arguments, sentence in (
            ({"task_id": UNKNOWN}, "not_found"),
            ({"task_id": pending}, "Call luma_wait_task first"),
            ({"task_id": task_id, "path": "x"}, "path is no parameter"),
            ({"filename": "x"}, "task_id is required"),
        ):
            saved, text = called(bridge, **arguments)
            assert saved is None
            assert sentence in text
        bridge.write(tool(93, "luma_delete_task", task_id=pending))
        bridge.read()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_it_is_listed_where_it_works(mode: str, service: RunningService, folder: Path, log: Path):
    """Without the option there is no such tool, neither in the list nor to call."""
    async with agent(pointed_at(service), log, mode) as client:
        assert NAME not in {each.name for each in (await client.list_tools()).tools}


def test_it_is_listed_with_the_option(service: RunningService, folder: Path, log: Path):
    """With the option it is the last of the tools, and says which folder it is."""
    with piped(pointed_at(service), log, "--save-folder", str(folder)) as bridge:
        tools = bridge.ask(1, "tools/list")["result"]["tools"]
    assert tools[-1]["name"] == NAME
    assert str(folder) in tools[-1]["description"]
    assert len({each["name"] for each in tools}) == len(tools) >= 14
    with piped(pointed_at(service), log) as bridge:
        assert "Unknown tool" in bridge.ask(1, "tools/call", name=NAME, arguments={})["error"]["message"]


@pytest.mark.parametrize(("sent", "sentence"), [(SIZE + 1, "more than"), (SIZE - 1, "should have")])
async def test_a_file_of_another_size_is_not_kept(sent: int, sentence: str, folder: Path):
    """No more is written than the service told of, and nothing that was cut off gets a name."""

    async def get(task_id: str) -> Task:
        return Task(id=task_id, state="completed", video=Video(url="http://x/v.mp4", width=1, height=1, bytes=SIZE))

    async def fetch(url: str) -> AsyncIterator[bytes]:
        yield b"x" * (sent // 2)
        yield b"x" * (sent - sent // 2)

    saving = SaveTool(str(folder), get, fetch)  # type: ignore[arg-type]
    with pytest.raises(DownloadFailed, match=sentence):
        await saving.call(Message(1, "tools/call", {"arguments": {"task_id": "x"}}))
    assert [entry.name for entry in os.scandir(folder)] == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("boat", "boat.mp4"),
        (".bashrc", "bashrc.mp4"),
        ("a$(b);c", "a_(b)_c.mp4"),
        ("...", "result.mp4"),
        ("a\nb", "a_b.mp4"),
        ("ü" * 300, "ü" * 75 + ".mp4"),
        ("x.sh", "x.sh.mp4"),
    ],
)
def test_names(name: str, safe: str):
    """A name is short, shown by every program, and of the file's own kind."""
    assert safe_name(name, ".mp4") == safe


def test_without_hard_links(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the file system has none, a name that is taken is still not overwritten."""

    def refused(*given: Any, **options: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(folders.os, "link", refused)
    (folder / "a.mp4").write_text("mine")
    with NewFile(str(folder)) as new:
        new.write(b"theirs")
        assert new.finish("a.mp4") == f"{folder}/a (2).mp4"
    assert (folder / "a.mp4").read_text() == "mine"
    assert (folder / "a (2).mp4").read_text() == "theirs"
    assert len(list(folder.iterdir())) == 2


def test_a_link_of_that_name_is_not_followed(folder: Path):
    """A symbolic link in the folder is a name that is taken, wherever it leads."""
    (folder / "a.mp4").symlink_to(folder.parent / "elsewhere.mp4")
    with NewFile(str(folder)) as new:
        new.write(b"x")
        assert new.finish("a.mp4") == f"{folder}/a (2).mp4"
    assert not (folder.parent / "elsewhere.mp4").exists()
