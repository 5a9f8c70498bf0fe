"""Running the service from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.cli.cli import line_of, run
from tests.support.service import FILMGATE, RunningService, clean_env


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    """The service listens and keeps its data where the flags say, and ends with code 0 when interrupted."""
    data = tmp_path / "here"
    env = clean_env() | {"FILMGATE_PORT": "1", "FILMGATE_DATA": str(tmp_path / "elsewhere")}
    with subprocess.Popen(
        [*FILMGATE, "serve", "--host", "127.0.0.1", "--port", "0", "--data", str(data), "--workers", "2"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            while " serves " not in (announced := line_of(process.stdout)):
                assert announced, "the key of a first start comes before"
            assert "serves http://127.0.0.1:" in announced
            assert str(data) in announced
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert data.is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_second_service_on_the_same_data(service: RunningService) -> None:
    """A data folder that is in use is refused with a sentence and code 1."""
    done = run("serve", "--port", "0", "--data", str(service.data))
    assert done.returncode == 1
    assert "is in use by another service" in done.stderr
