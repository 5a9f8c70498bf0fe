"""Another Python that is promised: every engine, the media path, the ledger and the command line on Python 3.13."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[2] / "scripts" / "python313.py"
_TESTS = (
    "tests/ledger/test_sqlite.py",
    "tests/engines/test_script.py",
    "tests/media/test_media_accept.py",
    "tests/media/test_media_clips.py",
    "tests/service/test_service_studio.py",
    "tests/providers/test_matrix.py",
    "tests/cli/test_cli_generate.py",
    "tests/cli/test_cli_keys.py",
)


@pytest.mark.skipif(sys.version_info[:2] == (3, 13), reason="this is Python 3.13 already")
@pytest.mark.timeout(1500)
def test_python_3_13():
    """In a Debian 13, which has no OpenGL, or with an interpreter that is here, these tests pass on Python 3.13."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, str(_SCRIPT), "-q", "-n", "0", *_TESTS]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 75:
        pytest.skip(f"{done.stdout.strip().splitlines()[-1]} Then `make test-313` tests all of it.")
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
