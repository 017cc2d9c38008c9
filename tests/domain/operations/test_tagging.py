"""Tags are given and taken with their reason; a rule tag comes and goes with its rule."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import tagging
from jobs import retag
from models.event import Event
from models.member import Member
from models.programme import MemberTag, Tag
from models.session import Sessions
from tests.support.factories import make_member, make_purchase, make_tag
from tests.support.moments import NOW
from tests.support.retagging import retag as retag_now

BUYERS = {"condition": "bought", "days": 30}


def rows(session: Session, tag: Tag) -> list[MemberTag]:
    query = select(MemberTag).where(MemberTag.tag_id == tag.id).order_by(MemberTag.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def events(session: Session, kind: str) -> int:
    return session.scalar(select(func.count()).select_from(Event).where(Event.kind == kind)) or 0


def test_giving_twice_is_one_tag_renewed(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "tea", kind="interest", life_days=10)
    assert tagging.give(session, [member.id], tag, source="form", evidence={"form": "taste"}, now=NOW) == 1
    later = NOW + timedelta(days=5)
    assert tagging.give(session, [member.id], tag, source="form", now=later) == 0
    (row,) = rows(session, tag)
    assert (row.assigned_at, row.renewed_at, row.expires_at) == (NOW, later, later + timedelta(days=10))
    assert row.evidence == {"form": "taste"}
    assert events(session, "tagged") == 2


def test_a_tag_that_ran_out_is_given_anew(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "tea", life_days=10)
    tagging.give(session, [member.id], tag, source="staff", now=NOW)
    tagging.give(session, [member.id], tag, source="staff", now=NOW + timedelta(days=11))
    old, new = rows(session, tag)
    assert old.removed_at == NOW + timedelta(days=11)
    assert new.removed_at is None
    assert events(session, "untagged") == 1


def test_life_is_a_year_for_behaviour_and_endless_for_profile(session: Session) -> None:
    assert tagging.expiry(make_tag(session, "x", kind="behaviour"), NOW) == NOW + timedelta(days=365)
    assert tagging.expiry(make_tag(session, "y", kind="profile"), NOW) is None


def test_taking_closes_the_row_and_says_so(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "tea")
    tagging.give(session, [member.id], tag, source="staff", now=NOW)
    assert tagging.take(session, [member.id], tag, source="staff", now=NOW) == 1
    assert tagging.take(session, [member.id], tag, source="staff", now=NOW) == 0
    assert rows(session, tag)[0].removed_at == NOW


def test_a_rule_tag_comes_with_its_evidence_and_goes_when_no_longer_true(session: Session) -> None:
    member, other = make_member(session), make_member(session)
    make_purchase(session, member, paid_at=NOW - timedelta(days=1), amount=100, order_ref="WHY")
    tag = make_tag(session, "buyer", rule=BUYERS)
    assert retag_now(session, now=NOW)["given"] == 1
    (row,) = rows(session, tag)
    assert (row.member_id, row.source, row.rule_version) == (member.id, "rule", 1)
    assert row.evidence["why"][0]["because"] == {"condition": "bought", "days": 30}
    assert row.evidence["why"][0]["behind"][0]["object"] == "WHY"
    assert retag_now(session, now=NOW) == {"given": 0, "renewed": 0, "taken": 0, "run_out": 0}
    assert retag_now(session, now=NOW + timedelta(days=30))["taken"] == 1
    assert rows(session, tag)[0].removed_at == NOW + timedelta(days=30)
    assert other.id not in {each.member_id for each in rows(session, tag)}


def test_what_staff_gave_the_rule_does_not_take(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "buyer", rule=BUYERS)
    tagging.give(session, [member.id], tag, source="staff", now=NOW)
    assert retag_now(session, now=NOW)["taken"] == 0
    assert rows(session, tag)[0].removed_at is None


def test_a_new_rule_version_is_noted_on_those_who_stay(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "buyer", rule=BUYERS)
    make_purchase(session, member, paid_at=NOW, amount=100)
    retag_now(session, now=NOW)
    tag.rule, tag.rule_version = {"condition": "spent", "amount": 50}, 2
    session.flush()
    assert retag_now(session, now=NOW)["renewed"] == 1
    (row,) = rows(session, tag)
    assert row.rule_version == 2
    assert row.evidence["why"][0]["because"]["condition"] == "spent"


def test_a_rule_tag_that_stays_true_is_renewed_before_it_lapses(session: Session) -> None:
    make_member(session)
    tag = make_tag(session, "all", rule={}, life_days=40)
    retag_now(session, now=NOW)
    assert retag_now(session, now=NOW + timedelta(days=5))["renewed"] == 0
    assert retag_now(session, now=NOW + timedelta(days=11))["renewed"] > 0
    assert all(row.removed_at is None for row in rows(session, tag))


def test_the_erased_and_the_merged_are_left_alone(session: Session) -> None:
    make_member(session, erased_at=NOW)
    make_member(session, merged_into_id=make_member(session).id)
    tag = make_tag(session, "all", rule={})
    retag_now(session, now=NOW)
    living = select(func.count()).select_from(Member).where(Member.erased_at.is_(None), Member.merged_into_id.is_(None))
    assert len(rows(session, tag)) == session.scalar(living)


def test_the_job_does_the_same_in_pieces_and_may_be_repeated(sessions: Sessions, monkeypatch) -> None:
    monkeypatch.setattr(tagging, "BATCH", 2)
    with sessions.writing() as session:
        for _ in range(5):
            make_purchase(session, make_member(session), paid_at=NOW, amount=10)
        make_tag(session, "buyer", rule=BUYERS)
        session.commit()
    first = retag.run(sessions, now=NOW, progress=print)
    again = retag.run(sessions, now=NOW, progress=print)
    later = retag.run(sessions, now=NOW + timedelta(days=31), progress=print)
    assert (first["given"], again["given"], later["taken"]) == (5, 0, 5)
