"""Foreign pictures made ours: upright, opaque, 8-bit RGB, of a bounded size."""

from __future__ import annotations

import base64
import io
import struct
import warnings
import zlib
from pathlib import Path

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from filmgate.adapters.decode.kinds import HEAD, PICTURES, foreign, picture_format
from filmgate.adapters.decode.messages import PHOTO, PICTURE, PREVIEW, SOURCE, THUMBNAIL
from filmgate.domain.errors import InvalidMedia
from filmgate.domain.media import PREVIEW_BYTES, Facts

MAX_PIXELS = 40_000_000
MAX_SIDE = 4096
# The first that fits is taken: longest side in pixels, and quality.
_PREVIEWS = ((384, 80), (320, 70), (256, 60), (192, 50), (128, 40), (64, 40))
_PROFILE = "icc_profile"
_SERVED = {"JPEG": "image/jpeg", "PNG": "image/png"}
# Pillow would load its decoders when it needs them, and all there are: these are here before the fork, and no others.
_DECODERS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

_NO_HEIC = (
    "This service cannot read HEIC pictures: its library for them is not installed. Send JPEG or PNG, or have the "
    "administrator install it with `pip install 'filmgate[providers]'`."
)

try:
    import pi_heif  # type: ignore[import-untyped]
except ModuleNotFoundError:
    _reads_heic = False
else:
    _reads_heic = True
    # It gives what the decoder of the main picture gives, and neither its small copies nor maps of its depth.
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=2)


def _skipping(chunk: str) -> None:
    """Skip a PNG chunk that is not image data where it is broken or holds too much, as browsers do."""
    read = getattr(PngImagePlugin.PngStream, chunk)

    def tolerant(stream: PngImagePlugin.PngStream, pos: int, length: int) -> bytes:
        assert stream.fp is not None, "chunks are read from a file"
        if stream.text_memory > PngImagePlugin.MAX_TEXT_MEMORY or (
            chunk == "chunk_iCCP" and _PROFILE in stream.im_info
        ):
            return stream.fp.read(length)  # thousands of them would be unpacked one after the other
        start = stream.fp.tell()
        try:
            taken: bytes = read(stream, pos, length)
        except (ValueError, IndexError, SyntaxError, struct.error, zlib.error):
            stream.fp.seek(start)
            return stream.fp.read(length)
        return taken

    setattr(PngImagePlugin.PngStream, chunk, tolerant)


# Profiles of colours have megabytes; what is larger is skipped.
PngImagePlugin.MAX_TEXT_CHUNK = 4 * 1024 * 1024
PngImagePlugin.MAX_TEXT_MEMORY = 8 * 1024 * 1024
for _chunk in ("chunk_tEXt", "chunk_zTXt", "chunk_iTXt", "chunk_iCCP"):
    _skipping(_chunk)


def normalise_picture() -> list[Facts]:
    """Write the picture in `SOURCE` to `PICTURE` as PNG. Raises InvalidMedia."""
    picture = _shrink(_opaque(_foreign()))
    picture.save(PICTURE, "PNG", compress_level=3)
    return [Facts(type="image/png", width=picture.width, height=picture.height, palette=palette(picture))]


def develop_picture() -> list[Facts]:
    """Decode the finished picture in `SOURCE`, write its `THUMBNAIL`, and give the facts of both."""
    source = Path(SOURCE)
    with source.open("rb") as file:
        kind = picture_format(file.read(HEAD))
    if kind not in _SERVED:
        raise InvalidMedia("The picture that was made is neither JPEG nor PNG.")
    picture = _opaque(_decode(source, kind))
    still = _shrink(picture)
    still.save(THUMBNAIL, "JPEG", quality=90)
    return [
        Facts(type=_SERVED[kind], width=picture.width, height=picture.height),
        Facts(type="image/jpeg", width=still.width, height=still.height, palette=palette(still)),
    ]


def accept_png() -> list[Facts]:
    """Write the picture in `SOURCE` to `PICTURE` as PNG at its own size, with its alpha. Raises InvalidMedia."""
    picture = _bare(_foreign())
    picture.save(PICTURE, "PNG", compress_level=6)
    return [Facts(type="image/png", width=picture.width, height=picture.height)]


def accept_jpeg() -> list[Facts]:
    """Write the picture in `SOURCE` to `PHOTO` as JPEG at its own size, on white. Raises InvalidMedia."""
    picture = _bare(_opaque(_foreign()))
    picture.save(PHOTO, "JPEG", quality=92)
    return [Facts(type="image/jpeg", width=picture.width, height=picture.height)]


def preview() -> list[Facts]:
    """Write the JPEG in `SOURCE` to `PREVIEW` as JPEG of at most `PREVIEW_BYTES`. Raises InvalidMedia."""
    picture = _opaque(_decode(Path(SOURCE), "JPEG"))
    for side, quality in _PREVIEWS:
        small = picture.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        _bare(small).save(PREVIEW, "JPEG", quality=quality, optimize=True)
        if Path(PREVIEW).stat().st_size <= PREVIEW_BYTES:
            return [Facts(type="image/jpeg", width=small.width, height=small.height)]
    raise AssertionError("64 pixels of noise are small enough")


def palette(picture: Image.Image) -> str:
    """Return the base64 of 25 RGB triples: the average colours of a 5x5 grid, row by row."""
    return base64.b64encode(picture.resize((5, 5), Image.Resampling.BOX).tobytes()).decode()


def _foreign() -> Image.Image:
    """Decode the picture in `SOURCE`, of any allowed kind. Raises InvalidMedia."""
    source = Path(SOURCE)
    with source.open("rb") as file:
        head = file.read(HEAD)
    kind = picture_format(head)
    if kind is None:
        raise InvalidMedia(foreign(head, "picture", PICTURES))
    if kind == "HEIF" and not _reads_heic:
        raise InvalidMedia(_NO_HEIC)
    return _decode(source, kind)


def _decode(source: Path, kind: str) -> Image.Image:
    """Decode a picture upright, as RGB, or as RGBA if it has an alpha channel. Raises InvalidMedia."""
    try:
        # The size is ours to check, from the header: Pillow would only say that it is too much.
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(source, formats=[kind]) as picture:
            _check_size(picture)
            # From here on a decoder that finds more pixels than the header named is stopped.
            Image.MAX_IMAGE_PIXELS = MAX_PIXELS
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                picture.load()
            _check_size(picture)  # a decoder may find another than the header named
            return _rgb(_upright(picture))
    except (InvalidMedia, MemoryError):
        raise
    except Exception as error:
        # Pillow meets hostile bytes with errors of every class; they all mean the same.
        raise InvalidMedia(f"The picture is damaged or cut off: it cannot be decoded as {kind}.") from error


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - read on
        # Notes that cannot be read, with errors of every class, say nothing about the picture.
        return picture


def _check_size(picture: Image.Image) -> None:
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise InvalidMedia(f"The image is {pixels / 1e6:.1f} megapixels; at most {MAX_PIXELS / 1e6:.0f} are allowed.")


def _rgb(picture: Image.Image) -> Image.Image:
    """Convert every kind of pixel to 8 bits of sRGB, keeping an alpha channel as RGBA."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(picture).convert("RGB")
    alpha = picture.has_transparency_data
    profile = picture.info.get(_PROFILE)
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        picture = _from_profile(picture, profile)
    return picture.convert("RGBA" if alpha else "RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale deep greys to 8 bits: 16-bit ones by their type, others by the values they hold."""
    low, high = (0.0, 65535.0) if picture.mode.startswith("I;16") else _range(picture)
    scale = 255.0 / (high - low) if high > low else 0.0
    deep = picture.convert("F")
    return deep.point(lambda value: value * scale - low * scale).convert("L")


def _range(picture: Image.Image) -> tuple[float, float]:
    low, high = picture.getextrema()
    if isinstance(low, tuple) or isinstance(high, tuple):
        raise TypeError("a picture of one channel was expected")
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    return (0.0, 65535.0) if low >= 0 and high <= 65535 else (low, high)


def _from_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        # A broken profile is common and harmless: without it the colours are taken as they are.
        return picture
    return converted or picture


def _opaque(picture: Image.Image) -> Image.Image:
    """Lay a picture with alpha on white."""
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


def _bare(picture: Image.Image) -> Image.Image:
    """Return the pixels and nothing that came with them: no profile, text, place or resolution."""
    return Image.frombytes(picture.mode, picture.size, picture.tobytes())


def _shrink(picture: Image.Image) -> Image.Image:
    """Return the picture, or a copy of one that is too large."""
    if max(picture.size) <= MAX_SIDE:
        return picture
    small = picture.copy()
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return small
