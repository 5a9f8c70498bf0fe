"""`make run`: start the service, make one video, say how to ask for it, keep serving."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

BIN = Path(os.path.relpath(Path(sys.prefix) / "bin"))
FILMGATE = str(BIN / "filmgate")
DATA = Path(os.environ.get("FILMGATE_DATA") or "filmgate-data")


def main() -> int:
    """Return the exit code: 0 once there is a video."""
    prompt = os.environ.get("PROMPT") or "Ocean waves rolling in at sunset"
    say_renderer()
    service = subprocess.Popen([FILMGATE, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        url = address_of(service)
        if url is None:
            return service.wait() or 1
        made = make(prompt, url)
        if made is None:
            return 1
        say_queries(made, url)
        if os.environ.get("ONCE"):
            return 0
        print("\nThe service keeps running; Ctrl-C ends it.", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            service.wait(30)


def say_renderer() -> None:
    """Report which renderer the studio will use, and which package gives the better one."""
    probe = subprocess.run(
        [sys.executable, "-m", "filmgate.adapters.engines.studio.probe"], capture_output=True, text=True, check=False
    )
    found = json.loads(probe.stdout) if probe.returncode == 0 and probe.stdout.strip() else {}
    if found.get("renderer") == "gl":
        print(f"The studio renders with {found.get('gl')}.")
    else:
        packages = " ".join(found.get("packages", ["libegl1", "libgl1-mesa-dri"]))
        print("There is no OpenGL/EGL here: the studio uses its reduced renderer. For the better one, on Debian and")
        print(f"Ubuntu: apt install {packages}")


def address_of(service: subprocess.Popen[str]) -> str | None:
    """Show what the service says, and give its address once it is ready; None if it ended instead."""
    said: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=show, args=(service, said), daemon=True).start()
    while (line := said.get()) is not None:
        if " serves http" in line:
            url = line.split(" serves ")[1].split()[0]
            return url if ready(url) else None
    return None


def show(service: subprocess.Popen[str], said: queue.Queue[str | None]) -> None:
    """Pass on what the service says, as long as it runs."""
    assert service.stdout is not None
    for line in service.stdout:
        print(line, end="", flush=True)
        said.put(line)
    said.put(None)


def ready(url: str) -> bool:
    """Return whether the service answers."""
    with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
        return answer.status == 200


def make(prompt: str, url: str) -> dict[str, object] | None:
    """Submit the prompt, show its progress, and give the finished task; None if it failed."""
    print(f'\nfilmgate generate "{prompt}" --wait', flush=True)
    file = DATA / "first-video.mp4"
    done = subprocess.run(
        [FILMGATE, "generate", prompt, "--wait", "-o", str(file), "--url", url],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return None
    task_id = done.stdout.split()[0]
    told = subprocess.run(
        [FILMGATE, "get", task_id, "--json", "--url", url],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    task = json.loads(told.stdout)
    video = task["video"]
    print(f"\n{file}: {video['width']}x{video['height']}, {video['frames']} frames, {video['duration']} s")
    for name, link in (("video", video["url"]), ("thumbnail", task["thumbnail"]), ("last frame", task["last_frame"])):
        print(f"  {name:<11}{link}")
    return task


def key_of_service() -> str | None:
    """Return what a shell reads the service's own key from; None if it has none that is known here."""
    if os.environ.get("FILMGATE_ADMIN_KEY"):
        return "$FILMGATE_ADMIN_KEY"
    return f"$(cat {DATA / 'first-key'})" if (DATA / "first-key").exists() else None


def environment() -> dict[str, str]:
    """Return the environment for clients: where the service has a key of its own, another service's is not used."""
    drop = "FILMGATE_API_KEY" if key_of_service() else ""
    return {name: value for name, value in os.environ.items() if name != drop}


def say_queries(task: dict[str, object], url: str) -> None:
    """Print a ready-to-paste query in each dialect."""
    auth = f'-H "Authorization: Bearer {key_of_service() or "$FILMGATE_API_KEY"}"'
    body = json.dumps({"action": "retrieve", "id": task["id"]})
    print("\nAsk for the task in each dialect:")
    print(f"  gateway:        curl -s {auth} {url}/luma/generations/{task['id']}")
    print(f"  AceData:        curl -s {auth} {url}/luma/tasks -d '{body}'")
    print(f"  Dream Machine:  curl -s {auth} {url}/dream-machine/v1/generations/{task['id']}")
    print(f"  Luma Agents:    curl -s {auth} {url}/agents/v1/generations/{task['id']}")
    print(f"  OpenAI videos:  curl -s {auth} {url}/v1/videos/{task['id']}")
    print(f"  native:         curl -s {auth} {url}/api/v1/tasks/{task['id']}")
    print(f"  CLI:            {FILMGATE} get {task['id']} --url {url}")


if __name__ == "__main__":
    sys.exit(main())
