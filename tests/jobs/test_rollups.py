"""A large brand reads its figures from what is kept: the same figures and people, and late records shown as late."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from domain.calendar import Month, calendar_of
from domain.metrics import all_metrics
from domain.metrics._counting import TOP, measure, people
from domain.metrics._shape import Period
from domain.operations import closing, purchasing, recording
from domain.reports.falling_segments import standings
from domain.reports.month_people import behind
from domain.reports.monthly_review import figures_of, review
from domain.reports.recording_check import DAYS, daily_counts, silences
from domain.rules import _sets
from jobs import close_month, rollups
from models.event import Event
from models.member import Member
from models.packing import People
from models.people_set import PeopleSet
from models.programme import Segment
from models.rollup import DraftPeople, MetricDaily, MonthDraft, Rollup
from models.score import MonthClose
from tests.support.factories import make_member, make_purchase, make_store, make_tag
from tests.support.journey import give_tag, happened, local, make_campaign, send

NOW = datetime(2026, 7, 3, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
JUNE, JULY = Month(2026, 6), Month(2026, 7)


def quiet(_words):
    pass


def run(sessions, now=NOW):
    return rollups.run(sessions, now=now, progress=quiet)


@pytest.fixture
def busy(sessions):
    """Buyers of March; a message, forms and a fair in June."""
    with sessions.writing() as session:
        store, tag = make_store(session), make_tag(session, "skincare")
        session.add(Segment(key="all", name="All", rule={}, created_at=NOW))
        june = local(session, date(2026, 6, 10))
        campaign, fair = make_campaign(session, "june", at=june), make_campaign(session, "fair", at=june)
        for n in range(60):
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
        happened(session, member, "conversion_completed", NOW, object="form:z", data={"type": "form"})
        session.commit()


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(closing, "LARGE", 1)
    monkeypatch.setattr(_sets, "LARGE", 1)


def more_happens(sessions, at=LATER):
    """Late news of June, and this moment's."""
    with sessions.writing() as session:
        member = make_member(session, created_at=at, registered_at=at)
        make_purchase(session, member, paid_at=local(session, date(2026, 6, 5)), amount=5, recorded_at=at)
        happened(session, member, "conversion_started", local(session, date(2026, 6, 5)), object="form:x",
                 data={"type": "form"}, now=at)  # fmt: skip
        happened(session, member, "opened_app", at)
        send(session, make_campaign(session, f"j{at}", at=at), member, at=at)
        # Somebody had finished before the draft; that they had begun is told of after it.
        finished = session.scalars(select(Event).where(Event.object == "form:z")).one()
        who, began = session.get_one(Member, finished.member_id), finished.occurred_at - timedelta(hours=30)
        happened(session, who, "conversion_started", began, object="form:z", data={"type": "form"}, now=at)
        session.commit()


def rows_of_a_draft(sessions):
    with sessions.reading() as session:
        return session.scalars(select(MonthDraft).order_by(MonthDraft.month)).all()


def test_a_small_brand_keeps_nothing(sessions, busy):
    assert run(sessions) == {}
    assert rows_of_a_draft(sessions) == []


@pytest.mark.parametrize("month", [JUNE, JULY])
def test_a_draft_shows_what_counting_then_would_show(sessions, busy, large, month):
    assert run(sessions)["drafts"] == ["2026-06", "2026-07"]
    more_happens(sessions)
    with sessions.reading() as session:
        period = Period(month, calendar_of(session), NOW)
        kept = figures_of(session, month, now=LATER)
        page = review(session, month, now=LATER)
        assert (page.is_draft, page.is_closed, page.as_of) == (True, False, NOW)
        for key, metric in all_metrics().items():
            assert kept[key] == measure(session, metric, period), key
            for side in ("of", "who"):
                counted = {row[0]: row[1] for row in session.execute(people(metric, period, place=TOP, side=side))}
                found = behind(session, metric, month, place=TOP, side=side, now=LATER)
                assert found.persons == len(counted)
                assert found.total == sum(counted.values()) == getattr(kept[key], side)
                newest = sorted(counted, reverse=True)[:50]
                assert found.people == [(each, counted[each]) for each in newest]


def test_a_large_brands_month_is_not_counted_only_to_compare_with(sessions, busy, large):
    with sessions.reading() as session:
        assert all(entry.before for entry in review(session, JUNE, now=NOW).entries)
    run(sessions)
    with sessions.reading() as session:
        assert all(entry.before for entry in review(session, JULY, now=NOW).entries)
        assert not any(entry.before for entry in review(session, JUNE, now=NOW).entries)


def test_pages_of_a_list_follow_each_other_to_its_end(sessions, busy, large):
    run(sessions)
    with sessions.reading() as session:
        metric, seen, after = all_metrics()["conversion_completion"], [], None
        while True:
            found = behind(session, metric, JUNE, place=("form", ""), side="of", after=after, now=NOW)
            seen += [each for each, _ in found.people]
            after = found.next_after
            if after is None:
                break
        assert seen == sorted(seen, reverse=True)
        assert len(seen) == len(set(seen)) == found.persons == 60


def test_a_number_is_cut_by_segment_from_the_draft(sessions, busy, large):
    run(sessions)
    with sessions.reading() as session:
        (all_of_them,) = standings(session, all_metrics()["conversion_completion"], JUNE, now=NOW)
        assert (all_of_them.figure.who, all_of_them.figure.of) == (0, 90)


def test_a_draft_is_made_again_when_it_is_old_or_asked_for(sessions, busy, large):
    run(sessions)
    assert run(sessions, LATER)["drafts"] == []
    with sessions.writing() as session:
        assert closing.want_draft(session, JUNE, now=LATER)
        session.commit()
    with sessions.reading() as session:
        assert review(session, JUNE, now=LATER).is_wanted
    assert run(sessions, LATER)["drafts"] == ["2026-06"]
    assert run(sessions, NOW + timedelta(hours=1))["drafts"] == ["2026-07"]
    assert [row.as_of for row in rows_of_a_draft(sessions)] == [LATER, NOW + timedelta(hours=1)]
    with sessions.reading() as session:
        drafts = set(session.scalars(select(MonthDraft.id)))
        assert set(session.scalars(select(DraftPeople.draft_id))) <= drafts


def test_what_took_long_is_made_less_often(sessions, busy, large):
    run(sessions)
    with sessions.writing() as session:
        for draft in session.scalars(select(MonthDraft)):
            draft.seconds = 600
        session.commit()
    assert run(sessions, NOW + timedelta(hours=3))["drafts"] == []
    assert run(sessions, NOW + timedelta(hours=4))["drafts"] == ["2026-06", "2026-07"]


def test_a_closed_month_has_no_draft_and_is_never_overwritten_by_one(sessions, busy, large):
    closing_day = datetime(2026, 7, 10, 2, 0, tzinfo=UTC)
    run(sessions)
    with sessions.reading() as session:
        counted = closing.count(session, JUNE, now=NOW)
    close_month.run(sessions, now=closing_day, progress=quiet)
    with sessions.writing() as session:
        assert not closing.store_draft(session, counted, seconds=1)
        assert not closing.store(session, counted)
        assert session.scalars(select(MonthDraft.month)).all() == ["2026-07"]
        assert not closing.want_draft(session, JUNE, now=closing_day)
    assert run(sessions, closing_day)["drafts"] == ["2026-07"]


def test_days_are_counted_again_when_something_comes_late(sessions, busy, large):
    run(sessions)
    more_happens(sessions)
    with sessions.writing() as session:
        recording.unrecord(session, ["nothing"])
        session.commit()
    run(sessions, LATER)
    with sessions.reading() as session:
        kept = {(row.day, row.kind): row.count for row in session.scalars(select(MetricDaily)) if row.count}
        assert kept == daily_counts(session)
        assert (date(2026, 6, 5), "purchase") in kept


def test_what_is_undone_within_minutes_is_not_counted(sessions, busy, large):
    with sessions.writing() as session:
        happened(session, make_member(session), "visited", NOW, dedupe_key="by mistake")
        session.commit()
    run(sessions)
    with sessions.writing() as session:
        recording.unrecord(session, ["by mistake"])
        session.commit()
    run(sessions, LATER)
    with sessions.reading() as session:
        assert session.scalars(select(MetricDaily.count).where(MetricDaily.kind == "visited")).all() == [0]


def test_silence_is_found_in_the_days_kept(sessions, busy, large):
    with sessions.writing() as session:
        member = make_member(session)
        for day in range(40):
            for n in range(6):
                happened(session, member, "opened_app", local(session, date(2026, 5, 1) + timedelta(days=day), 9 + n))
        session.commit()
    with sessions.reading() as session:
        counted = silences(session, JUNE, today=date(2026, 7, 3))
    run(sessions)
    with sessions.reading() as session:
        assert silences(session, JUNE, today=date(2026, 7, 3)) == counted
        assert [each.kind for each in counted] == ["opened_app"]


@pytest.mark.parametrize("is_known", [True, False])
def test_late_records_of_a_closed_month_are_shown_as_late(sessions, busy, large, is_known):
    closing_day = datetime(2026, 7, 10, 2, 0, tzinfo=UTC)
    close_month.run(sessions, now=closing_day, progress=quiet)
    if not is_known:  # closed by a version that did not count them
        with sessions.writing() as session:
            for row in session.scalars(select(MonthClose)):
                row.records = None
            session.commit()
    run(sessions, closing_day)
    more_happens(sessions, closing_day + timedelta(hours=1))
    run(sessions, closing_day + timedelta(hours=2))
    with sessions.reading() as session:
        assert review(session, JUNE, now=closing_day + timedelta(hours=2)).arrived_late == 2
        assert review(session, Month(2026, 5), now=closing_day + timedelta(hours=2)).arrived_late == 0


def test_sets_are_kept_for_everyone_and_every_tag(sessions, busy, large):
    assert run(sessions)["sets"] == 2
    assert run(sessions, LATER)["sets"] == 0
    with sessions.reading() as session:
        assert {len(People.deserialize(ids)) for ids in session.scalars(select(PeopleSet.ids))} == {60, 15}


def test_an_order_that_was_paid_earlier_leaves_its_old_day(sessions, busy, large):
    order = {"lines": [purchasing.Line(1, "a", 100)], "source": "api", "now": NOW}
    with sessions.writing() as session:
        purchasing.record_order(session, order_ref="X", paid_at=local(session, date(2026, 5, 9)), **order)
        session.commit()
    run(sessions)
    with sessions.writing() as session:
        order["lines"].append(purchasing.Line(2, "b", 50))
        purchasing.record_order(session, order_ref="X", paid_at=local(session, date(2026, 5, 4)), **order)
        session.commit()
    for _ in range(2):
        run(sessions, LATER)
        with sessions.reading() as session:
            kept = {(row.day, row.kind): row.count for row in session.scalars(select(MetricDaily)) if row.count}
            assert kept == daily_counts(session)
            assert session.scalars(select(Rollup.name)).all() == [DAYS]


def test_who_asks_while_a_month_is_counted_waits_for_the_next_count(sessions, busy, large):
    run(sessions)
    with sessions.reading() as session:
        counted = closing.count(session, JUNE, now=LATER)
    for asked, is_due in ((LATER + timedelta(minutes=1), True), (LATER - timedelta(minutes=1), False)):
        with sessions.writing() as session:
            assert closing.want_draft(session, JUNE, now=asked)
            assert closing.store_draft(session, counted, seconds=0)
            assert (JUNE in closing.drafts_due(session, now=LATER + timedelta(minutes=1))) is is_due
            session.commit()
