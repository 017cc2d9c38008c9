"""Writes the pages of docs/ that repeat what the source says of itself, so that nobody has to keep them in step.

python -m tests.support.docs    writes docs/metrics.md, rules.md, events.md, jobs.md and settings.md
"""

import ast
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import domain.rules
import domain.triggers
from domain.events import KINDS
from domain.metrics import all_metrics, rates
from jobs.runner import NIGHT, all_jobs
from settings import Settings

ROOT = Path(__file__).parents[2]
WRITTEN = "<!-- Written by `python -m tests.support.docs` from the source; edit the docstrings there. -->"


def metrics() -> Iterator[str]:
    yield "# The journey's metrics"
    yield "One file each in `domain/metrics/`. The first paragraph is what the Review shows as the definition."
    for metric in all_metrics().values():
        yield f"## {metric.title} (`{metric.key}`)"
        yield _docstring(f"domain/metrics/{_file_of(metric.rows)}.py")
        yield f"Rests on the events {', '.join(f'`{kind}`' for kind in metric.rests_on) or 'none'}."
    yield "# The wider rates"
    yield "Shown by Reports, month by month; not among the Review's numbers and not in `flask metrics`."
    for metric in rates().values():
        yield f"## {metric.title} (`{metric.key}`)"
        yield _docstring(f"domain/metrics/{_file_of(metric.rows)}.py")


def rules() -> Iterator[str]:
    yield "# Conditions and triggers"
    yield (
        'A rule is `{"all": […]}`, `{"any": […]}`, `{"not": …}` or a condition such as '
        '`{"condition": "last_purchase", "compare": "at_least", "days": 60}`.'
    )
    yield "## Conditions (`domain/rules/`)"
    yield from _folder(domain.rules.__path__[0], "condition")
    yield "## What starts an automation (`domain/triggers/`)"
    yield from _folder(domain.triggers.__path__[0], "on")


def _folder(path: str, word: str) -> Iterator[str]:
    for found in pkgutil.iter_modules([path]):
        if not found.name.startswith("_"):
            module = import_module(f"domain.{Path(path).name}.{found.name}")
            yield f"### `{word}: {found.name}`"
            yield _docstring(f"domain/{Path(path).name}/{found.name}.py")
            fields = ", ".join(f"`{name}`" for name in module.Params.model_fields)
            yield f"Parameters: {fields}." if fields else "No parameters."


def events() -> Iterator[str]:
    yield "# Events"
    yield "The vocabulary of the journey (`domain/events.py`). *Own* marks what a person did of their own accord."
    rows = [
        f"| `{kind.name}` | {kind.means} | {kind.object} | {', '.join(kind.data)} | {'own' if kind.own else ''} |"
        for kind in KINDS.values()
    ]
    yield "\n".join(["| kind | means | object | data | |", "|---|---|---|---|---|", *rows])


def jobs() -> Iterator[str]:
    yield "# Jobs"
    yield "One file each in `jobs/`; `flask job NAME` runs one by hand. Times are the business's own."
    rows = [f"| `{job.name}` | {job.schedule.words()} | {' '.join(job.about.split())} |" for job in all_jobs().values()]
    yield "\n".join(["| job | when | what for |", "|---|---|---|", *rows])
    yield f"`flask job night` runs {', '.join(f'`{name}`' for name in NIGHT)}, in this order."


def settings() -> Iterator[str]:
    yield "# Settings"
    yield (
        "Environment variables, read once at start (`settings.py`). What is missing or malformed stops the start "
        "with one line."
    )
    rows = [
        f"| `{name.upper()}` | {field.description} | {_default(field.default)} |"
        for name, field in Settings.model_fields.items()
    ]
    yield "\n".join(["| name | meaning | default |", "|---|---|---|", *rows])


def _default(value: object) -> str:
    written = getattr(value, "get_secret_value", lambda: value)()
    return f"`{written}`" if written else ""


def _file_of(function: Callable[..., object]) -> str:
    return function.__module__.rsplit(".", 1)[1]


def _docstring(path: str) -> str:
    """A module's docstring, each paragraph on one line."""
    text = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "metrics.md": metrics,
    "rules.md": rules,
    "events.md": events,
    "jobs.md": jobs,
    "settings.md": settings,
}


def page(name: str) -> str:
    """What docs/NAME should say."""
    title, *rest = PAGES[name]()
    return "\n\n".join([title, WRITTEN, *rest]) + "\n"


if __name__ == "__main__":
    for each in PAGES:
        (ROOT / "docs" / each).write_text(page(each), encoding="utf-8")
        print(f"wrote docs/{each}")
