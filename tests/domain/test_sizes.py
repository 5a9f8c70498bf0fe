"""Which pixels and frames a request means."""

from __future__ import annotations

import pytest

from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS, frame_count, frame_size


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("16:9", None, (1360, 752)),
        ("9:16", None, (752, 1360)),
        ("4:3", None, (1152, 864)),
        ("21:9", None, (1552, 656)),
        ("9:21", None, (656, 1552)),
        ("1:1", "540p", (720, 720)),
        ("3:4", "720p", (832, 1112)),
        ("21:9", "1080p", (2200, 944)),
        ("9:16", "4k", (2160, 3840)),
    ],
)
def test_sizes_are_those_of_the_table(ratio: str, resolution: str | None, size: tuple[int, int]) -> None:
    """The observed and the derived sizes are exactly those of the published table."""
    assert frame_size(ratio, resolution) == size


@pytest.mark.parametrize("resolution", [None, *RESOLUTIONS])
@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_every_size_can_be_encoded(ratio: str, resolution: str | None) -> None:
    """Every size is even, close to its ratio, and the transpose of its upright twin."""
    width, height = frame_size(ratio, resolution)
    across, down = map(int, ratio.split(":"))
    assert width % 2 == height % 2 == 0
    assert width / height == pytest.approx(across / down, rel=0.03)
    assert frame_size(f"{down}:{across}", resolution) == (height, width)


def test_five_seconds_are_121_frames() -> None:
    """A clip has one frame more than its seconds times 24, as the providers' clips have."""
    assert frame_count(5) == 121
    assert round(frame_count(5) / 24, 6) == 5.041667
