"""The documentation says what is: its snippets run, its tables are the code's, its links lead somewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from filmgate.adapters.cli.program import run
from filmgate.adapters.dialects.acedata.upstream import AceDataOptions
from filmgate.adapters.dialects.calling.upstreams import UpstreamOptions
from filmgate.adapters.dialects.gateway.upstream import GatewayOptions
from filmgate.adapters.dialects.openai_videos.upstream import OpenAIVideosOptions
from filmgate.adapters.engines.scripted.script import Playbook
from filmgate.adapters.ledger.sqlite.migrate import migrations
from filmgate.app.engines import engines_and_accounts, upstream_types
from filmgate.app.resolvers import Names
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import FilmgateError
from filmgate.domain.failures import FailureCode
from filmgate.domain.settings import EngineSettings, ModelSettings, Settings
from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS, frame_size
from filmgate.faults import Point
from tests.mutants.bugs import load

from .pages import PAGES, ROOT, USER_PAGES, anchors, code, links, name_of, page, prose, rows

CONFIGURATION = "docs/reference/configuration.md"
TESTING = "docs/how-to/testing.md"
PROVIDERS = "docs/reference/providers.md"
UPSTREAMS = {
    "dream_machine": UpstreamOptions,
    "agents": UpstreamOptions,
    "acedata": AceDataOptions,
    "gateway": GatewayOptions,
    "openai_videos": OpenAIVideosOptions,
}
COMMANDS = (
    "serve", "generate", "extend", "get", "wait", "list", "cancel", "delete",
    "usage", "limits show", "limits set",
    "models", "engines", "import", "unknown", "unknown resolve", "mcp", "keys create", "keys list", "keys revoke",
    "webhooks list", "webhooks show", "webhooks resend", "webhooks secret show", "webhooks secret rotate",
    "backup", "restore", "doctor",
)  # fmt: skip
LOCKS = [*(ROOT / "requirements").glob("*.lock"), ROOT / "tests/npm/package-lock.json"]
_UNITS = {"": 1, "MiB": 2**20}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path):
    """Links inside the documentation name a file that is there, and a heading in it."""
    text = path.read_text("utf-8")
    for link in links(text):
        if link.startswith("http"):
            continue
        target, _, anchor = link.partition("#")
        found = (path.parent / target) if target else path
        assert found.exists(), link
        if anchor:
            assert anchor in anchors(found.read_text("utf-8")), link


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_are_readable(path: Path):
    """No page is longer than about 300 lines, nor runs its prose over the width of a screen."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= 320
    for line in prose(text).splitlines():
        assert len(line) <= 120 or line.startswith("|"), line


def test_the_versions_of_clients_are_those_tested():
    """The page of clients names the versions that the lock files have."""
    locked = {(name, version) for lock in LOCKS for name, version in locked_in(lock)}
    table = [row for row in rows(page("docs/reference/clients.md")) if len(row) == 4]
    assert table
    for client, versions, *_ in table:
        for version in re.findall(r"[\d.]*\d", "" if versions.startswith("that of") else versions):
            assert (code(client)[0], version) in locked, (client, version)


def locked_in(path: Path) -> list[tuple[str, str]]:
    """Return the names and versions in a lock file of Python or npm."""
    text = path.read_text("utf-8")
    if path.suffix == ".lock":
        return re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    packages = json.loads(text)["packages"].items()
    return [(name.rpartition("node_modules/")[2], each["version"]) for name, each in packages if name]


def documented(name: str, columns: int) -> dict[str, list[str]]:
    """Return the rows of a page with so many columns by the code in their first cell."""
    return {code(row[0])[0]: row for row in rows(page(name)) if len(row) == columns and code(row[0])}


def written(field: FieldInfo) -> Any:
    """Return a default as it has to be documented."""
    default = field.get_default(call_default_factory=True)
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, frozenset):
        return tuple(sorted(default))
    return str(default) if isinstance(default, Path) else default


def said(cell: str) -> Any:
    """Read the default that a cell documents."""
    if not code(cell):
        assert cell == "not set", cell
        return None
    value = tomllib.loads(f"value = {code(cell)[0]}")["value"]
    return tuple(value) if isinstance(value, list) else value


def test_every_setting_is_documented_with_its_true_default():
    """The tables have each field of Settings once, with its variable, its key and its default."""
    found = documented(CONFIGURATION, 5)
    options = {name: row for name, row in found.items() if name.startswith("FILMGATE_")}
    assert set(options) == {f"FILMGATE_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        _, key, default, _, meaning = options[f"FILMGATE_{name.upper()}"]
        assert code(key) == [name]
        assert said(default) == written(field), name
        assert meaning


def test_every_setting_of_an_engine_is_documented_with_its_true_default():
    """The tables of engines, models and accounts have each field of their settings with its default."""
    found = {name: row[1] for name, row in documented(CONFIGURATION, 4).items()}
    assert_fields(found, EngineSettings, ModelSettings, AccountSettings)


def test_every_option_of_a_provider_is_documented_with_its_true_default():
    """The table of the providers' own keys says which types have them, and each one's default."""
    found = documented(PROVIDERS, 5)
    for name, upstream in UPSTREAMS.items():
        ours = {key: row[2] for key, row in found.items() if row[1] == "all" or name in code(row[1])}
        assert_fields(ours, upstream)


def assert_fields(found: dict[str, str], *models: type[BaseModel]) -> None:
    """Check that the defaults, by key, are those of all fields of the models and of nothing else."""
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    assert set(found) == set(fields)
    for name, field in fields.items():
        if field.is_required():
            assert found[name] == "required"
        else:
            assert said(found[name]) == written(field), name


def test_every_option_of_the_scripted_engine_is_documented_with_its_true_default():
    """The table of the scripted engine has each of its options with its default."""
    found = documented(TESTING, 4)
    playbook = Playbook()
    assert set(found) == set(Playbook.__struct_fields__)
    for name in Playbook.__struct_fields__:
        assert said(found[name][1]) == getattr(playbook, name), name


def test_limits_in_the_readme_are_the_defaults():
    """The README's table of limits has the defaults of the options that it names."""
    found = [row for row in rows(page("README.md")) if len(row) == 3 and row[2].startswith("`FILMGATE_")]
    assert len(found) >= 12
    for what, default, option in found:
        field = Settings.model_fields[code(option)[0].removeprefix("FILMGATE_").lower()]
        number = re.fullmatch(r"([\d,]+) ?(MiB)?", default)
        value = int(number[1].replace(",", "")) * _UNITS[number[2] or ""] if number else default
        assert value == written(field), what


BLOCKS = [
    (name, number, block)
    for name in map(name_of, USER_PAGES)
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL))
]


@pytest.mark.parametrize(("name", "number", "block"), BLOCKS, ids=[f"{name}:{number}" for name, number, _ in BLOCKS])
def test_the_example_configurations_are_valid(
    name: str, number: int, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each TOML block is read as settings, and its engines can be made once its keys are there."""
    for variable in [variable for variable in os.environ if variable.startswith("FILMGATE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    Path("filmgate.toml").write_text(block)
    table = Settings().engine_table()
    assert set(re.findall(r"^\[engines\.([\w-]+)\]", block, re.MULTILINE)) <= table.keys()
    for engine in table.values():
        if "key_env" in engine.options:
            monkeypatch.setenv(engine.options["key_env"], "a-key")
        if "key_file" in engine.options:
            Path(engine.options["key_file"]).write_text("a-key\n")
    engines, accounts = engines_and_accounts(table, Names(Settings()).of_provider)
    assert {**engines, **accounts}.keys() == table.keys()
    asyncio.run(close(*engines.values(), *accounts.values()))


async def close(*parts: Any) -> None:
    """Close engines and accounts."""
    for part in parts:
        await part.close()


def test_every_type_of_a_provider_has_its_configuration():
    """The page of providers has a section for each type, with a configuration of that type."""
    assert sorted(UPSTREAMS) == sorted(upstream_types())
    sections = dict(re.findall(r"^### `(\w+)`$(.*?)(?=^### |\Z)", page(PROVIDERS), re.MULTILINE | re.DOTALL))
    assert sections.keys() == UPSTREAMS.keys()
    for name, section in sections.items():
        assert f'type = "{name}"' in section


def marked_rows(mark: str, name: str = "docs/architecture/evidence/reliability.md") -> list[list[str]]:
    """Return the rows of a table between marks on a page, without its head."""
    table = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", page(name), re.DOTALL)
    assert table is not None
    return [*rows(table[1])][1:]


def test_the_codes_that_are_certain_are_those_of_the_dialects():
    """The page lists each code by which nothing was accepted, with what it means and its source."""
    found = {
        (code(kind)[0], name, meaning, source)
        for kind, names, meaning, source in marked_rows("codes")
        for name in code(names)
    }
    assert found == {
        (kind, name, str(listed.meaning), listed.source)
        for kind in UPSTREAMS
        for name, listed in import_module(f"filmgate.adapters.dialects.{kind}.upstream").ANSWERS.codes.items()
    }


def test_what_makes_an_id_unknown_is_documented_with_its_sources():
    """The page lists the codes and sentences of each dialect."""
    for kind in UPSTREAMS:
        unknown = import_module(f"filmgate.adapters.dialects.{kind}.upstream").ANSWERS.unknown
        written = [(said, source) for name, said, source in marked_rows("unknown") if code(name) == [kind]]
        assert {(said, source) for said, source in written if said.startswith("code")} == {
            (f"code `{name}`", source) for name, source in unknown.codes.items()
        }
        sentences = [(said, source) for said, source in written if said.startswith("a sentence")]
        assert [source for _, source in sentences] == [*unknown.sentences.values()]
        for (said, _), sentence in zip(sentences, unknown.sentences, strict=True):
            nouns = re.split(r", | or ", said.partition("no such ")[2].partition(";")[0])
            assert all(sentence.fullmatch(f"{noun} not found") for noun in nouns)


def test_the_bugs_that_are_planted_are_documented():
    """The page lists each bug that `make mutants` plants, with its promise and a figure; the points are counted."""
    written = marked_rows("bugs", "docs/architecture/evidence/planted-bugs.md")
    bugs = load()
    assert [row[:2] for row in written] == [[", ".join(filter(None, (str(b.promise), b.pool))), b.wrong] for b in bugs]
    for (_, _, found_by, seconds), bug in zip(written, bugs, strict=True):
        assert code(found_by) == list(dict.fromkeys(test.partition("::")[0] for test in bug.tests))
        assert 0 < int(seconds) <= bug.limit
    assert f"names {len(Point)} points" in page("docs/architecture/evidence/chaos-test.md")


def test_the_commands_are_those_there_are(capsys: pytest.CaptureFixture[str]):
    """The table of commands has the commands of the program, no more and no less."""
    table = [row for row in rows(page("docs/reference/cli.md")) if len(row) == 2]
    names = {name for row in table for name in code(row[0])}
    groups = ("unknown", "keys", "limits", "webhooks", "webhooks secret")
    below = {f"{group} {name}" for group in groups for name in commands_in(capsys, *group.split())}
    assert names == ({*commands_in(capsys)} | below) - {"keys", "limits", "webhooks", "webhooks secret"} == {*COMMANDS}


def commands_in(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return the commands that a help lists."""
    listing = re.search(r"Commands:\n((?:  \S.*\n)+)", help_of(capsys, *words))
    assert listing is not None
    return re.findall(r"^  (\w+)  ", listing[1], re.MULTILINE)


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the help of a command."""
    assert run([*words, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_is_what_the_program_says(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Each command's help stands in one of the pages word for word, at a width of 80."""
    monkeypatch.setenv("COLUMNS", "80")
    names = ("cli-tasks", "cli-admin", "cli-local", "cli-webhooks")
    pages = "".join(page(f"docs/reference/{name}.md") for name in names)
    shown = re.findall(rf"^## `filmgate {command}`\n\n```text\n(.*?)^```$", pages, re.MULTILINE | re.DOTALL)
    assert shown == [help_of(capsys, *command.split())]


@pytest.mark.parametrize("script", ["scripts/inputs_table.py", "scripts/diagrams.py"])
def test_what_scripts_write_is_current(script: str):
    """The table of inputs is that of the parsers, and the pictures are drawn from their text."""
    command = [sys.executable, str(ROOT / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr or f"run python {script}"


def test_the_sizes_are_those_of_the_code():
    """The table of sizes is the code's."""
    found = {row[0]: row[1:] for row in rows(page("docs/architecture/01-purpose-and-words.md")) if len(row) == 8}
    assert tuple(found.pop("Resolution")) == ASPECT_RATIOS
    assert set(found) == {"none asked", *RESOLUTIONS}
    for name, cells in found.items():
        resolution = None if name == "none asked" else name
        sizes = [frame_size(ratio, resolution) for ratio in ASPECT_RATIOS]
        assert cells == [f"{width}×{height}" for width, height in sizes]


def test_the_architecture_names_what_there_is():
    """Every folder of the code, every table of the ledger and every failure's code is in its chapter."""
    tree = page("docs/architecture/02-layers.md")
    for folder in (ROOT / "src/filmgate").rglob("__init__.py"):
        assert f"{folder.parent.name}/" in tree, folder
    ledger = page("docs/architecture/03-ledger.md")
    for table in re.findall(r"CREATE TABLE (\w+)", "".join(migrations())):
        assert f"| `{table}` |" in ledger
    words = page("docs/architecture/01-purpose-and-words.md")
    for failure in FailureCode:
        assert f"`{failure}`" in words


def test_every_code_of_an_error_has_a_section():
    """The page of errors has each code of the service and of failed tasks, with its status."""
    sections = dict(re.findall(r"^### `(\w+)`\n\n(.*?)$", page("docs/reference/errors.md"), re.MULTILINE))
    errors = {error.code: error.status for error in every(FilmgateError)}
    for code_of_error, status in errors.items():
        assert code_of_error in {*map(str, FailureCode)} or f"Status {status}" in sections[code_of_error], code_of_error
    assert {*errors, *FailureCode} <= sections.keys()


def every(error: type[FilmgateError]) -> list[type[FilmgateError]]:
    """Return an error with all that derive from it."""
    return [error, *(each for child in error.__subclasses__() for each in every(child))]


def test_the_chapters_are_in_a_chain():
    """Each chapter leads to the next."""
    chapters = sorted((ROOT / "docs/architecture").glob("*.md"))
    assert [chapter.name[:3] for chapter in chapters] == [f"{number:02}-" for number in range(1, len(chapters) + 1)]
    for chapter, following in pairwise(chapters):
        assert links(chapter.read_text("utf-8"))[-1] == following.name
