"""Which segment's figure is falling (M8), open and closed alike."""

from datetime import date

from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.metrics import all_metrics
from domain.operations import closing
from domain.reports.falling_segments import standings
from models.programme import Segment
from tests.support.factories import make_member
from tests.support.journey import happened, local
from tests.support.moments import NOW


def opens_forms(session: Session, language: str, month: int, *, count: int, finish: int) -> None:
    at = local(session, date(2026, month, 10))
    for n in range(count):
        member = make_member(session, language=language)
        happened(session, member, "conversion_started", at, object="form:x", data={"type": "form"})
        if n < finish:
            happened(session, member, "conversion_completed", at, object="form:x", data={"type": "form"})


def test_the_deepest_fall_comes_first_and_small_ones_last(session: Session) -> None:
    for key in ("ja", "th", "en"):
        rule = {"condition": "language_is", "languages": [key]}
        session.add(Segment(key=key, name=key, rule=rule, created_at=NOW))
    opens_forms(session, "ja", 5, count=40, finish=36)
    opens_forms(session, "ja", 6, count=40, finish=8)
    opens_forms(session, "th", 5, count=40, finish=20)
    opens_forms(session, "th", 6, count=40, finish=19)
    opens_forms(session, "en", 5, count=12, finish=12)
    opens_forms(session, "en", 6, count=12, finish=0)
    now, metric = local(session, date(2026, 7, 9)), all_metrics()["conversion_completion"]
    found = standings(session, metric, Month(2026, 6), now=now)
    assert [(each.name, each.figure.who, each.before.who) for each in found] == [
        ("ja", 8, 36), ("th", 19, 20), ("en", 0, 12),
    ]  # fmt: skip
    assert [each.change and each.change.trend for each in found] == ["down", "no clear change", "down"]
    closing.close(session, Month(2026, 6), now=now)
    assert standings(session, metric, Month(2026, 6), now=now) == found
