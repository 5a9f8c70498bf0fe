"""What runs in the child: each operation reads `SOURCE` in the current folder and writes its results next to it."""

from __future__ import annotations

from collections.abc import Callable

from filmgate.adapters.decode.messages import SandboxOperation, SandboxResult
from filmgate.adapters.decode.pictures import accept_jpeg, accept_png, develop_picture, normalise_picture, preview
from filmgate.adapters.decode.probe import probe
from filmgate.domain.errors import InvalidMedia
from filmgate.domain.media import Facts

_NO_CODECS = (
    "This service cannot read videos: its library for them is not installed. The administrator installs it with "
    "`pip install 'filmgate[providers]'`."
)
_PICTURES: dict[SandboxOperation, Callable[[], list[Facts]]] = {
    SandboxOperation.PICTURE: normalise_picture,
    SandboxOperation.PRINT: develop_picture,
    SandboxOperation.PREVIEW: preview,
    SandboxOperation.ACCEPT_PNG: accept_png,
    SandboxOperation.ACCEPT_JPEG: accept_jpeg,
    SandboxOperation.PROBE: probe,
}


def _clip_operations() -> dict[SandboxOperation, Callable[[int], list[Facts]]]:
    """Load what reads clips; without its library there is nothing that could be done with one."""
    try:
        from filmgate.adapters.decode.accept import accept_clip
        from filmgate.adapters.decode.clips import develop, normalise_clip
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        return {}
    return {
        SandboxOperation.CLIP: normalise_clip,
        SandboxOperation.DEVELOP: lambda _: develop(),
        SandboxOperation.ACCEPT_CLIP: lambda _: accept_clip(),
    }


# Loaded here, before the fork, so that the children share it.
_CLIPS = _clip_operations()


def perform(operation: SandboxOperation, max_pixels: int = 0) -> SandboxResult:
    """Run an operation; a file that cannot be used is an outcome too.

    `max_pixels` limits an external clip over all its frames (0: no limit).
    """
    try:
        if operation in _PICTURES:
            return SandboxResult(facts=_PICTURES[operation]())
        if operation in _CLIPS:
            return SandboxResult(facts=_CLIPS[operation](max_pixels))
    except InvalidMedia as error:
        return SandboxResult(error=error.message)
    return SandboxResult(error=_NO_CODECS)
