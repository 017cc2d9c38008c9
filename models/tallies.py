"""What this process has counted and not yet added to the table. Counting costs a dictionary entry and no lock.

`count` and `observe` may be called from anywhere, also on the hot paths; `add_up` is the heart's (heart.py).
"""

from bisect import bisect_left
from collections.abc import Mapping
from threading import Lock

from sqlalchemy.orm import Session

from models.running import Tally
from models.session import insert_for

# Upper bounds in seconds. LINE gives a webhook two seconds, and a request of ours ten.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_LABELS = [*(f'le="{bound:g}"' for bound in BOUNDS), 'le="+Inf"']

_counted: dict[tuple[str, str], float] = {}
_lock = Lock()


def count(name: str, labels: str = "", by: float = 1) -> None:
    """Adds to a figure. `labels` as Prometheus writes them: `status="200"`; few and never about a person."""
    key = (name, labels)
    with _lock:
        _counted[key] = _counted.get(key, 0) + by


def observe(name: str, seconds: float, labels: str = "") -> None:
    """Notes how long something took: one bucket, and the sum."""
    bucket = _LABELS[bisect_left(BOUNDS, seconds)]
    count(f"{name}_bucket", f"{labels},{bucket}" if labels else bucket)
    count(f"{name}_sum", labels, seconds)


def taken() -> dict[tuple[str, str], float]:
    """What has been counted since last time; whoever takes it must add it up or give it back."""
    global _counted
    with _lock:
        mine, _counted = _counted, {}
    return mine


def give_back(counts: Mapping[tuple[str, str], float]) -> None:
    for (name, labels), by in counts.items():
        count(name, labels, by)


def add_up(session: Session, counts: Mapping[tuple[str, str], float]) -> None:
    """Adds to the table, always in the same order, so that two processes never wait for each other in a circle."""
    for (name, labels), by in sorted(counts.items()):
        row = insert_for(session)(Tally).values(name=name, labels=labels, value=by)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["name", "labels"], set_={"value": Tally.value + row.excluded.value}
            )
        )
