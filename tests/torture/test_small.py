"""The short form of every fault this folder plays, with real processes; what each throws is in its program."""

import importlib
from pathlib import Path

import pytest

from tests.torture._result import tried_small

BOTH = ("sqlite", "postgresql")
FAULTS = {
    "F1": ("sending", BOTH),
    "F4": ("outage", ("postgresql",)),
    "F5": ("answers", ("sqlite",)),
    "F6": ("line_down", ("sqlite",)),
    "F8": ("disk_full", BOTH),
    "F10": ("coupons", BOTH),
    "F11": ("strangers", ("postgresql",)),
    "F13": ("sqlite_writers", ("sqlite",)),
    "F14": ("upgrading", ("postgresql",)),
    "others": ("others", ("sqlite",)),
}
EACH = [(fault, module, kind) for fault, (module, kinds) in FAULTS.items() for kind in kinds]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("fault", "module", "kind"), EACH, ids=[f"{module}-{kind}" for _, module, kind in EACH])
def test_nothing_happens_that_never_may(fault: str, module: str, kind: str, tmp_path: Path) -> None:
    run = importlib.import_module(f"tests.torture.{module}").run

    line = tried_small(fault, run, kind, tmp_path)

    assert line["failed"] == ""
