"""A place to order clips from an engine, and what is needed to look at them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.domain.generation import Generation
from filmgate.ports.engine import Clip, Job, Product

SMALL = {"resolution": "540p", "duration": 1}


class Shop:
    """Orders clips of one second at 540p and keeps their files apart, and the progress of each by its file."""

    def __init__(self, engine: StudioEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.count = 0
        self.progress: dict[Path, list[int]] = {}

    def job(self, prompt: str, *, start: Any = None, end: Any = None, **asked: Any) -> Job:
        self.count += 1
        workdir = self.folder / f"job{self.count}"
        workdir.mkdir()
        return Job("task-1", 1, Generation(prompt, **(SMALL | asked)), workdir, start=start, end=end)

    async def make(self, prompt: str, *, start: Any = None, end: Any = None, **asked: Any) -> Product:
        seen: list[int] = []
        job = self.job(prompt, start=start, end=end, **asked)
        product = await self.engine.run(job, seen.append)
        assert product.file.parent == job.workdir
        self.progress[product.file] = seen
        return product


def decoded(path: Path) -> list[np.ndarray]:
    """Decode all frames."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def packets(path: Path) -> list[bytes]:
    """Return the encoded frames."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def clip(product: Product) -> Clip:
    """The product as the input of the next job."""
    return Clip(product.file, product.notes)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Likeness in decibels; equal pictures are 99."""
    error = float(np.mean((a[::3, ::3].astype(np.float32) - b[::3, ::3]) ** 2))
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def picture(path: Path, width: int, height: int, hue: int = 0) -> Path:
    """Write a PNG with gradients and a disc."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - width // 2) ** 2 + (y - height // 2) ** 2 < (height // 3) ** 2
    channels = [x * 255 // width, y * 255 // height, np.where(disc, 220, 40 + hue)]
    Image.fromarray(np.stack(channels, axis=2).astype(np.uint8)).save(path)
    return path
