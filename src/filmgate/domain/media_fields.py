"""Which fields of a request hold a picture or clip, by their names and by their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from filmgate.domain.errors import InvalidRequest

START_NAMES: Final = (
    *("image", "image_url", "image_uri", "img", "img_url", "picture", "picture_url", "photo", "photo_url"),
    *("start_image", "start_image_url", "start_frame", "start_frame_url", "start_frame_image", "image_start"),
    *("image_start_url", "first_frame", "first_frame_url", "first_frame_image", "first_frame_image_url"),
    *("first_image", "first_image_url", "init_image", "init_image_url", "initial_image", "initial_image_url"),
    *("input_image", "input_image_url", "image_input", "input_reference", "prompt_image", "frame0", "frame_0"),
    *("image_base64", "image_b64", "image_data", "start_image_base64", "first_frame_base64"),
    *("first_frame_image_base64", "start_keyframe", "first_keyframe"),
)
"""Names of the picture that a clip starts from."""

END_NAMES: Final = (
    *("end_image", "end_image_url", "end_frame", "end_frame_url", "end_frame_image", "image_end", "image_end_url"),
    *("last_frame", "last_frame_url", "last_frame_image", "last_frame_image_url", "last_image", "last_image_url"),
    *("tail_image", "tail_image_url", "image_tail", "image_tail_url", "final_frame", "final_frame_url"),
    *("final_image", "final_image_url", "frame1", "frame_1", "end_image_base64", "last_frame_base64"),
    *("last_frame_image_base64", "end_keyframe", "last_keyframe"),
)
"""Names of the picture that a clip ends at."""

LIST_NAMES: Final = (
    *("images", "image_urls", "image_uris", "image_list", "imgs", "img_urls", "pictures", "picture_urls", "photos"),
    *("input_images", "input_image_urls", "input_references", "frames", "frame_images", "frame_urls", "keyframes"),
)
"""Names of the first and the last frame, in this order."""

VIDEO_NAMES: Final = (
    *("video", "video_url", "video_uri", "input_video", "input_video_url", "source_video", "source_video_url"),
    *("init_video", "video_input", "video_file", "video_base64", "clip", "clip_url", "prompt_video"),
)
"""Names of the clip that is worked on."""

MAX_VALUES: Final = 10_000
"""Values within the unknown fields of a request that are looked through, at most."""

MAX_NAME: Final = 100
_STRONG: Final = re.compile(
    r"image|img|picture|photo|video|key_?frame|mask|(?:first|last|start|end|final|tail|head|init)_?frame"
    r"|^frames?_?\d*$|frame_?ur[il]"
)
"""What the name of a picture or clip has in it."""

_WEAK: Final = re.compile(
    r"source|reference|(?:^|_)refs?(?:_|$)|file|media|clip|input|frame|asset|attachment|upload|poster"
)
"""What it may have in it; with these the value decides."""

_ABOUT: Final = re.compile(
    r"(?:size|count|num(?:ber)?|rate|length|duration|seconds?|quality|format|type|mode|strength|weight|fidelity|ratio"
    r"|width|height|fps|style|resolution|model|prompt|config|options|codec|bitrate|detail|index(?:es)?|position"
    r"|description|name|scale|guidance|influence|role|orientation|speed|title|caption|preset|category|effect|safety"
    r"|tolerance|filter|moderation|enhance|enhancement|method|language|version)s?$"
)
"""How names end that say something about a picture or clip and do not hold one."""

_ADDRESS: Final = re.compile(
    r"\s*https?://[^?#]*\.(?:png|jpe?g|gif|webp|bmp|tiff?|hei[cf]|avif|jxl|svg|mp4|m4v|mov|webm|mkv|avi|mpe?g|m3u8?)"
    r"\s*(?:[?#]|$)",
    re.IGNORECASE,
)
_BARE: Final = re.compile(r"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR)[A-Za-z0-9+/_-]{40}")
_DATA_URI: Final = re.compile(r"\s*data:(?:(?:image|video)/|[^,\s]{0,200},|[^,]{0,200};\s*base64,)", re.IGNORECASE)
_REMOTE: Final = re.compile(r"\s*(?:https?|blob|file|s3|gs|ftp):", re.IGNORECASE)
PLAIN: Final = re.compile(r"\s*(?:[-+.\d]+[sp]?|true|false|yes|no|on|off|null|none|auto|default)\s*", re.IGNORECASE)
_ID: Final = re.compile(
    r"(?:file|img|image|video|media|asset)[-_]\w+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE
)
_OF_AN_ID: Final = re.compile(r"(?:^|_)ids?$")
_LONG: Final = 100
_BOUNDARY_OF_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def find_media(fields: Iterable[tuple[str, Any]]) -> str | None:
    """Return the path of the first picture or clip in fields, given by their paths; None if there is none.

    Raises InvalidRequest for more values than are looked through.
    """
    left = MAX_VALUES
    for path, value in fields:
        for place, holds in _walk(path, value):
            left -= 1
            field = place[:MAX_NAME]
            if left < 0:
                raise InvalidRequest(f"{field}: unknown fields can have {MAX_VALUES} values at most", field=field)
            if holds:
                return field
    return None


def is_media_name(name: str) -> bool:
    """Return whether a name is that of a picture or clip."""
    words = split_words(name)
    return normalise(name) in _KNOWN or (_STRONG.search(words) is not None and _ABOUT.search(words) is None)


def is_nothing(value: Any) -> bool:
    """Return whether a value says that there is none: null, "", [] and {}, and lists of null and ""."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return all(one is None or (isinstance(one, str) and not one.strip()) for one in value)
    return value is None or value == {}


def _walk(path: str, value: Any) -> Iterator[tuple[str, bool]]:
    """Yield each value in an unknown field with its path, and whether it is a picture or clip.

    Nothing is copied: the value may be as large as a body.
    """
    above, _, last = path.rpartition(".")
    inside = _OF_AN_ID.search(last) is not None and _STRONG.search(split_words(above)) is not None
    stack: list[Iterator[tuple[str, str, Any, bool]]] = [iter([(path, last, value, inside)])]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            continue
        place, key, found, inside = step
        words = split_words(key)
        about = _ABOUT.search(words) is not None
        strong = (_STRONG.search(words) is not None or inside) and not about
        if isinstance(found, dict):
            stack.append(_keys(place, found, inside=strong or (_WEAK.search(words) is not None and not about)))
        elif isinstance(found, list):
            stack.append(_entries(place, key, found, inside=inside))
        yield place, isinstance(found, str) and _holds(found, words, strong=strong)


def _keys(place: str, found: dict[str, Any], *, inside: bool) -> Iterator[tuple[str, str, Any, bool]]:
    return ((_join_path(place, key), key, value, inside) for key, value in found.items())


def _entries(place: str, key: str, found: list[Any], *, inside: bool) -> Iterator[tuple[str, str, Any, bool]]:
    return ((f"{place}[{index}]", key, value, inside) for index, value in enumerate(found))


def _join_path(place: str, name: str) -> str:
    """Return the path of a key; what only wraps an address adds nothing."""
    return place if split_words(name) in ("url", "uri") else f"{place[:MAX_NAME]}.{name[:MAX_NAME]}"


def _holds(text: str, words: str, *, strong: bool) -> bool:
    """Return whether a text is a picture or clip, by its content or its field's name."""
    if not text.strip():
        return False
    if _DATA_URI.match(text) or _ADDRESS.match(text) or _BARE.match(text):
        return True
    if strong:
        return PLAIN.fullmatch(text) is None
    if _WEAK.search(words) is None:
        return False
    return _REMOTE.match(text) is not None or _ID.fullmatch(text) is not None or (len(text) > _LONG and " " not in text)


def split_words(name: str) -> str:
    """Return a name in lower case, with underscores between its words and without brackets."""
    return _BOUNDARY_OF_WORDS.sub("_", name[:MAX_NAME].replace("[]", "")).replace("-", "_").lower().strip("_ ")


def normalise(name: str) -> str:
    """Return a name as it is compared: without case, underscores and brackets."""
    return split_words(name).replace("_", "")


_KNOWN: Final = frozenset(map(normalise, (*START_NAMES, *END_NAMES, *LIST_NAMES, *VIDEO_NAMES)))
