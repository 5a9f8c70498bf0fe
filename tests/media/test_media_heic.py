"""Pictures of phones: HEIC, decoded in the sandbox like all others. `scripts/heic_fixtures.py` made the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.media.painting import near

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.decode.kinds import clip_demuxer, picture_format
from filmgate.domain.errors import InvalidMedia

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIXTURES = Path(__file__).parents[1] / "fixtures"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(path: Path) -> list[tuple[int, ...]]:
    """Return the colours of the four quarters, row by row."""
    with Image.open(path, formats=["PNG", "JPEG"]) as picture:
        wide, high = picture.size
        places = (
            (wide // 4, high // 4),
            (wide * 3 // 4, high // 4),
            (wide // 4, high * 3 // 4),
            (wide * 3 // 4, high * 3 // 4),
        )
        return [picture.getpixel(place) for place in places]  # type: ignore[misc]


async def normalised(tools: SandboxedTools, box: Path, data: bytes) -> Path:
    """Normalise bytes, and give where the picture is."""
    (box / "upload").write_bytes(data)
    await tools.normalise_image(box / "upload", box / "out.png")
    return box / "out.png"


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("plain", (160, 80), [RED, GREEN, BLUE, WHITE]),
        ("turned", (80, 160), [BLUE, RED, WHITE, GREEN]),
        ("profile", (160, 80), [BLUE, GREEN, RED, WHITE]),
        ("alpha", (64, 64), [WHITE] * 4),
    ],
)
async def test_pictures_of_phones(
    shared_tools: SandboxedTools, box: Path, name: str, size: tuple[int, int], expected: list[tuple[int, ...]]
):
    """They are upright, in the colours that their profile says, and laid on white."""
    out = await normalised(shared_tools, box, (FIXTURES / f"{name}.heic").read_bytes())
    with Image.open(out) as picture:
        assert (picture.size, picture.mode) == (size, "RGB")
    assert all(near(pixel, colour, 12) for pixel, colour in zip(corners(out), expected, strict=True)), corners(out)


async def test_pictures_of_providers(shared_tools: SandboxedTools, box: Path):
    """What a provider makes may be HEIC too, and becomes what is served."""
    facts = await shared_tools.accept_image(FIXTURES / "turned.heic", box / "out.jpg")
    assert (facts.type, facts.width, facts.height) == ("image/jpeg", 80, 160)
    assert all(
        near(pixel, colour, 24)
        for pixel, colour in zip(corners(box / "out.jpg"), [BLUE, RED, WHITE, GREEN], strict=True)
    )


async def test_too_many_pixels(shared_tools: SandboxedTools, box: Path):
    """A picture of 9 kB and 41.6 megapixels is refused by its header."""
    with pytest.raises(InvalidMedia, match=r"41\.6 megapixels; at most 40"):
        await normalised(shared_tools, box, (FIXTURES / "large.heic").read_bytes())


@pytest.mark.parametrize("cut", [40, 200, 600])
async def test_damaged_pictures(shared_tools: SandboxedTools, box: Path, cut: int):
    """One that is cut off is refused, and so is one whose size is a lie; the decoder is not lost with it."""
    data = (FIXTURES / "plain.heic").read_bytes()
    with pytest.raises(InvalidMedia, match="cut off"):
        await normalised(shared_tools, box, data[:cut])
    at = data.index(b"ispe") + 8
    lying = data[:at] + (5_000).to_bytes(4, "big") + (5_000).to_bytes(4, "big") + data[at + 8 :]
    with pytest.raises(InvalidMedia):
        await normalised(shared_tools, box, lying)
    await normalised(shared_tools, box, data)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"])
async def test_the_brands(brand: bytes):
    """A picture is told from a clip by the brands in its first bytes; AVIF goes before what it has in common."""
    head = b"\0\0\0\x18ftyp" + brand + bytes(4) + b"mif1" + b"miaf"
    assert (picture_format(head), clip_demuxer(head)) == ("HEIF", None)
    avif = b"\0\0\0\x18ftyp" + brand + bytes(4) + b"mif1" + b"avif"
    assert picture_format(avif) == "AVIF"
    clip = b"\0\0\0\x18ftyp" + b"isom" + bytes(4) + b"heic" + b"mp42"
    assert (picture_format(clip), clip_demuxer(clip)) == (None, "mov")
