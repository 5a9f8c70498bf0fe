"""What goes wrong in the middle of a render: the worker dies, or OpenGL does, and the next job is done all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.adapters.engines.studio.render.gl import NoGl, renderer_name
from filmgate.adapters.engines.worker import WorkerPool
from filmgate.domain.errors import EngineCrashed
from filmgate.domain.generation import Kind
from tests.engines.shop import Shop

SABOTAGE = """
import ctypes
from filmgate.adapters.engines.worker import serve
from filmgate.adapters.engines.studio import worker
from filmgate.adapters.engines.studio.render import gl

def lose():
    gl.context().release()

def confuse():
    library = ctypes.CDLL("libEGL.so.1")
    library.eglGetProcAddress.restype = ctypes.c_void_p
    ctypes.CFUNCTYPE(None, ctypes.c_uint)(library.eglGetProcAddress(b"glEnable"))(0xFFFF)

def prepare():
    handle = worker.prepare()
    def spoilt(order, report):
        deed = {"lose": lose, "confuse": confuse}.get(order["prompt"].split()[0])
        def at(percent):
            report(percent)
            if percent == 40 and deed:
                deed()
        return handle(order, at)
    return spoilt

serve(prepare)
"""


@pytest.fixture
async def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A shop whose worker harms its own OpenGL context in the middle of a job when the prompt says so."""
    try:
        renderer_name()
    except NoGl as error:
        pytest.skip(f"no OpenGL here: {error}")
    (tmp_path / "fragile_worker.py").write_text(SABOTAGE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    engine = StudioEngine()
    engine._pool = WorkerPool("fragile_worker", name="fragile", slots=1)
    yield Shop(engine, tmp_path)
    await engine.close()


@pytest.mark.parametrize("deed", ["lose", "confuse"])
async def test_opengl_that_fails_in_the_middle_is_a_crash(fragile: Shop, deed: str) -> None:
    """A lost context or an error of OpenGL ends the worker, so that the task is tried again in a new one."""
    with pytest.raises(EngineCrashed, match="exit status 70"):
        await asyncio.wait_for(fragile.make(f"{deed} the ink"), 60)
    assert (await fragile.make("ink", kind=Kind.IMAGE)).notes["renderer"] == "gl"
