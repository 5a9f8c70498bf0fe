"""Having clips made from the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.cli import in_terminal, line_of, started
from tests.support.clips import play
from tests.support.processes import until
from tests.support.service import RunningService


def submitted(service: RunningService, prompt: str, *options: str) -> str:
    """Submit a prompt and give the task's id."""
    done = service.run("generate", prompt, "--duration", "1", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_generate_prints_the_id(service: RunningService) -> None:
    """Without --wait the command ends at once and prints the id, and nothing else."""
    done = service.run("generate", "a lighthouse [hang]")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.split()) == 1
    task = json.loads(service.run("get", done.stdout.strip(), "--json").stdout)
    assert (task["prompt"], task["duration"]) == ("a lighthouse [hang]", 5)
    assert service.run("cancel", task["id"]).returncode == 0


def test_generate_to_a_file(service: RunningService, tmp_path: Path) -> None:
    """With -o the command waits, tells how far the task is, prints links and size, and the file plays."""
    path = tmp_path / "clip.mp4"
    options = ["--duration", "1", "--aspect-ratio", "9:16", "--resolution", "540p", "--loop", "--model", "ray-2"]
    done = service.run("generate", "a lighthouse [delay=1] [steps=2]", "-o", str(path), *options)
    assert done.returncode == 0, done.stderr
    task_id, *facts = done.stdout.splitlines()
    told = dict(line.split(maxsplit=1) for line in facts)
    assert told["video"].startswith(f"{service.url}/media/")
    assert told["size"].startswith("540x960, 1.04 s, 25 frames, ")
    assert told["saved"] == str(path)
    assert play(path.read_bytes()) == (540, 960, 25)
    lines = done.stderr.splitlines()
    assert all(line.startswith(f"{task_id} ") for line in lines)
    assert " completed 100 % " in lines[-1]


def test_generate_as_json(service: RunningService, tmp_path: Path) -> None:
    """With --json stdout is one document, with the finished task and the file, and stderr is silent."""
    path = tmp_path / "clip.mp4"
    done = service.run("generate", "a lighthouse", "--duration", "1", "-o", str(path), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    task = json.loads(done.stdout)
    assert (task["state"], task["progress"], task["saved"]) == ("completed", 100, str(path))
    assert task["video"]["bytes"] == path.stat().st_size
    pending = json.loads(service.run("generate", "a lighthouse", "--json").stdout)
    assert pending["state"] in ("pending", "processing")


def test_progress_bar_in_a_terminal(service: RunningService) -> None:
    """In a terminal the progress is a bar with state, percent and elapsed time."""
    code, shown = in_terminal(service, "generate", "x [delay=4] [steps=8]", "--duration", "1", "--wait")
    assert code == 0
    assert "processing" in shown
    assert "completed" in shown
    assert "100%" in shown
    assert "0:00:" in shown


def test_failed_task(service: RunningService) -> None:
    """A task that fails gives code 1, its reason on stderr, and as JSON the task as well."""
    done = service.run("generate", "x [fail=moderated: Not allowed.]", "--wait")
    assert done.returncode == 1
    assert "Not allowed. (moderated)" in done.stderr
    done = service.run("generate", "x [fail=moderated: Not allowed.]", "--wait", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failure"] == {"code": "moderated", "message": "Not allowed."}
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["task_id"]) == ("moderated", json.loads(done.stdout)["id"])


def test_refused_request(service: RunningService) -> None:
    """A request that the service cannot use is wrong usage, and the field is named."""
    done = service.run("generate", "x", "--duration", "99", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert json.loads(done.stderr)["error"]["field"] == "duration"


def test_wrong_key(service: RunningService) -> None:
    """A key that is not known gives code 3 and says how to get a good one."""
    done = service.run("generate", "x", "--key", "fg_wrong")
    assert (done.returncode, done.stdout) == (3, "")
    assert "filmgate keys create" in done.stderr
    done = service.run("list", "--json", FILMGATE_API_KEY="fg_wrong")
    assert done.returncode == 3
    assert json.loads(done.stderr)["error"]["code"] == "invalid_token"


def test_timeout(service: RunningService) -> None:
    """When the time to wait is up the code is 4 and the task goes on."""
    done = service.run("generate", "x [hang]", "--wait", "--timeout", "0.2")
    assert done.returncode == 4
    task_id = done.stdout.strip()
    assert f"filmgate wait {task_id}" in done.stderr
    done = service.run("wait", task_id, "--timeout", "0.1", "--json")
    assert (done.returncode, done.stdout) == (4, "")
    assert json.loads(done.stderr)["error"]["task_id"] == task_id
    assert service.run("cancel", task_id).returncode == 0


@pytest.mark.parametrize("option", [["--wait"], ["-o", "clip.mp4"]], ids=" ".join)
def test_interrupted(service: RunningService, option: list[str]) -> None:
    """Ctrl-C ends the command with code 130 and the words to go on with; the task is not touched."""
    with started(service, "generate", "x [hang]", *option) as process:
        task_id = line_of(process.stdout)
        assert task_id in line_of(process.stderr)
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=30)
    hint = " ".join(["filmgate wait", task_id, *(option if option[0] == "-o" else [])])
    assert process.returncode == 130
    assert rest == ""
    assert said.endswith(f"Interrupted; task {task_id} goes on.\nGo on with: {hint}\n")
    assert json.loads(service.run("get", task_id, "--json").stdout)["state"] in {"pending", "processing"}
    assert service.run("cancel", task_id).returncode == 0


def test_pictures(service: RunningService, tmp_path: Path) -> None:
    """A clip starts from a file on this machine and ends at one by its address."""
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "teal.png")
    first = json.loads(
        service.run(
            "generate", "x", "--duration", "1", "--image", str(tmp_path / "teal.png"), "--wait", "--json"
        ).stdout
    )
    assert first["state"] == "completed"
    done = service.run("generate", "y", "--duration", "1", "--end-image", first["last_frame"], "--wait")
    assert done.returncode == 0, done.stderr


def test_extend(service: RunningService, tmp_path: Path) -> None:
    """A completed clip is continued into a longer file; an unfinished or unknown one is refused."""
    first = submitted(service, "a road", "--wait").split()[0]
    path = tmp_path / "longer.mp4"
    done = service.run("extend", first, "the road goes on", "--duration", "1", "-o", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["operation"] == "extend"
    assert play(path.read_bytes()).frames > 25
    hanging = submitted(service, "x [hang]")
    assert service.run("extend", hanging, "more").returncode == 2
    assert service.run("extend", "nothing", "more").returncode == 1
    assert service.run("cancel", hanging).returncode == 0


def test_file_that_cannot_be_kept(service: RunningService, tmp_path: Path) -> None:
    """When the disk refuses the file after the wait, the task is named so that the work is not lost."""
    folder = tmp_path / "gone"
    folder.mkdir()
    with started(service, "generate", "x [delay=1]", "--duration", "1", "-o", str(folder / "clip.mp4")) as process:
        task_id = line_of(process.stdout)
        folder.rmdir()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"filmgate wait {task_id} -o FILE" in said


def test_reader_that_goes_away(service: RunningService) -> None:
    """Output into a pipe that nobody reads any more ends quietly."""
    submitted(service, "x")
    with started(service, "list", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(30)
    assert process.returncode == 1


def test_work_is_seen_through_by_several_waits(service: RunningService) -> None:
    """Two waits for one task both see its end."""
    task_id = submitted(service, "x [delay=1]")
    with started(service, "wait", task_id, "--json") as one, started(service, "wait", task_id, "--json") as other:
        states = [json.loads(process.communicate(timeout=60)[0])["state"] for process in (one, other)]
    assert states == ["completed", "completed"]


def test_slow_start_is_shown(service: RunningService) -> None:
    """The id is on stdout while the task is still unfinished."""
    with started(service, "generate", "x [hang]", "--wait") as process:
        task_id = line_of(process.stdout)
        until(
            lambda: json.loads(service.run("get", task_id, "--json").stdout)["state"], lambda state: state != "pending"
        )
        assert process.poll() is None
        assert service.run("cancel", task_id).returncode == 0
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "(cancelled)" in said
