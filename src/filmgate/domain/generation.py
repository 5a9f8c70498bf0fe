"""What was asked for, in Filmgate's own words: the same for every dialect and engine."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from filmgate.domain.errors import InvalidRequest
from filmgate.domain.sizes import (
    ASPECT_RATIOS,
    DEFAULT_ASPECT_RATIO,
    DEFAULT_SECONDS,
    MAX_SECONDS,
    RESOLUTIONS,
    frame_count,
    frame_size,
)

MAX_PROMPT = 5_000
"""Characters of a prompt, at most (contract: 1 to 5,000)."""

OWN = "media:"
"""How a reference names one of our own files: this, then the token of its link."""


class Kind(StrEnum):
    """What comes out."""

    VIDEO = "video"
    IMAGE = "image"


class Operation(StrEnum):
    """What the engine has to do. The first four follow from the references; the others are asked for by name.

    Those work on the clip or picture that `start` refers to.
    """

    GENERATE = "generate"
    EXTEND = "extend"
    REVERSE_EXTEND = "reverse_extend"
    INTERPOLATE = "interpolate"
    UPSCALE = "upscale"
    REFRAME = "reframe"
    MODIFY = "modify"
    ADD_AUDIO = "add_audio"


class ReferenceKind(StrEnum):
    """What a reference points at."""

    IMAGE = "image"
    VIDEO = "video"
    TASK = "task"


class Reference(msgspec.Struct, frozen=True):
    """Something the clip starts from or ends at.

    `value` is an http(s) address or a data URI for an image or a video, the id of a completed task for a task; once
    accepted, a file of our own is named by the token of its link.
    """

    kind: ReferenceKind
    value: str


class GuideRole(StrEnum):
    """What a further picture is to a generation."""

    IMAGE = "image"
    STYLE = "style"
    CHARACTER = "character"
    MODIFY = "modify_image"
    FIRST_FRAME = "first_frame"

    @property
    def field(self) -> str:
        """What a picture of this role is called in requests."""
        return self.value if self is GuideRole.FIRST_FRAME else f"{self.value}_ref"


class Guide(msgspec.Struct, frozen=True, omit_defaults=True):
    """A further picture that guides a generation, by address, with its weight from 0 to 1."""

    role: GuideRole
    url: str
    weight: float | None = None


class ImageFormat(StrEnum):
    """How a generated picture is written."""

    JPG = "jpg"
    PNG = "png"


class Generation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One generation as asked for. `duration` is in whole seconds, `resolution` None when none was asked for.

    `named` is the operation asked for by name, None when the references say what to do. `concepts` are keys of camera
    moves and the like. `image_format` only matters for a picture. `unsupported` is a sentence for the owner about
    something asked for that these fields cannot say: the task is accepted, and ends failed with that reason.
    """

    prompt: str
    aspect_ratio: str = DEFAULT_ASPECT_RATIO
    resolution: str | None = None
    duration: int = DEFAULT_SECONDS
    loop: bool = False
    enhance: bool = True
    model: str | None = None
    start: Reference | None = None
    end: Reference | None = None
    kind: Kind = Kind.VIDEO
    named: Operation | None = None
    concepts: tuple[str, ...] = ()
    guides: tuple[Guide, ...] = ()
    image_format: ImageFormat = ImageFormat.JPG
    unsupported: str | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """Everything it refers to."""
        sides = tuple(side for side in (self.start, self.end) if side is not None)
        return sides + tuple(Reference(ReferenceKind.IMAGE, guide.url) for guide in self.guides)

    @property
    def operation(self) -> Operation:
        """Which operation was asked for, by name or by the references."""
        if self.named is not None:
            return self.named
        first, last = _is_clip(self.start), _is_clip(self.end)
        if first and last:
            return Operation.INTERPOLATE
        if first:
            return Operation.EXTEND
        return Operation.REVERSE_EXTEND if last else Operation.GENERATE

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return frame_size(self.aspect_ratio, self.resolution)

    @property
    def frames(self) -> int:
        """Number of new frames to make; a picture is one."""
        return 1 if self.kind is Kind.IMAGE else frame_count(self.duration)


def _is_clip(reference: Reference | None) -> bool:
    return reference is not None and reference.kind is not ReferenceKind.IMAGE


def check(generation: Generation, *, prompt_field: str = "prompt", min_prompt: int = 1) -> Generation:
    """Return the generation if it keeps every rule, else raise InvalidRequest with the allowed values.

    `prompt_field` is the dialect's name of the prompt. An empty prompt is allowed with an image or a video.
    """
    length = len(generation.prompt.strip())
    if not length and generation.start is None and generation.end is None:
        raise InvalidRequest(f"{prompt_field} is required", field=prompt_field)
    if 0 < length < min_prompt:
        raise InvalidRequest(f"{prompt_field} must have at least {min_prompt} characters", field=prompt_field)
    if len(generation.prompt) > MAX_PROMPT:
        raise InvalidRequest(
            f"{prompt_field} must have at most {MAX_PROMPT} characters, got {len(generation.prompt)}",
            field=prompt_field,
        )
    if generation.aspect_ratio not in ASPECT_RATIOS:
        raise InvalidRequest(f"aspect_ratio must be one of {', '.join(ASPECT_RATIOS)}", field="aspect_ratio")
    if generation.resolution is not None and generation.resolution not in RESOLUTIONS:
        raise InvalidRequest(f"resolution must be one of {', '.join(RESOLUTIONS)}", field="resolution")
    if not 1 <= generation.duration <= MAX_SECONDS:
        raise InvalidRequest(f"duration must be 1 to {MAX_SECONDS} whole seconds", field="duration")
    return generation


def parse_duration(value: object) -> int:
    """Read whole seconds from `5`, `5.0`, `"5"`, `"5.0"` or `"5s"`; None and "" mean the default of 5 seconds.

    Raises InvalidRequest for everything else, and for lengths outside 1 to 10 s.
    """
    if value is None or value == "":
        return DEFAULT_SECONDS
    seconds: float = -1
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str):
        digits = value.strip().lower().removesuffix("s").strip().removesuffix(".0")
        seconds = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 3 else -1
    if not 1 <= seconds <= MAX_SECONDS or int(seconds) != seconds:
        raise InvalidRequest(f'duration must be 1 to {MAX_SECONDS} whole seconds, such as 5 or "5s"', field="duration")
    return int(seconds)
