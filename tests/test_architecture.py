"""The house stays as it is drawn (design §3): who commits, who writes, and that every addable file is known."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The webhook and its reader write the inbox, the runner its own rows: that is what they are for.
WRITING_DOORS = {
    "bot/claims.py",
    "bot/inbox.py",
    "bot/retries.py",
    "bot/scene.py",
    "jobs/fencing.py",
    "jobs/runner.py",
    "jobs/clock.py",
}
CATALOGUES = (
    "domain/metrics",
    "domain/rules",
    "domain/triggers",
    "domain/messages",
    "domain/scores",
    "domain/benefits",
    "domain/reports/told",
)
WRITES = re.compile(r"\bsession\.(add|add_all|delete|merge)\(|(?<![\w.])(insert|update|delete)\(")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_domain_and_the_tables_never_commit() -> None:
    guilty = [name(path) for path in python_files("domain", "models") if ".commit()" in path.read_text("utf-8")]
    assert guilty == ["models/session.py"]  # a connection's own settings, before anybody has it


def test_doors_do_not_write_but_through_operations() -> None:
    doors = python_files("bot", "liff", "console", "api", "jobs")
    guilty = [
        name(path) for path in doors if name(path) not in WRITING_DOORS and WRITES.search(path.read_text("utf-8"))
    ]
    assert guilty == []


@pytest.mark.parametrize("folder", CATALOGUES)
def test_every_file_of_a_catalogue_says_what_it_is_and_is_tested(folder: str) -> None:
    tests = " ".join(f"{path.stem.removeprefix('test_')} {path.read_text('utf-8')}" for path in python_files("tests"))
    for path in (ROOT / folder).glob("[a-z]*.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{name(path)} has no docstring"
        assert re.search(rf"\b{path.stem}\b", tests), f"nothing under tests/ speaks of {path.stem}"


def test_every_job_says_what_it_is_and_when() -> None:
    from jobs.runner import all_jobs

    for job in all_jobs().values():
        assert job.about, f"jobs/{job.name}.py has no docstring"
        assert job.schedule.words()


def test_nothing_asks_the_machine_for_the_time_inside_the_domain() -> None:
    """`now` is always passed in; time zones are turned in calendar.py alone."""
    clock = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(")
    guilty = [name(path) for path in python_files("domain", "models") if clock.search(path.read_text("utf-8"))]
    assert guilty == ["models/clock.py"]
