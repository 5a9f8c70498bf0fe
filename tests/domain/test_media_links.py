"""The links of stored files."""

from __future__ import annotations

from filmgate.domain.media import MEDIA_PATH, Facts, Media, Role, find_media_name, media_path

TOKEN = "AbCdEfGhIjKlMnOpQrSt_-"


def test_the_path_of_a_file_is_written_and_read_alike():
    """A file's own path is that of its token and name, and the pattern finds the token in it."""
    media = Media(TOKEN, Role.VIDEO, "video.mp4", "key", 1, "etag", Facts("video/mp4", 2, 2))
    assert media.path == media_path(TOKEN, "video.mp4")
    found = MEDIA_PATH.fullmatch(media.path)
    assert found is not None
    assert found[1] == TOKEN


def test_a_name_is_found_in_a_text():
    """The name is that of the link with this token; another token, or a text without links, has none."""
    text = b'{"a":"http://x' + media_path("B" * 22, "b.png").encode() + b'","c":"' + media_path(TOKEN, "c.png").encode()
    assert find_media_name(TOKEN, text + b'"}') == "c.png"
    assert find_media_name("C" * 22, text) is None
    assert find_media_name(TOKEN, b"") is None
