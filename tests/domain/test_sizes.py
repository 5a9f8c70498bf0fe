"""Which pixels and frames a request means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS, frame_count, frame_size, nearest_size


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


@pytest.mark.parametrize("resolution", [None, *RESOLUTIONS])
@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_a_size_of_the_table_is_nearest_to_itself(ratio: str, resolution: str | None) -> None:
    """Every size that is made is found again."""
    assert nearest_size(*frame_size(ratio, resolution)) == (ratio, resolution)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ((1280, 720), ("16:9", "720p")),
        ((720, 1280), ("9:16", "720p")),
        ((1792, 1024), ("16:9", "1080p")),
        ((1024, 1792), ("9:16", "1080p")),
        ((640, 480), ("4:3", "540p")),
        ((100, 100), ("1:1", "540p")),
        ((1, 99_999), ("9:21", "540p")),
        ((16_000, 9_000), ("16:9", "4k")),
    ],
)
def test_other_sizes_find_the_nearest(size: tuple[int, int], nearest: tuple[str, str | None]) -> None:
    """First the proportions are matched, then the area."""
    assert nearest_size(*size) == nearest


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_upright_and_lying_sizes_are_treated_alike(width: int, height: int) -> None:
    """The nearest size of a transposed size has the same resolution, unless two ratios are equally near."""
    across, down = frame_size(*nearest_size(width, height))
    assert sorted(frame_size(*nearest_size(height, width))) == sorted((across, down))
