"""The files of the scripted engine: small, yet with the true size, length and tags."""

from __future__ import annotations

import io
import tempfile
from functools import lru_cache
from pathlib import Path

from filmgate.domain.generation import ImageFormat
from filmgate.domain.sizes import FPS


@lru_cache(maxsize=16)
def picture(width: int, height: int, form: ImageFormat) -> bytes:
    """Encode a picture of a grey ramp as JPEG or PNG, and give its bytes. Blocks."""
    from PIL import Image

    written = io.BytesIO()
    ramp = Image.linear_gradient("L").rotate(90).resize((width, height)).convert("RGB")
    ramp.save(written, "PNG" if form is ImageFormat.PNG else "JPEG")
    return written.getvalue()


@lru_cache(maxsize=16)
def clip(width: int, height: int, frames: int) -> bytes:
    """Encode a clip of one grey ramp as H.264 MP4, 24 frames per second, and give its bytes. Blocks."""
    import av
    import numpy as np

    ramp = np.linspace(40, 200, width, dtype=np.uint8)
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = ramp
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        options = {"preset": "ultrafast", "tune": "stillimage", "crf": "35", "g": "250"}
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as file:
            stream = file.add_stream("libx264", rate=FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            context = stream.codec_context
            context.color_range = context.colorspace = context.color_primaries = context.color_trc = 1
            for number in range(frames):
                picture.pts = number
                file.mux(stream.encode(picture))
            file.mux(stream.encode())
        return path.read_bytes()
