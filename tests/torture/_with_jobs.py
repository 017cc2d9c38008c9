"""Runs a `flask` command with the torture jobs in its timetable and a machine clock that is SHIFT seconds off.

python -m tests.torture._with_jobs SHIFT clock
"""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from flask.cli import main as flask_main

import jobs


def main() -> None:
    shift, *command = sys.argv[1:]
    jobs.__path__.append(str(Path(__file__).parent / "timetable"))
    sys.argv = ["flask", *command]
    off = timedelta(seconds=float(shift))
    with time_machine.travel(datetime.now(UTC) + off) if off else nullcontext():
        flask_main()


if __name__ == "__main__":
    main()
