"""What runs in the child: each operation reads `SOURCE` in the current folder and writes its results next to it."""

from __future__ import annotations

from filmgate.adapters.media.accept import accept_clip
from filmgate.adapters.media.clips import develop, normalise_clip
from filmgate.adapters.media.pictures import accept_jpeg, accept_png, develop_picture, normalise_picture, preview
from filmgate.adapters.media.probe import probe
from filmgate.adapters.media.work import Operation, Outcome
from filmgate.domain.errors import InvalidMedia

_OPERATIONS = {
    Operation.PICTURE: normalise_picture,
    Operation.DEVELOP: develop,
    Operation.PRINT: develop_picture,
    Operation.PREVIEW: preview,
    Operation.ACCEPT_CLIP: accept_clip,
    Operation.ACCEPT_PNG: accept_png,
    Operation.ACCEPT_JPEG: accept_jpeg,
    Operation.PROBE: probe,
}


def perform(operation: Operation, max_pixels: int = 0) -> Outcome:
    """Run an operation; a file that cannot be used is an outcome too.

    An external clip may have so many pixels over all its frames (0: no limit).
    """
    try:
        return Outcome(facts=normalise_clip(max_pixels) if operation is Operation.CLIP else _OPERATIONS[operation]())
    except InvalidMedia as error:
        return Outcome(error=error.message)
