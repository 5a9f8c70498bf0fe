"""Where the client looks for the service and its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.client import InvalidInput
from filmgate.client.target import Target, find


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FILMGATE_URL", "FILMGATE_API_KEY", "FILMGATE_ADMIN_KEY", "FILMGATE_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_default_is_the_service_on_this_machine() -> None:
    """Without anything said it is the default port of this machine, without a key."""
    assert find() == Target("http://127.0.0.1:8484", None, local=True)


def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given to the client is used, whatever the environment says."""
    monkeypatch.setenv("FILMGATE_URL", "http://elsewhere:1")
    monkeypatch.setenv("FILMGATE_API_KEY", "other")
    assert find("https://video.example.com/", "mine") == Target("https://video.example.com", "mine", local=False)
    assert find() == Target("http://elsewhere:1", "other", local=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "http://127.8.8.8"])
def test_first_key_is_used_on_this_machine(url: str, tmp_path: Path) -> None:
    """The key that the service wrote into the data folder is good for a service on this machine."""
    (tmp_path / "filmgate-data").mkdir()
    (tmp_path / "filmgate-data" / "first-key").write_text("fg_first\n")
    assert find(url) == Target(url, "fg_first", local=True, data=Path("filmgate-data"))


def test_admin_key_of_the_environment_is_for_the_service_of_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the service with an admin key need not name it again, but it goes to that service only."""
    monkeypatch.setenv("FILMGATE_ADMIN_KEY", "an admin key of words\n")
    assert find() == Target("http://127.0.0.1:8484", "an admin key of words", local=True, data=Path("filmgate-data"))
    assert find("http://192.0.2.1:8484").key is None
    assert find("https://127.0.0.1:8484").key is None
    assert find(key="mine") == Target("http://127.0.0.1:8484", "mine", local=True)


def test_first_key_is_not_sent_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service on another machine does not get this machine's key."""
    (tmp_path / "first-key").write_text("fg_first")
    monkeypatch.setenv("FILMGATE_DATA", str(tmp_path))
    assert find("http://192.0.2.1:8484").key is None
    assert find("http://127.0.0.1:8484").key == "fg_first"


def test_unreadable_first_key_is_no_key(tmp_path: Path) -> None:
    """A first key that cannot be read is as good as none."""
    (tmp_path / "filmgate-data" / "first-key").mkdir(parents=True)
    assert find().key is None


@pytest.mark.parametrize(
    ("url", "meant", "local"),
    [
        ("http://BÜCHER.example:8484/video/", "http://xn--bcher-kva.example:8484/video", False),
        ("https://straße.example", "https://xn--strae-oqa.example", False),
        ("http://ｌｏｃａｌｈｏｓｔ:8484", "http://localhost:8484", True),
        ("http://①②⑦.0.0.1:8484", "http://127.0.0.1:8484", True),
        ("http://LOCALHOST:8484", "http://LOCALHOST:8484", True),
        ("http://a_b.example", "http://a_b.example", False),
    ],
)
def test_international_names(url: str, meant: str, local: bool):
    """A service is found under an international name, as browsers write it (UTS 46)."""
    assert find(url, "mine") == Target(meant, "mine", local=local)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8484", "ftp://host", "http://", "http://[", "http://host:99999", "http://a..b", "nonsense"]
)
def test_address_must_be_one(url: str) -> None:
    """What is not the address of a service is refused with a sentence."""
    with pytest.raises(InvalidInput, match="not the address of a service"):
        find(url)


def test_key_with_a_line_break_is_refused() -> None:
    """A key that would break the request apart is not sent."""
    with pytest.raises(InvalidInput, match="characters"):
        find(key="fg_a\r\nX-Other: b")
