"""What runs in the child: each operation reads `SOURCE` in the current folder and writes its results next to it."""

from __future__ import annotations

from filmgate.adapters.decode.accept import accept_clip
from filmgate.adapters.decode.clips import develop, normalise_clip
from filmgate.adapters.decode.messages import SandboxOperation, SandboxResult
from filmgate.adapters.decode.pictures import accept_jpeg, accept_png, develop_picture, normalise_picture, preview
from filmgate.adapters.decode.probe import probe
from filmgate.domain.errors import InvalidMedia

_OPERATIONS = {
    SandboxOperation.PICTURE: normalise_picture,
    SandboxOperation.DEVELOP: develop,
    SandboxOperation.PRINT: develop_picture,
    SandboxOperation.PREVIEW: preview,
    SandboxOperation.ACCEPT_CLIP: accept_clip,
    SandboxOperation.ACCEPT_PNG: accept_png,
    SandboxOperation.ACCEPT_JPEG: accept_jpeg,
    SandboxOperation.PROBE: probe,
}


def perform(operation: SandboxOperation, max_pixels: int = 0) -> SandboxResult:
    """Run an operation; a file that cannot be used is an outcome too.

    `max_pixels` limits an external clip over all its frames (0: no limit).
    """
    try:
        return SandboxResult(
            facts=normalise_clip(max_pixels) if operation is SandboxOperation.CLIP else _OPERATIONS[operation]()
        )
    except InvalidMedia as error:
        return SandboxResult(error=error.message)
