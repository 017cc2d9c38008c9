"""The short form of every fault this folder plays, with real processes; what each throws is in its program.

All of them together take under five minutes on two quiet cores.
"""

import importlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.torture import two_hosts
from tests.torture._result import Trial, tried, tried_small

# Each on the database that is more in danger; in full every program runs on all it is meant for.
FAULTS = {
    "F1": ("sending", "postgresql"),
    "F2": ("webhook_kill", "postgresql"),
    "F3": ("webhook_repeat", "sqlite"),
    "F4": ("outage", "postgresql"),
    "F5": ("answers", "sqlite"),
    "F6": ("line_down", "sqlite"),
    "F7+F12": ("clocks", "postgresql"),
    "F8": ("disk_full", "sqlite"),
    "F9": ("webhook_mutants", "sqlite"),
    "F10": ("coupons", "sqlite"),
    "F11": ("strangers", "sqlite"),
    "F13": ("sqlite_writers", "sqlite"),
    "F14": ("upgrading", "postgresql"),
    "others": ("others", "sqlite"),
}
EACH = [(fault, module, kind) for fault, (module, kind) in FAULTS.items()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("fault", "module", "kind"), EACH, ids=[f"{module}-{kind}" for _, module, kind in EACH])
def test_nothing_happens_that_never_may(fault: str, module: str, kind: str, tmp_path: Path) -> None:
    run = importlib.import_module(f"tests.torture.{module}").run
    if module == "disk_full" and not may_mount(tmp_path):
        pytest.skip("no right to mount a small disk here: run `python3 run.py torture disk_full` where there is")

    line = tried_small(fault, run, kind, tmp_path)

    assert line["failed"] == ""


def may_mount(folder: Path) -> bool:
    tried_one = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "regulars", str(folder)], capture_output=True)
    return tried_one.returncode == 0 and subprocess.run(["umount", str(folder)], check=False).returncode == 0


@pytest.mark.timeout(400)
def test_one_of_two_hosts_dies_while_both_send(tmp_path: Path) -> None:
    assert "TEST_POSTGRES_URL" in os.environ
    line = tried("two hosts", lambda trial: two_hosts.run(trial, 2_000), Trial("postgresql", True, tmp_path))

    assert line["failed"] == ""
