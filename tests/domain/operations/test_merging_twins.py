"""Whatever is joined and parted in whatever order, everyone ends as if nothing ever had been (acceptance 5)."""

import os
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from sqlalchemy.orm import Session

from tests.support.twins import Deed, live_twice, lives

EXAMPLES = {"sqlite": 20, "postgresql": 6}
MORE = int(os.environ.get("TWINS", 1))  # times as many, and at random: TWINS=20 for an hour's proof


def test_a_life_with_merges_ends_as_the_one_without(session: Session, now: datetime) -> None:
    @settings(
        max_examples=EXAMPLES[session.get_bind().dialect.name] * MORE, deadline=None, derandomize=MORE == 1,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(lives)
    def check(life: list[Deed]) -> None:
        with_merges, without = live_twice(session, life, now=now)
        for record, (joined, twin) in enumerate(zip(with_merges, without, strict=True)):
            for figure in twin:
                assert joined[figure] == twin[figure], (record, figure)

    check()
