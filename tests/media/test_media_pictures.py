"""Foreign pictures become upright opaque RGB of a bounded size, or are refused with a reason."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from tests.media.painting import near

from filmgate.adapters.decode import SandboxedTools
from filmgate.domain.errors import InvalidMedia

pytestmark = pytest.mark.asyncio(loop_scope="module")


def quadrants(size: tuple[int, int] = (80, 40)) -> Image.Image:
    """Paint red, green, blue and white quarters, row by row."""
    width, height = size[0] // 2, size[1] // 2
    picture = Image.new("RGB", size, "white")
    picture.paste("red", (0, 0, width, height))
    picture.paste((0, 255, 0), (width, 0, 2 * width, height))
    picture.paste("blue", (0, height, width, 2 * height))
    return picture


def chunk(kind: bytes, data: bytes) -> bytes:
    """Make a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    """Make a PNG of one black bit per pixel, small as a file and large as a picture."""
    packer = zlib.compressobj(9)
    line = bytes(width // 8 + 1)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


async def normalised(tools: SandboxedTools, box: Path, data: bytes, name: str = "upload") -> Image.Image:
    """Normalise bytes and check what holds for every result."""
    source = box / name
    source.write_bytes(data)
    facts = await tools.normalise_image(source, box / "out")
    with Image.open(box / "out", formats=["PNG"]) as result:
        result.load()
    assert result.mode == "RGB"
    assert (facts.type, facts.width, facts.height, facts.duration) == ("image/png", *result.size, None)
    assert len(base64.b64decode(facts.palette or "")) == 75
    assert source.read_bytes() == data
    return result


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Encode a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
async def test_every_allowed_kind(shared_tools: SandboxedTools, box: Path, kind: str):
    """All kinds that are promised are read, whatever the file is called."""
    options = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF") else {}
    result = await normalised(shared_tools, box, encoded(quadrants(), kind, **options), "picture.mp4")
    assert result.size == (80, 40)
    corners = [result.getpixel(at) for at in ((10, 10), (70, 10), (10, 30), (70, 30))]
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert all(near(pixel, colour, 12) for pixel, colour in zip(corners, expected, strict=True)), corners


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
async def test_every_png_mode_becomes_rgb(shared_tools: SandboxedTools, box: Path, mode: str):
    """Palettes, greys, 16 bits and alpha all end as 8-bit RGB."""
    assert (await normalised(shared_tools, box, encoded(Image.new(mode, (20, 10)), "PNG"))).size == (20, 10)


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "F", "I;16", "RGBA", "YCbCr"])
async def test_every_tiff_mode_becomes_rgb(shared_tools: SandboxedTools, box: Path, mode: str):
    """The kinds of pixel that only TIFF has end as RGB, too."""
    assert (await normalised(shared_tools, box, encoded(Image.new(mode, (20, 10)), "TIFF"))).size == (20, 10)


async def test_cmyk_jpeg_keeps_its_colours(shared_tools: SandboxedTools, box: Path):
    """A CMYK JPEG without a profile is converted, not inverted."""
    result = await normalised(shared_tools, box, encoded(quadrants().convert("CMYK"), "JPEG", quality=95))
    assert near(result.getpixel((10, 10)), (255, 0, 0), 30)


async def test_sixteen_bits_are_scaled(shared_tools: SandboxedTools, box: Path):
    """The middle of 16 bits is the middle of 8."""
    result = await normalised(shared_tools, box, encoded(Image.new("I;16", (8, 8), 32768), "PNG"))
    assert near(result.getpixel((4, 4)), (127, 127, 127), 1)


async def test_alpha_is_laid_on_white(shared_tools: SandboxedTools, box: Path):
    """What is transparent becomes white, what is half transparent half white."""
    picture = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    picture.paste((0, 0, 0, 128), (10, 0, 20, 10))
    result = await normalised(shared_tools, box, encoded(picture, "PNG"))
    assert near(result.getpixel((4, 4)), (255, 255, 255))
    assert near(result.getpixel((15, 4)), (127, 127, 127))


async def test_exif_orientation_is_applied(shared_tools: SandboxedTools, box: Path):
    """A photo taken with the camera turned is stored upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    result = await normalised(shared_tools, box, encoded(quadrants(), "JPEG", quality=95, exif=exif))
    assert result.size == (40, 80)
    assert near(result.getpixel((30, 10)), (255, 0, 0), 12)


async def test_profiles_are_applied_or_ignored(shared_tools: SandboxedTools, box: Path):
    """A picture with a colour profile is converted to sRGB; a broken profile does no harm."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (profile, b"broken"):
        result = await normalised(shared_tools, box, encoded(quadrants(), "PNG", icc_profile=icc))
        assert near(result.getpixel((10, 10)), (255, 0, 0), 2)


async def test_large_pictures_are_scaled_down(shared_tools: SandboxedTools, box: Path):
    """The longer side is at most 4096 pixels, in proportion."""
    assert (await normalised(shared_tools, box, encoded(quadrants((5000, 1000)), "PNG"))).size == (4096, 819)


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (30_000, 30_000)])
async def test_bombs_are_refused_by_their_header(shared_tools: SandboxedTools, box: Path, width: int, height: int):
    """A picture of too many pixels is refused with its size and the limit, without being decoded."""
    source = box / "bomb.png"
    source.write_bytes(png(width, 64)[:16] + struct.pack(">II", width, height) + png(width, 64)[24:])
    header = source.read_bytes()
    source.write_bytes(header[:29] + struct.pack(">I", zlib.crc32(header[12:29])) + header[33:])
    with pytest.raises(InvalidMedia, match=rf"{width * height / 1e6:.1f} megapixels; at most 40 are allowed"):
        await shared_tools.normalise_image(source, box / "out")


async def test_forty_megapixels_are_allowed(shared_tools: SandboxedTools, box: Path):
    """The limit itself can be used."""
    assert (await normalised(shared_tools, box, png(8000, 5000))).size == (4096, 2560)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"%PDF-1.7\n",
        b"P6\n2 2\n255\n" + bytes(12),
        b"8BPS\0\1" + bytes(60),
        b"\0\0\1\0\1\0" + bytes(60),
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(60),
        b"\x7fELF" + bytes(60),
    ],
)
async def test_other_files_are_refused_with_what_is_allowed(shared_tools: SandboxedTools, box: Path, data: bytes):
    """Vectors, documents, playlists and rarer formats are named as not allowed."""
    source = box / "picture.png"
    source.write_bytes(data)
    with pytest.raises(InvalidMedia, match="allowed are PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF and HEIC"):
        await shared_tools.normalise_image(source, box / "out")
    assert not (box / "out").exists()


LONG = zlib.compress(bytes(30_000_000))


@pytest.mark.parametrize(
    "note",
    [
        pytest.param((b"iTXt", b"workflow\0\1\0\0\0" + LONG), id="30 MB of international text"),
        pytest.param((b"zTXt", b"workflow\0\0" + LONG), id="30 MB of text"),
        pytest.param((b"tEXt", b"workflow\0" + bytes(2_000_000)), id="2 MB of plain text"),
        pytest.param((b"iCCP", b"colours\0\0" + LONG), id="a profile of 30 MB"),
        pytest.param((b"iCCP", b"colours\0\0" + zlib.compress(b"no profile")), id="a profile that is none"),
        pytest.param((b"iCCP", b""), id="an empty profile"),
        pytest.param((b"zTXt", b"workflow\0\7abc"), id="an unknown method"),
        pytest.param((b"eXIf", b"MM\0*\xff\xff\xff\xff"), id="notes that end nowhere"),
    ],
)
async def test_notes_in_a_picture_do_not_spoil_it(shared_tools: SandboxedTools, box: Path, note: tuple[bytes, bytes]):
    """Workflows, profiles and notes that are too long or broken are skipped: the picture is as it is without them."""
    plain = await normalised(shared_tools, box, png(64, 32))
    noted = await normalised(shared_tools, box, png(64, 32, *[chunk(*note)] * 3))
    assert noted.tobytes() == plain.tobytes()


async def test_many_long_texts(shared_tools: SandboxedTools, box: Path):
    """A hundred texts of four megabytes each are skipped from where they are too many."""
    text = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(4_000_000)))
    assert (await normalised(shared_tools, box, png(64, 32, *[text] * 100))).size == (64, 32)


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><title>Log in", b"\xef\xbb\xbf\r\n <HTML lang=en>", b"<head>", b"\n\n<!doctype HTML>"]
)
async def test_a_page_is_named_as_one(shared_tools: SandboxedTools, box: Path, page: bytes):
    """Whoever gives a link to a page learns that it is one, and how to link to the file."""
    (box / "file").write_bytes(page + bytes(100))
    for take, wanted in ((shared_tools.normalise_image, "picture"), (shared_tools.normalise_video, "video")):
        with pytest.raises(InvalidMedia, match=rf"a web page, not a {wanted}.*uc\?export=download.*raw=1"):
            await take(box / "file", box / "out")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
async def test_cut_off_pictures_are_refused(shared_tools: SandboxedTools, box: Path, kind: str):
    """Half a file is no picture."""
    data = encoded(Image.effect_noise((120, 90), 80).convert("RGB"), kind)
    source = box / "half"
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidMedia, match="damaged or cut off"):
        await shared_tools.normalise_image(source, box / "out")


@pytest.mark.parametrize(
    "magic", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP"]
)
async def test_magic_bytes_alone_are_no_picture(shared_tools: SandboxedTools, box: Path, magic: bytes):
    """A file that only begins like a picture is refused."""
    source = box / "fake"
    source.write_bytes(magic + b"\x5a" * 500)
    with pytest.raises(InvalidMedia, match="damaged or cut off"):
        await shared_tools.normalise_image(source, box / "out")


async def test_missing_source(shared_tools: SandboxedTools, box: Path):
    """A source that does not exist is our mistake, not the user's."""
    with pytest.raises(FileNotFoundError):
        await shared_tools.normalise_image(box / "nothing", box / "out")
