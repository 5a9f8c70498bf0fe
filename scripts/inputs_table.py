"""Write `docs/reference/inputs.md`, the pictures and clips that each request takes, from the tables of the parsers.

python scripts/inputs_table.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from filmgate.adapters.dialects.acedata import requests as acedata
from filmgate.adapters.dialects.agents.requests import bodies as agents
from filmgate.adapters.dialects.dream_machine.requests import bodies as dream_machine
from filmgate.adapters.dialects.dream_machine.requests.fields import MAX_PICTURES
from filmgate.adapters.dialects.gateway import requests as gateway
from filmgate.adapters.dialects.native import requests as native
from filmgate.adapters.dialects.openai_videos import requests as openai_videos
from filmgate.adapters.dialects.serving import forms, inputs
from filmgate.domain import media_fields
from filmgate.domain.generation import ReferenceKind
from filmgate.domain.settings import Settings

PAGE = Path(__file__).parents[1] / "docs/reference/inputs.md"
MIB = 1024 * 1024
GROUPS = {
    "first": ("the first frame", media_fields.START_NAMES),
    "last": ("the last frame", media_fields.END_NAMES),
    "both": ("a list of the first and the last frame, in this order", media_fields.LIST_NAMES),
    "clip": ("a clip", media_fields.VIDEO_NAMES),
}
_DREAM_MACHINE = "/dream-machine/v1/generations"
REQUESTS = {
    ("native", "`POST /api/v1/tasks`"): native.INPUTS,
    ("gateway", "`POST /luma/generations`, `/luma/v2/generations`"): gateway.CREATE_INPUTS,
    ("gateway", "`POST /luma/generations/{id}/extend`"): gateway.EXTEND_INPUTS,
    ("AceData", "`POST /luma/videos`, `generate`"): acedata.GENERATE_INPUTS,
    ("AceData", "`POST /luma/videos`, `extend`"): acedata.EXTEND_INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}`, `…/video`"): dream_machine.VideoBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/video/modify`"): dream_machine.ModifyBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/video/reframe`"): dream_machine.ReframeVideoBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/image`"): dream_machine.ImageBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/image/reframe`"): dream_machine.ReframeImageBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/{{id}}/upscale`"): dream_machine.UpscaleBody.INPUTS,
    ("Dream Machine", f"`POST {_DREAM_MACHINE}/{{id}}/audio`"): dream_machine.AudioBody.INPUTS,
    **{("Agents", f"`POST /agents/v1/generations`, `{kind}`"): taken for kind, taken in agents.INPUTS.items()},
    ("OpenAI videos", "`POST /v1/videos`"): openai_videos.CreateBody.INPUTS,
    ("OpenAI videos", "`POST /v1/videos/edits`, `extensions`"): openai_videos.SourceBody.INPUTS,
    ("OpenAI videos", "`POST /v1/videos/{id}/remix`"): openai_videos.PromptBody.INPUTS,
}
HEAD = """# Pictures and clips in requests

Send a picture or clip under the name that your client uses:

<!-- run -->
```bash
curl -sf -H "Authorization: Bearer $FILMGATE_API_KEY" "$FILMGATE_URL/luma/generations" \\
  -d '{"user_prompt": "a boat leaves the harbour", "images": ["https://example.com/a.png", "https://example.com/b.png"]}'
```

Filmgate uses it, or refuses the request with a 400 that names the field and the fields there are. It never leaves a
picture or clip out without a word. Null, `""` and `[]` mean that you send none.

- Two pictures in one list, or two parts of one name, are the first and the last frame, in this order.
- Two names for the same frame must hold the same picture; otherwise the request is refused.
- An unknown field is taken for a picture or clip by its name or by its value: a data URI, an address that ends in
  `.png`, `.mp4` and the like, or a file in a form. Other unknown fields are [listed in the answer](changed-values.md).
- Names are compared without case, `_`, `-` and `[]`: `firstFrame` and `first_frame` are one name.

This page is written by `python scripts/inputs_table.py` from the tables that the parsers use.
"""
FORMS = """## Forms of a value

| You send | Example |
|---|---|
| an address or a data URI | `"https://example.com/a.png"`, `"data:image/png;base64,…"` |
| an object with one of them | {holders} |
| base64 with its type | {data}, with `media_type` or `mime_type` |
| a list | one, or the first and the last frame |
| a file in a form | a part with a `filename`, with the type of a picture or video, or with the bytes of one |

A form is `multipart/form-data`. Parts `image[]`, `image[0]` and `image[image_url]` are lists and objects as in JSON.
A form that ends before its closing boundary is refused. So are two parts of one name with different texts.
"""


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with --check return 1 if it is not what would be written."""
    written = render()
    if "--check" in arguments:
        return 0 if PAGE.read_text("utf-8") == written else 1
    PAGE.write_text(written, "utf-8")
    return 0


def render() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_requests(), *_names(), _forms(), *_limits()]) + "\n"


def _requests() -> Iterator[str]:
    yield "## Fields of each dialect\n\n| Dialect | Request | Field | What it is | Other names |\n|---|---|---|---|---|"
    for (dialect, request), taken in REQUESTS.items():
        first = True
        for field, role, names in _rows(taken):
            yield f"| {dialect if first else ''} | {request if first else ''} | {field} | {role} | {names} |"
            first = False
    yield ""


def _rows(taken: inputs.InputFields) -> Iterator[tuple[str, str, str]]:
    for place in taken.places:
        ways = [_code(*place.others)] if place.others else []
        group = next((name for name, (_, names) in GROUPS.items() if names == place.names), None)
        ways.append(f"[{group}](#other-names)" if group else _code(*place.names))
        if taken.lists and place == taken.places[0]:
            ways.append("[both](#other-names)")
        yield _code(place.field), place.role, ", ".join(filter(None, ways))
    for field, role in taken.further.items():
        yield _code(field), role, ""
    if not taken.places and not taken.further:
        yield "none", "a picture or clip is refused", ""


def _names() -> Iterator[str]:
    yield "## Other names\n\n| Group | What it is | Names |\n|---|---|---|"
    for group, (role, names) in GROUPS.items():
        yield f"| {group} | {role} | {_code(*names)} |"
    yield ""


def _forms() -> str:
    return FORMS.format(holders=_code(*sorted(inputs.HOLDERS)), data=_code(*sorted(inputs.DATA)))


def _limits() -> Iterator[str]:
    fields = Settings.model_fields
    yield "## Limits of inputs\n\n| Limit | Value | Setting |\n|---|---|---|"
    for kind, name in ((ReferenceKind.IMAGE, "max_image"), (ReferenceKind.VIDEO, "max_video")):
        noun = inputs.NOUNS[kind]
        yield f"| bytes of a {noun} | {fields[name].default // MIB} MiB | `FILMGATE_{name.upper()}` |"
    yield f"| bytes of a request | {fields['max_body'].default // MIB} MiB | `FILMGATE_MAX_BODY` |"
    for what, most in (
        ("parts of a form", forms.MAX_PARTS),
        ("bytes of a text in a form", forms.MAX_TEXT),
        ("fields of a body", inputs.MAX_FIELDS),
        ("values within unknown fields", media_fields.MAX_VALUES),
        ("pictures of one role in Dream Machine", MAX_PICTURES),
        ("pictures in `image_ref` in Agents", agents.MAX_REFERENCES),
    ):
        yield f"| {what} | {most:,} | |"


def _code(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
