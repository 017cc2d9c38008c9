"""One sender in a process of its own, for tests that stop, wake or kill it: `python -m tests.support.a_sender`."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from line.client import LineAccess
from line.sender import Sender
from line.simulator.testing import Simulator
from models.clock import Clock
from models.session import Sessions, make_engine

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def running(database_url: str, line: Simulator) -> Iterator[subprocess.Popen[str]]:
    """A sender at work until the block ends; it has said that it is there."""
    environment = {
        **os.environ, "DATABASE_URL": database_url, "LINE_API_BASE": line.base_url,
        "LINE_CHANNEL_ACCESS_TOKEN": line.channel.access_token,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.support.a_sender"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]  # asked for above


def main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    access = LineAccess(token=os.environ["LINE_CHANNEL_ACCESS_TOKEN"], base=os.environ["LINE_API_BASE"])
    sender = Sender(Sessions(make_engine(os.environ["DATABASE_URL"])), Clock(), access)
    print("ready", flush=True)
    sender.run(stop)


if __name__ == "__main__":
    import logging

    import structlog

    level = structlog.make_filtering_bound_logger(logging.INFO)  # as in production
    structlog.configure(wrapper_class=level, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    main()
