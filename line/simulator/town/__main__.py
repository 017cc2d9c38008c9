"""Writes the practice town: `python -m line.simulator.town FOLDER`."""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from line.simulator.town.building import build

HERE = timezone(timedelta(hours=8))  # the town lies in Taiwan


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m line.simulator.town", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--people", type=int, default=3000, help="how many (default: 3000)")
    parser.add_argument(
        "--until",
        type=date.fromisoformat,
        default=datetime.now(HERE).date(),
        help="the day the town's history ends before (default: today)",
    )
    return parser


def main() -> int:
    options = arguments().parse_args()
    counts = build(options.folder, until=options.until, people=options.people)
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{options.folder}: {said}")  # noqa: T201 - speaks to a terminal
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # told to stop: no traceback
