"""The month beside last month, in the shape scripts read."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.errors import NotFound
from domain.operations import closing
from domain.reports.monthly_review import figures_of, history, latest_month, review
from domain.reports.review_json import as_json
from tests.support.factories import make_member, make_purchase
from tests.support.journey import happened, local, make_campaign, send

KEYS = ["tag_coverage", "segment_engagement", "conversion_completion", "return", "repurchase", "campaign_capture"]


def people_of(session: Session, count: int) -> None:
    march, june = local(session, date(2026, 3, 10)), local(session, date(2026, 6, 10))
    campaign = make_campaign(session, f"june{count}", at=june)
    for n in range(count):
        member = make_member(session)
        make_purchase(session, member, paid_at=march, amount=100)
        send(session, campaign, member, at=june, segments=["a"])
        happened(session, member, "conversion_started", june, object="form:x", data={"type": "form"})
        happened(session, member, "participated", june, campaign_id=campaign.id)
        if n % 2:
            happened(session, member, "clicked", june, campaign_id=campaign.id)


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield said
    event.remove(connection, "before_cursor_execute", note)


def test_the_json_has_the_agreed_shape(session: Session) -> None:
    people_of(session, 4)
    found = as_json(review(session, Month(2026, 6), now=local(session, date(2026, 7, 20))))
    assert (found["month"], found["closed"]) == ("2026-06", False)
    assert list(found["metrics"]) == KEYS
    for made in found["metrics"].values():
        assert {"numerator", "denominator", "value", "low", "high", "previous", "trend"} <= set(made)
    metrics = found["metrics"]
    assert set(metrics["return"]["parts"]) == {"re_engage", "revisit"}
    assert metrics["repurchase"]["value"] == 0
    assert metrics["repurchase"]["previous"] is None
    assert "gap" in metrics["segment_engagement"]["parts"]["june4"]
    assert metrics["segment_engagement"]["parts"]["june4"]["parts"]["a"]["denominator"] == 4
    assert metrics["conversion_completion"]["parts"]["form"]["denominator"] == 4
    assert metrics["tag_coverage"]["low"] is None


def test_a_share_of_nobody_has_no_value(session: Session) -> None:
    found = as_json(review(session, Month(2026, 6), now=local(session, date(2026, 7, 20))))
    assert found["metrics"]["campaign_capture"]["parts"] == {}
    for made in found["metrics"].values():
        assert (made["denominator"], made["value"], made["low"], made["trend"]) == (0, None, None, None)


def test_queries_do_not_grow_with_members(session: Session) -> None:
    def count() -> int:
        with statements(session) as said:
            review(session, Month(2026, 6), now=local(session, date(2026, 7, 20)))
        return len(said)

    people_of(session, 2)
    few = count()
    people_of(session, 30)
    assert count() == few
    with statements(session) as said:
        closing.close(session, Month(2026, 6), now=local(session, date(2026, 7, 20)))
    assert len(said) < 40


def test_last_months_figures_are_the_closed_ones(session: Session) -> None:
    people_of(session, 3)
    now = local(session, date(2026, 7, 20))
    closing.close(session, Month(2026, 6), now=now)
    people_of(session, 5)
    july = review(session, Month(2026, 7), now=now)
    before = {entry.metric.key: entry.before for entry in july.entries}
    assert before == figures_of(session, Month(2026, 6), now=now)
    assert before["repurchase"]
    assert before["repurchase"].of == 3
    assert latest_month(session, now=now) == Month(2026, 6)
    assert list(history(session, Month(2026, 7))) == [Month(2026, 6)]


def test_a_month_to_come_is_refused(session: Session) -> None:
    with pytest.raises(NotFound):
        review(session, Month(2026, 8), now=local(session, date(2026, 7, 31)))
