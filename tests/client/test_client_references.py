"""What a clip may start from and end at."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from filmgate.client import InvalidInput, Source, Task
from filmgate.client.references import MAX_FILE, reference

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("https://example.com/a.png", {"image": "https://example.com/a.png"}),
        ("HTTP://example.com/a.png", {"image": "HTTP://example.com/a.png"}),
        ("data:image/png;base64,AA==", {"image": "data:image/png;base64,AA=="}),
        ("data:video/mp4;base64,AA==", {"video": "data:video/mp4;base64,AA=="}),
        (Task(id="t1", state="completed"), {"task": "t1"}),
        ({"video": "https://example.com/a.mp4"}, {"video": "https://example.com/a.mp4"}),
        ({"task": "t2"}, {"task": "t2"}),
    ],
)
def test_sources(source: Source, written: dict[str, str]) -> None:
    """Addresses, data URIs, tasks and explicit kinds are written as the service reads them."""
    assert reference(source, "start") == written


@pytest.mark.parametrize("source", ["a.png", "", "/tmp/a.png", {}, {"file": "a"}, {"image": "a", "video": "b"}])
def test_other_sources_are_refused(source: Source) -> None:
    """What is neither is refused by the name of the option."""
    with pytest.raises(InvalidInput, match=r"^start must") as caught:
        reference(source, "start")
    assert caught.value.field == "start"


def test_file_becomes_a_data_uri(tmp_path: Path) -> None:
    """A local picture travels inside the request."""
    path = tmp_path / "pixel.png"
    path.write_bytes(PIXEL)
    kind, _, data = reference(path, "start")["image"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PIXEL


def test_file_must_be_there_and_fit(tmp_path: Path) -> None:
    """A missing, empty or oversized file is refused before anything is sent, with its name and the reason."""
    with pytest.raises(InvalidInput, match=r"there is no file .*missing\.png"):
        reference(tmp_path / "missing.png", "start")
    with pytest.raises(InvalidInput, match="there is no file"):
        reference(tmp_path, "start")
    (tmp_path / "empty.png").touch()
    with pytest.raises(InvalidInput, match=r"empty\.png is empty"):
        reference(tmp_path / "empty.png", "start")
    (tmp_path / "big.png").touch()
    os.truncate(tmp_path / "big.png", MAX_FILE + 1)
    with pytest.raises(InvalidInput, match=r"big\.png has 21\.0 MB; a picture may have 21\.0 MB"):
        reference(tmp_path / "big.png", "start")
