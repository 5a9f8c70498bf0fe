"""Make the HEIC pictures of the tests: `uv run --with pillow-heif scripts/heic_fixtures.py FOLDER`.

The library that encodes them is no dependency: the service decodes only.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms


def quadrants(size: tuple[int, int]) -> Image.Image:
    """Paint red, green, blue and white quarters, row by row."""
    width, height = size[0] // 2, size[1] // 2
    picture = Image.new("RGB", size, "white")
    picture.paste("red", (0, 0, width, height))
    picture.paste((0, 255, 0), (width, 0, 2 * width, height))
    picture.paste("blue", (0, height, width, 2 * height))
    return picture


def swapped_profile() -> bytes:
    """Return a colour profile that takes red for blue, so that nobody can overlook whether it is used."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(profile[131])}
    red, blue = at[b"rXYZ"], at[b"bXYZ"]
    profile[red + 4 : red + 12], profile[blue + 4 : blue + 12] = (
        profile[blue + 4 : blue + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile)


def main(folder: Path) -> None:
    """Write the pictures."""
    pillow_heif.register_heif_opener()
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = quadrants((160, 80))
    lossless = {"quality": -1, "chroma": 444}
    for name, image, options in (
        ("plain", picture, {"quality": 90, "chroma": 420}),
        ("turned", picture, {"exif": turned.tobytes()}),
        ("profile", picture, {"icc_profile": swapped_profile()}),
        ("alpha", Image.new("RGBA", (64, 64), (255, 0, 0, 0)), {}),
        ("large", Image.new("L", (8_000, 5_200)), {}),
    ):
        buffer = io.BytesIO()
        image.save(buffer, "HEIF", **(lossless | options))
        (folder / f"{name}.heic").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
