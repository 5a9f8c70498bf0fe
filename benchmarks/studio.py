"""CPU seconds of the studio's clips, beside what encoding the same frames costs in the same run.

    python benchmarks/studio.py [--duration 5] [--aspect 16:9] [--resolution 540p] [--quality standard]
                                [--only ocean,drift] [--jobs 0] [--json]

Each row is one clip: every place of the catalogue, some subjects, and the image modes. Its frames are drawn to disk
first and encoded from there, so that the two can be told apart; the ratio is (drawing + encoding) / encoding. Compare
machines by the ratio. Memory is the most a worker has held at one time; `--jobs 50` has one worker make that many clips
and pictures of every kind and prints what it holds after each ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from support.process import Process

from filmgate.domain.generation import Generation, Kind
from filmgate.domain.sizes import frame_size
from filmgate.ports.engine import Clip, Job

PEOPLED = {
    "cat dance": "a cat dancing in the forest",
    "boat": "a sailing boat on the ocean at sunset",
    "crowd": "two people, a dog, a horse and a balloon in the desert",
}
IMAGE_MODES = ("drift", "morph", "extend")


def rows() -> dict[str, str]:
    """Everything that is measured: its name, and the prompt of a scene or nothing."""
    from filmgate.adapters.engines.studio.model.catalogue import PLACES

    return {name: name for name in PLACES} | PEOPLED | dict.fromkeys(IMAGE_MODES, "")


def photo(width: int, height: int, seed: int) -> np.ndarray[Any, Any]:
    """A picture with detail of all sizes, as a photo has."""
    from filmgate.adapters.engines.studio.pixels.picture import cover

    chance = np.random.default_rng(seed)
    layers = [cover(chance.integers(0, 256, (9 << n, 16 << n, 3), np.uint8), width, height) for n in range(6)]
    weights = np.array([32, 16, 8, 4, 2, 1], np.float32)
    return np.einsum("n,nhwc->hwc", weights / weights.sum(), np.stack(layers).astype(np.float32)).astype(np.uint8)


def drawing(name: str, prompt: str, size: tuple[int, int], count: int, quality: str) -> Iterator[Any]:
    """Return the new frames of a row."""
    from filmgate.adapters.engines.studio.pixels import motion
    from filmgate.adapters.engines.studio.pixels.reel import Span, moments
    from filmgate.adapters.engines.studio.prompt.imagine import imagine
    from filmgate.adapters.engines.studio.render.renderer import probe

    if name == "drift":
        return motion.drift(photo(*size, 1), count)
    if name == "extend":
        return motion.drift(photo(*size, 1), count, before=photo(*size, 1))
    if name == "morph":
        return motion.morph(photo(*size, 1), photo(*size, 2), count)
    return moments(imagine(prompt, 1).scene, probe(), size, Span(0, count), quality)


def spent(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all its threads."""
    before = time.process_time()
    work()
    return time.process_time() - before


def measure(name: str, size: tuple[int, int], count: int, quality: str) -> dict[str, float]:
    """Measure one row in this process."""
    from filmgate.adapters.engines.studio.pixels import film

    with tempfile.TemporaryDirectory() as folder:
        store, clip = Path(folder) / "frames", Path(folder) / "clip.mp4"
        shape: list[tuple[int, ...]] = []

        def draw() -> None:
            with store.open("wb") as file:
                for frame in drawing(name, rows()[name], size, count, quality):
                    shape[:] = [frame.shape]
                    file.write(frame.tobytes())

        drawn = spent(draw)
        frames = np.memmap(store, np.uint8, "r", shape=(count, *shape[0]))
        encoded = spent(lambda: film.write(clip, iter(frames), *size))
        return {"drawn": drawn, "encoded": encoded, "bytes": clip.stat().st_size}


def apart(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure one row in a process of its own, so that none warms another up."""
    command = [sys.executable, __file__, "--row", name, "--aspect", options.aspect, "--quality", options.quality]
    command += [
        "--duration",
        str(options.duration),
        *(["--resolution", options.resolution] if options.resolution else []),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


async def endure(jobs: int, quality: str) -> tuple[list[float], float]:
    """Let one worker do so many jobs of every kind; give the MiB it holds after each ten, and the most it has held."""
    from filmgate.adapters.engines.studio import StudioEngine

    engine = StudioEngine(options={"quality": quality})
    [worker] = engine._pool.workers
    after: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prompts = [prompt for prompt in rows().values() if prompt]
        previous: Clip | None = None
        for number in range(jobs):
            workdir = folder / str(number)
            workdir.mkdir()
            still = number % 5 == 4
            generation = Generation(
                prompts[number % len(prompts)], duration=1, kind=Kind.IMAGE if still else Kind.VIDEO
            )
            start = previous if number % 5 == 3 else None
            product = await engine.run(Job(f"task-{number}", 1, generation, workdir, start=start), lambda _: None)
            previous = None if still else Clip(product.file, product.notes)
            assert worker.pid is not None
            if number % 10 == 9:
                after.append(Process(worker.pid).resident() / 2**20)
        assert worker.pid is not None
        most = Process(worker.pid).most_resident() / 2**20
        await engine.close()
    return after, most


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration", type=int, default=5)
    parser.add_argument("--aspect", default="16:9")
    parser.add_argument("--resolution")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--only", help="rows, with commas between")
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    generation = Generation("", options.aspect, options.resolution, duration=options.duration)
    size = frame_size(options.aspect, options.resolution)
    if options.row:
        print(json.dumps(measure(options.row, size, generation.frames, options.quality)))
        return
    report(options, size, generation.frames)


def report(options: argparse.Namespace, size: tuple[int, int], count: int) -> None:
    """Measure all rows and print them."""
    from filmgate.adapters.engines.studio.render.renderer import probe

    chosen = options.only.split(",") if options.only else [] if options.jobs else list(rows())
    results: dict[str, Any] = {"means": msgspec.to_builtins(probe()), "size": size, "frames": count}
    if not options.json:
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {probe().gl or 'no OpenGL'}")
        print(f"{size[0]}x{size[1]}, {count} frames, {options.quality}; CPU seconds")
        print(f"{'':<14}{'drawn':>8}{'encoded':>9}{'both':>8}{'ratio':>8}{'MB':>7}" if chosen else "")
    for name in chosen:
        row = results[name] = apart(name, options)
        both = row["drawn"] + row["encoded"]
        columns = (
            f"{row['drawn']:>8.2f}{row['encoded']:>9.2f}{both:>8.2f}{both / row['encoded']:>8.2f}",
            f"{row['bytes'] / 1e6:>7.2f}",
        )
        if not options.json:
            print(f"{name:<14}" + "".join(columns), flush=True)
    if options.jobs:
        after, most = asyncio.run(endure(options.jobs, options.quality))
        results["memory"] = {"after each ten": after, "most": most}
        if not options.json:
            print(f"MiB after each ten jobs: {' '.join(f'{each:.0f}' for each in after)}; at most {most:.0f}")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
