"""A worker killed while it sends costs nobody a message and gives nobody two (full size: tests/torture/sending.py)."""

import os
from pathlib import Path

import pytest

from tests.support import databases
from tests.torture.sending import SMALL, run


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", databases.KINDS)
def test_everyone_has_it_once_counted_at_the_receiver(kind: str, tmp_path: Path) -> None:
    assert "TEST_POSTGRES_URL" in os.environ
    assert "letters once each" in run(kind, SMALL, tmp_path)
