"""Who serves pages and plans jobs does not pay for what only the night needs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_numpy_and_scipy_are_not_imported_before_a_night_runs() -> None:
    code = "import sys, app; from jobs.runner import all_jobs; all_jobs(); print({'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
