"""Counting by sets says what the rows say: for random rules, and while tags are given, taken and run out."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.operations import rolling_up, segmenting, tagging
from domain.rules import _sets, _tag_sets, context_of, validate
from domain.rules._sets import PeopleSets, Shelf, people_of
from models.member import Member
from models.people_set import PeopleSet, key_of_tag, marks_now
from models.programme import Tag
from models.session import Sessions
from tests.domain.rules.test_random_rules import grow, make_town
from tests.support.factories import make_member, make_tag
from tests.support.moments import NOW

TREES = 250
TAGGED = {"condition": "has_tag", "tag": "vip"}
RULE = {"any": [TAGGED, {"not": {"condition": "has_tag", "tag": "dormant"}}]}


def rows(session: Session, rule: dict, now: datetime) -> list[int]:
    return sorted(session.scalars(segmenting.people_in(rule, context_of(session, now))))


def by_sets(session: Session, rule: dict, shelf: Shelf, now: datetime) -> list[int]:
    return list(people_of(session, rule, context_of(session, now), shelf)[0])


def test_random_rules_count_the_same_people_by_sets(session: Session) -> None:
    dice = random.Random(20261122)
    town = make_town(session, dice)
    for flag, person in zip(("is_test", "is_staff", "erased_at"), town, strict=False):
        setattr(session.get_one(Member, person.id), flag, NOW if flag == "erased_at" else True)
    session.flush()
    shelf = Shelf()
    for _ in range(TREES):
        rule = validate(grow(dice))
        assert by_sets(session, rule, shelf, NOW) == rows(session, rule, NOW), rule


@pytest.fixture
def people(session: Session) -> list[int]:
    make_tag(session, "vip", life_days=30)
    make_tag(session, "dormant", life_days=30)
    return [make_member(session).id for _ in range(12)]


def tag(session: Session, key: str) -> Tag:
    return session.scalars(select(Tag).where(Tag.key == key)).one()


def life_goes_on(session: Session, people: list[int]) -> Iterator[datetime]:
    """What happens to tags, one thing after another."""
    vip, dormant = tag(session, "vip"), tag(session, "dormant")
    yield NOW
    tagging.give(session, people[:5], vip, source="staff", now=NOW)
    yield NOW
    tagging.take(session, people[1:3], vip, source="staff", now=NOW + timedelta(minutes=1))
    tagging.give(session, people[6:9], dormant, source="staff", now=NOW + timedelta(minutes=1))
    yield NOW + timedelta(minutes=1)
    # A job goes on giving with the moment at which it began.
    tagging.give(session, people[9:], vip, source="rule", now=NOW - timedelta(hours=3))
    yield NOW + timedelta(minutes=2)
    people.append(make_member(session).id)
    session.get_one(Member, people[0]).erased_at = NOW
    yield NOW + timedelta(minutes=3)
    # They have run out; the job that closes them has not come yet.
    yield NOW + timedelta(days=31)
    tagging.close_run_out(session, now=NOW + timedelta(days=31))
    tagging.give(session, people[:2], vip, source="staff", now=NOW + timedelta(days=31))
    yield NOW + timedelta(days=31, minutes=1)
    dormant.archived_at = NOW + timedelta(days=31)
    yield NOW + timedelta(days=31, minutes=2)


@pytest.mark.parametrize("slack", [0, 50_000])
def test_sets_of_tags_are_never_stale(
    session: Session, people: list[int], monkeypatch: pytest.MonkeyPatch, slack: int
) -> None:
    monkeypatch.setattr(_sets, "REBUILT_AFTER", timedelta(days=400))
    monkeypatch.setattr(_tag_sets, "SLACK", slack)
    monkeypatch.setattr(_tag_sets, "SETTLED_SECONDS", slack)
    shelf = Shelf()
    for moment in life_goes_on(session, people):
        session.flush()
        for rule in (RULE, TAGGED, {"all": []}, {"any": []}, {}):
            assert by_sets(session, rule, shelf, moment) == rows(session, rule, moment), (rule, moment)


def test_who_commits_late_is_counted(sessions: Sessions) -> None:
    """A row is written before others and appears after them, when the sets have moved on."""
    if sessions.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    shelf = Shelf()
    with sessions.writing() as session:
        vip = make_tag(session, "vip")
        people = [make_member(session).id for _ in range(3)]
        session.commit()

    def count() -> int:
        with sessions.reading() as session:
            found = by_sets(session, TAGGED, shelf, NOW)
            assert found == rows(session, TAGGED, NOW)
            return len(found)

    assert count() == 0
    with sessions.writing() as late, sessions.writing() as quick:
        tagging.give(late, people[:1], vip, source="staff", now=NOW)
        tagging.give(quick, people[1:], vip, source="staff", now=NOW)
        quick.commit()
        assert count() == 2
        late.commit()
    assert count() == 3


def test_marks_are_settled_only_while_nobody_holds_an_id(sessions: Sessions) -> None:
    """Not even who took an id of a row before having a transaction id, which no snapshot tells."""
    if sessions.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    with sessions.reading() as reader, sessions.writing() as writer:
        assert marks_now(reader).is_settled
        writer.execute(text("LOCK TABLE member_tag IN ROW EXCLUSIVE MODE"))  # as an INSERT begins
        assert writer.scalar(text("SELECT pg_current_xact_id_if_assigned()")) is None
        assert not marks_now(reader).is_settled
        writer.rollback()
        assert marks_now(reader).is_settled


def test_a_process_that_starts_later_uses_the_stored_sets_and_what_happened_since(
    session: Session, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sets, "REBUILT_AFTER", timedelta(days=400))
    for key in rolling_up.sets_to_make(session, now=NOW):
        rolling_up.keep_set(session, rolling_up.make_set(session, key, now=NOW))
    assert rolling_up.sets_to_make(session, now=NOW + timedelta(hours=1)) == []
    kept = {row.key for row in session.scalars(select(PeopleSet))}
    assert kept == {"members", *(key_of_tag(tag(session, key).id) for key in ("vip", "dormant"))}
    for moment in life_goes_on(session, people):
        session.flush()
        assert by_sets(session, RULE, Shelf(), moment) == rows(session, RULE, moment), moment
    rolling_up.drop_sets(session)
    assert set(session.scalars(select(PeopleSet.key))) == kept - {key_of_tag(tag(session, "dormant").id)}


def test_many_changes_at_once_are_read_anew(
    session: Session, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.rules._tag_sets.MANY", 2)
    shelf = Shelf()
    for moment in life_goes_on(session, people):
        session.flush()
        assert by_sets(session, RULE, shelf, moment) == rows(session, RULE, moment), moment


def test_other_conditions_are_kept_a_few_minutes_and_say_as_of_when(session: Session, people: list[int]) -> None:
    shelf, rule = Shelf(), {"condition": "language_is", "languages": ["ja"]}

    def count(minutes: int) -> tuple[int, datetime]:
        context = context_of(session, NOW + timedelta(minutes=minutes))
        ids, as_of = people_of(session, rule, context, shelf)
        return len(ids), as_of

    assert count(0) == (0, NOW)
    session.get_one(Member, people[0]).language = "ja"
    session.flush()
    assert count(4) == (0, NOW)
    assert count(5) == (1, NOW + timedelta(minutes=5))


def test_a_large_brand_counts_by_sets_and_a_small_one_by_rows(
    session: Session, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(session, NOW)
    tagging.give(session, people[:5], tag(session, "vip"), source="staff", now=NOW)
    small = segmenting.counted(session, TAGGED, context, faces=3)
    monkeypatch.setattr(_sets, "LARGE", 1)
    monkeypatch.setattr(_sets, "SHELF", Shelf())
    large = segmenting.counted(session, TAGGED, context, faces=3)
    assert small.count == large.count == segmenting.count_of(session, TAGGED, context) == 5
    assert list(large.newest) == sorted(people[:5])[-3:]
    assert large.as_of is None


def test_the_least_used_sets_are_forgotten(session: Session, people: list[int]) -> None:
    shelf = Shelf(size=2)
    context = context_of(session, NOW)
    for language in ("ja", "th", "en"):
        PeopleSets(session, context, shelf).of({"condition": "language_is", "languages": [language]})
    assert len(shelf._kept) == 2
