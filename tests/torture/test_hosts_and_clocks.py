"""Short forms of what tears hosts and clocks away (full: python3 run.py torture clocks, two_hosts)."""

import os
from pathlib import Path

import pytest

from tests.support import databases
from tests.torture import clocks, two_hosts
from tests.torture._result import Trial, tried, tried_small


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", databases.KINDS)
def test_a_paused_holder_of_a_job_wakes_too_late(kind: str, tmp_path: Path) -> None:
    tried_small("F7+F12", clocks.run, kind, tmp_path)


@pytest.mark.timeout(400)
def test_one_of_two_hosts_dies_while_both_send(tmp_path: Path) -> None:
    assert "TEST_POSTGRES_URL" in os.environ
    tried("two hosts", lambda trial: two_hosts.run(trial, 2_000), Trial("postgresql", True, tmp_path))
