"""What is written about the product is true of it."""

import re
from pathlib import Path

import pytest

from app import create_app
from settings import Settings
from tests.support.docs import PAGES, page

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_source_says(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == page(name), "run: python -m tests.support.docs"


def test_the_readme_names_only_files_there_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / path).exists(), path


def test_the_readme_names_only_commands_there_are(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'none.db'}")).cli.commands
    for name in re.findall(r"`flask ([a-z-]+)", text):
        assert name in known, name


def test_every_decision_has_its_three_parts() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert len(decisions) >= 8
    for number, path in enumerate(decisions, 1):
        assert path.name.startswith(f"{number:04d}-")
        text = path.read_text(encoding="utf-8")
        assert all(f"## {part}" in text for part in ("Context", "Choice", "Given up")), path.name
