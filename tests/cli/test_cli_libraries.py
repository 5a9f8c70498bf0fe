"""What is not installed is named when the service starts, not when the first task fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from filmgate.app.requirements import TESTED_PYTHONS, check_libraries, leave_out_studio
from filmgate.domain.errors import Unavailable
from filmgate.domain.settings import EngineSettings, Settings
from tests.support.service import ENGINES, FILMGATE, RunningService
from tests.support.sites import lacking

_PROVIDER = {"type": "gateway", "base_url": "http://127.0.0.1:1", "key": "k", "models": ["*"]}
_TABLES: dict[str, dict[str, Any]] = {
    "provider": {"far": _PROVIDER},
    "scripted": {"scripted": ENGINES["scripted"]},
    "studio": {"studio": ENGINES["studio"]},
}
_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python-headless"}


def ended(service: RunningService) -> tuple[int, str]:
    """Start a service that is expected to end, and give its exit code and what it said."""
    command = [*FILMGATE, "serve", "--port", "0"]
    done = subprocess.run(command, env=service.env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("module", "engine", "extra"),
    [
        ("av", "provider", "providers"),
        ("PIL", "provider", "providers"),
        ("PIL", "scripted", "server"),
        ("cv2", "studio", "studio"),
        ("moderngl", "studio", "studio"),
    ],
)
def test_a_library_that_is_needed_is_named(tmp_path: Path, module: str, engine: str, extra: str):
    """It takes one sentence with what to install and where, exit code 1, and no traceback."""
    service = RunningService(tmp_path / "data", engines=json.dumps(_TABLES[engine]))
    lacking(service, tmp_path, module)
    code, said = ended(service)
    package = _PACKAGES.get(module, module)
    assert code == 1
    (line,) = [line for line in said.splitlines() if "is not installed for" in line]
    assert line.startswith("filmgate: An engine of the type ")
    assert f"not installed for {sys.executable}: {package}. Install it there with" in line
    assert f"`pip install 'filmgate[{extra}]'`" in line
    assert "Traceback" not in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("module", ["uvicorn", "apsw", "pydantic", "typer"])
def test_any_other_library_is_named_too(tmp_path: Path, module: str):
    """What every service needs is missed just as politely, wherever it is loaded."""
    service = RunningService(tmp_path / "data")
    lacking(service, tmp_path, module)
    code, said = ended(service)
    assert code == 1
    assert f"filmgate: {module} cannot be loaded by {sys.executable}" in said
    assert "Traceback" not in said


def test_what_no_engine_needs_may_be_missing(monkeypatch: pytest.MonkeyPatch):
    """Without the studio nobody needs what the studio draws with, and providers need what decodes their files alone."""
    there = {"av", "PIL"}
    monkeypatch.setattr("filmgate.app.requirements.find_spec", lambda name: name if name in there else None)
    check_libraries(table("gateway", "acedata", "scripted"))
    with pytest.raises(Unavailable, match=r"type studio needs .*: opencv-python-headless, moderngl, numpy\."):
        check_libraries(table("scripted", "studio"))
    there.remove("av")
    check_libraries(table("scripted"))
    with pytest.raises(Unavailable, match=r"filmgate\[providers\]"):
        check_libraries(table("scripted", "gateway"))


def table(*types: str) -> dict[str, EngineSettings]:
    """Return engines of these types."""
    return {kind: EngineSettings(type=kind) for kind in types}


def test_a_studio_nobody_asked_for_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """Beside another engine it need not be installed; where it is named, or there is nothing else, it must be."""
    monkeypatch.setattr("filmgate.app.requirements.find_spec", lambda name: name if name == "PIL" else None)
    scripted = {"scripted": {"type": "scripted", "models": ["*"]}}
    left = leave_out_studio(Settings(engines=scripted))
    check_libraries(left.engine_table())
    assert not left.engine_table()["studio"].enabled
    assert left.fallback is None
    for settings in (
        Settings(engines={}),
        Settings(engines=scripted, default_engine="studio"),
        Settings(engines={**scripted, "studio": {"type": "studio"}}),
    ):
        assert leave_out_studio(settings) is settings
        with pytest.raises(Unavailable, match=r"filmgate\[studio\]"):
            check_libraries(settings.engine_table())
    monkeypatch.setattr("filmgate.app.requirements.find_spec", lambda name: name)
    everything = Settings(engines=scripted)
    assert leave_out_studio(everything) is everything


@pytest.mark.parametrize("tested", [True, False])
def test_a_python_that_is_not_tested_gets_one_line(tmp_path: Path, tested: bool):
    """The service starts all the same; where the Python is tested, nothing is said."""
    service = RunningService(tmp_path / "data", engines=json.dumps(_TABLES["scripted"]))
    site = tmp_path / "site"
    site.mkdir()
    versions = TESTED_PYTHONS if not tested else (sys.version_info[:2],)
    pretended = f"import filmgate.app.requirements as it; it.TESTED_PYTHONS = {versions!r}"
    if not tested:
        pretended += "; it.sys = type('sys', (), {'version_info': (3, 99), 'version': '3.99.0 x', 'executable': ''})"
    (site / "sitecustomize.py").write_text(pretended)
    service.env["PYTHONPATH"] = str(site)
    service.start()
    assert service.stop() == 0
    said = [line for line in service.log.read_text().splitlines() if "is tested with Python" in line]
    wanted = "filmgate: Filmgate is tested with Python 3.11 and 3.13, and this is Python 3.99.0."
    assert said == ([] if tested else [wanted])
