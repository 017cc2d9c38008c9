"""Months close once, with their people, and never change (definitions §4.0; I6, I7)."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics import all_metrics
from domain.metrics._counting import SIDES, TOP, measure, people, take
from domain.metrics._shape import Period
from domain.operations import closing
from domain.reports.month_people import key_of
from domain.reports.monthly_review import figures_of, review
from models.packing import unpack
from models.score import MonthClose, MonthPeople
from tests.support.factories import make_member, make_purchase, make_store, make_tag
from tests.support.journey import give_tag, happened, local, make_campaign, send, share

JUNE = Month(2026, 6)


@pytest.fixture
def closing_day(session: Session) -> datetime:
    return local(session, date(2026, 7, 9), 4)


@pytest.fixture
def busy(session: Session) -> None:
    """A little of everything: buyers of March, and messages, forms and a fair in June."""
    store, tag = make_store(session), make_tag(session, "skincare")
    june = local(session, date(2026, 6, 10))
    campaign, fair = make_campaign(session, "june", at=june), make_campaign(session, "fair", at=june)
    for n in range(12):
        member = make_member(session)
        for day in (date(2026, 3, 3), date(2026, 4, 3))[: 1 + n % 2]:
            make_purchase(session, member, paid_at=local(session, day), amount=100, store_id=store.id)
        send(session, campaign, member, at=june, segments=["a", "b"] if n % 3 == 0 else ["a"])
        if n % 4 == 0:
            happened(session, member, "clicked", june + timedelta(hours=1), campaign_id=campaign.id)
            give_tag(session, member, tag, at=june)
        for name in ("x", "y")[: 1 + n % 2]:
            happened(session, member, "conversion_started", june, object=f"form:{name}", data={"type": "form"})
        happened(session, member, "participated", june, campaign_id=fair.id)


def test_a_month_closes_after_the_8th_of_the_next(session: Session, busy: None, closing_day: datetime) -> None:
    early = local(session, date(2026, 7, 8), 23)
    assert not closing.close(session, JUNE, now=early)
    assert JUNE not in closing.months_to_close(session, now=early)
    assert closing.close(session, JUNE, now=closing_day)
    assert not closing.close(session, JUNE, now=closing_day)
    row = session.scalars(select(MonthClose)).one()
    assert (row.month, row.closed_late) == ("2026-06", False)


def test_more_than_a_week_late_is_said(session: Session, busy: None, closing_day: datetime) -> None:
    assert closing.close(session, JUNE, now=closing_day + timedelta(days=7))
    assert session.scalars(select(MonthClose.closed_late)).one()


def test_months_close_in_order_from_the_first_that_has_a_past(
    session: Session, busy: None, closing_day: datetime
) -> None:
    first = closing.first_month(session)
    due = closing.months_to_close(session, now=closing_day)
    assert due == sorted(due, key=str)
    assert (due[0], due[-1]) == (first, JUNE)
    closing.close(session, due[0], now=closing_day)
    assert closing.months_to_close(session, now=closing_day) == due[1:]


def test_late_data_never_changes_a_closed_month(session: Session, busy: None, closing_day: datetime) -> None:
    closing.close(session, JUNE, now=closing_day)
    before = figures_of(session, JUNE, now=closing_day)
    later = closing_day + timedelta(days=30)
    member = make_member(session)
    make_purchase(session, member, paid_at=local(session, date(2026, 6, 5)), amount=5, recorded_at=later)
    happened(
        session, member, "conversion_started", local(session, date(2026, 6, 5)), object="form:x",
        data={"type": "form"}, now=later,
    )  # fmt: skip
    page = review(session, JUNE, now=later + timedelta(days=1))
    assert {entry.metric.key: entry.figure for entry in page.entries} == before
    assert (page.is_closed, page.arrived_late) == (True, 2)


def test_the_stored_people_are_those_counted(session: Session, busy: None, closing_day: datetime) -> None:
    closing.close(session, JUNE, now=closing_day)
    figures = figures_of(session, JUNE, now=closing_day)
    period = Period(JUNE, calendar_of(session), closing_day)
    stored = {(row.metric, row.part, row.side): row for row in session.scalars(select(MonthPeople))}
    checked = 0
    for key, metric in all_metrics().items():
        places = {TOP: figures[key]}
        for part, figure in figures[key].parts.items():
            places |= {(part, ""): figure, **{(part, word): cut for word, cut in figure.parts.items()}}
        for place, figure in places.items():
            for side, count in zip(SIDES, (figure.of, figure.who), strict=True):
                row = stored.get((key, key_of(place), side))
                ids = unpack(row.ids) if row else []
                live = session.execute(people(metric, period, place=place, side=side)).all()
                assert len(ids) == count == sum(times for _, times in live)
                assert Counter(ids) == {row[0]: row[1] for row in live}
                checked += 1
    assert checked >= 20
    assert share(figures["conversion_completion"]) == (0, 18)
    assert share(figures["segment_engagement"].parts["june"].parts["b"]) == (1, 4)


def test_counting_and_taking_agree(session: Session, busy: None, closing_day: datetime) -> None:
    period = Period(JUNE, calendar_of(session), closing_day)
    for metric in all_metrics().values():
        assert take(session, metric, period).figure == measure(session, metric, period)


def test_a_second_close_adds_no_people(session: Session, busy: None, closing_day: datetime) -> None:
    closing.close(session, JUNE, now=closing_day)
    count = session.scalar(select(func.count()).select_from(MonthPeople))
    closing.close(session, JUNE, now=closing_day + timedelta(days=1))
    assert session.scalar(select(func.count()).select_from(MonthPeople)) == count
