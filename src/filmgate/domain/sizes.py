"""Frame sizes and clip lengths: which pixels and frames a request means."""

from __future__ import annotations

import math

FPS = 24
DEFAULT_SECONDS = 5
MAX_SECONDS = 10

DEFAULT_ASPECT_RATIO = "16:9"
ASPECT_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21")
RESOLUTIONS = ("540p", "720p", "1080p", "4k")

_LANDSCAPE: dict[str | None, dict[str, tuple[int, int]]] = {
    # The sizes without a resolution are those observed at the providers; the rest has equal area, in multiples of 8.
    None: {"16:9": (1360, 752), "1:1": (1024, 1024), "4:3": (1152, 864), "21:9": (1552, 656)},
    "540p": {"16:9": (960, 540), "1:1": (720, 720), "4:3": (832, 624), "21:9": (1096, 472)},
    "720p": {"16:9": (1280, 720), "1:1": (960, 960), "4:3": (1112, 832), "21:9": (1464, 632)},
    "1080p": {"16:9": (1920, 1080), "1:1": (1440, 1440), "4:3": (1664, 1248), "21:9": (2200, 944)},
    "4k": {"16:9": (3840, 2160), "1:1": (2880, 2880), "4:3": (3328, 2496), "21:9": (4400, 1888)},
}


def frame_size(aspect_ratio: str, resolution: str | None = None) -> tuple[int, int]:
    """Return (width, height) in pixels of an aspect ratio at a resolution, `None` meaning none was asked for.

    Raises KeyError for a ratio or resolution outside `ASPECT_RATIOS` and `RESOLUTIONS`.
    """
    sizes = _LANDSCAPE[resolution]
    if aspect_ratio in sizes:
        return sizes[aspect_ratio]
    across, down = aspect_ratio.split(":")
    width, height = sizes[f"{down}:{across}"]
    return height, width


def nearest_size(width: int, height: int) -> tuple[str, str | None]:
    """Return the aspect ratio and the resolution (None: none) with the size nearest to these pixels, at least 1x1.

    The ratio is chosen first, then the area; both are compared as proportions.
    """

    def off(of: tuple[int, int]) -> tuple[float, float]:
        across, down = of
        return abs(math.log(width * down / (height * across))), abs(math.log(width * height / (across * down)))

    aspect_ratio = min(ASPECT_RATIOS, key=lambda ratio: off(_proportions(ratio))[0])
    resolution = min((None, *RESOLUTIONS), key=lambda wanted: off(frame_size(aspect_ratio, wanted))[1])
    return aspect_ratio, resolution


def _proportions(aspect_ratio: str) -> tuple[int, int]:
    across, down = aspect_ratio.split(":")
    return int(across), int(down)


def frame_count(seconds: int) -> int:
    """Return the number of frames of a clip of whole seconds: 5 s are 121 frames, 5.041667 s at 24 per second."""
    return FPS * seconds + 1
