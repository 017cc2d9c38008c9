"""The small forms of what webhooks must survive: killed web workers, ten deliveries of each event, mutated bodies."""

from pathlib import Path

import pytest

from tests.support import databases
from tests.torture import webhook_kill, webhook_mutants, webhook_repeat
from tests.torture._result import Run, tried_small

FAULTS = {"F2": webhook_kill.run, "F3": webhook_repeat.run, "F9": webhook_mutants.run}


@pytest.mark.parametrize("kind", databases.KINDS)
@pytest.mark.parametrize(("fault", "run"), FAULTS.items(), ids=FAULTS)
def test_webhooks_survive(fault: str, run: Run, kind: str, tmp_path: Path) -> None:
    tried_small(fault, run, kind, tmp_path)
