"""Run pytest on Python 3.13: in a Debian 13 that is made for it, else with an interpreter that is here.

Usage: python313.py [--clients] ARGUMENTS OF PYTEST. The exit status is pytest's, or 75 where there is no Python 3.13.
A Debian 13 needs root, mmdebstrap and Debian's mirrors. It lies in .venvs and is made once.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

VERSION = "3.13"
ABSENT = 75
CHECKOUT = Path(__file__).parents[1]
ROOT = CHECKOUT / ".venvs" / "debian13"
VENV = CHECKOUT / ".venvs" / "python313"

_PACKAGES = "python3,python3-venv,make,ca-certificates,procps"
_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
# As if it had been started there: a root of its own, in which namespaces can be made as on any machine.
_ENTER = """
mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /dev dev && mount --rbind /sys sys &&
mount -t tmpfs tmpfs tmp && pivot_root . mnt && umount -l mnt && cd /filmgate && exec "$@"
"""


def main(arguments: Sequence[str]) -> int:
    """Become pytest there, or give the exit status."""
    # A shell that starts this in the background has it ignore Ctrl-C, and so would the tests of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    clients = "--clients" in arguments
    rest = [each for each in arguments if each != "--clients"]
    if (lacking := debian_lacks()) is None:
        lacking = make_debian()
    if lacking is None:
        return in_debian(rest, clients=clients)
    if (interpreter := found()) is None:
        print(f"No Python {VERSION} is here, and no Debian 13 can be made: {lacking}.", file=sys.stderr)
        return ABSENT
    print(f"With {interpreter}, as no Debian 13 can be made: {lacking}.", flush=True)
    return with_interpreter(interpreter, rest)


def debian_lacks() -> str | None:
    """Return what a Debian 13 cannot be made without, None if all is here."""
    if os.geteuid() != 0:
        return "that needs root"
    for tool in ("mmdebstrap", "unshare", "pivot_root"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed (apt install mmdebstrap util-linux)"
    return None


def make_debian() -> str | None:
    """Make it unless it is there, and say why it cannot be made."""
    if (ROOT / "made").exists():
        return None
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.parent.mkdir(exist_ok=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", "trixie", str(ROOT), *mirrors()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"mmdebstrap failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
    (ROOT / "made").touch()
    return None


def mirrors() -> list[str]:
    """Return the mirrors of this Debian, with the release replaced; none elsewhere, where there is a default."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    sources = sorted(Path("/etc/apt/sources.list.d").glob("debian*.sources"))
    if release.get("ID") != "debian" or not codename or not sources:
        return []
    ours = ROOT.with_name("debian13.sources")
    ours.write_text("\n".join(each.read_text().replace(codename, "trixie") for each in sources))
    return [str(ours)]


def in_debian(arguments: Sequence[str], *, clients: bool) -> NoReturn:
    """Install a copy of this checkout there and test it."""
    copy_checkout(ROOT / "filmgate")
    for name in filter(os.path.exists, _NETWORK):
        shutil.copyfile(name, f"{ROOT}{name}")
    targets = "install-dev install-clients" if clients else "install-dev"
    test = f'make --silent {targets} >&2 && exec .venv/bin/python -m pytest -p no:cacheprovider "$@"'
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, str(ROOT)]
    env = os.environ | {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "TMPDIR", "XDG_CACHE_HOME"):
        env.pop(name, None)
    # Whoever ends this process ends all that runs there.
    os.execvpe(alone[0], [*alone, "sh", "-c", test, "sh", *arguments], env)


def copy_checkout(target: Path) -> None:
    """Copy what git knows of, or would; what was installed there stays."""
    target.mkdir(exist_ok=True)
    for each in target.iterdir():
        if each.name not in (".venv", ".venvs"):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    listed = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.rstrip("\0").split("\0"):
        if (CHECKOUT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)


def found() -> str | None:
    """Return an interpreter of this version that is installed here and works."""
    name = f"python{VERSION}"
    kept = sorted(Path.home().glob(f".pyenv/versions/{VERSION}.*/bin/{name}"))
    tell = "import sys, ensurepip, venv; print(*sys.version_info[:2], sep='.')"
    for each in filter(None, (shutil.which(name), f"/usr/bin/{name}", f"/usr/local/bin/{name}", *kept)):
        try:
            told = subprocess.run([str(each), "-c", tell], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if told.stdout.strip() == VERSION:
            return str(each)
    return None


def with_interpreter(interpreter: str, arguments: Sequence[str]) -> NoReturn:
    """Install this checkout for an interpreter that is here and test it."""
    uv, python = str(CHECKOUT / ".venv" / "bin" / "uv"), str(VENV / "bin" / "python")
    for step in (
        ["venv", "--quiet", "--clear", "--python", interpreter, str(VENV)],
        ["pip", "sync", "--quiet", "--python", python, "requirements/uv.lock", "requirements/dev.lock"],
        ["pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", "."],
    ):
        subprocess.run([uv, *step], cwd=CHECKOUT, check=True)
    os.chdir(CHECKOUT)
    os.execv(python, [python, "-m", "pytest", "-p", "no:cacheprovider", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
