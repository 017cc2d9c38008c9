"""Asking a rule of those who may have moved finds everyone whose answer changed, whatever happens between two looks."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain import rules
from domain.calendar import calendar_of
from domain.operations import programme, tagging
from domain.scores._movers import Since
from jobs import retag, scores
from jobs.runner import quiet
from models.clock import machine_now
from models.member import Member
from models.programme import MemberTag, Tag
from models.session import Sessions
from tests.domain.scores.test_movers import Life, populate
from tests.support.factories import make_member, make_purchase, make_tag
from tests.support.moments import NOW

BOUGHT = {"condition": "bought", "times": 2, "days": 30}
RULES = (
    BOUGHT,
    {"not": BOUGHT},
    {"condition": "bought_sku", "skus": ["tea"], "days": 90},
    {"condition": "spent", "compare": "at_most", "amount": 5000, "days": 60},
    {"condition": "last_purchase", "compare": "at_least", "days": 31},
    {"condition": "last_purchase", "compare": "at_most", "days": 7},
    {"condition": "visited", "times": 1, "days": 14},
    {"condition": "did", "event": "clicked", "times": 2, "days": 100},
    {"condition": "joined", "compare": "at_most", "days": 30},
    {"condition": "joined", "compare": "at_least", "days": 29},
    {"condition": "registered", "days": 45},
    {"condition": "has_tag", "tag": "known"},
    {"condition": "napl_is", "states": ["P"]},
    {"condition": "rfm_group", "groups": ["vip", "new", "asleep"]},
    {"all": [{"condition": "registered"}, {"any": [BOUGHT, {"not": {"condition": "has_tag", "tag": "known"}}]}]},
)
STEPS = (1, 1, 1, 2, 3, 7, 30)


class Days(Life):
    """What happens to people, and tags by hand besides."""

    def is_tagged(self) -> None:
        tag = self.session.scalars(select(Tag).where(Tag.key == "known")).one()
        give = self.dice.random() < 0.6
        who, now = [self.someone().id], self.now
        if give:
            tagging.give(self.session, who, tag, source="staff", now=now)
        else:
            tagging.take(self.session, who, tag, source="staff", now=now)


HAPPENINGS = (*("buys",) * 6, *("acts",) * 4, "sends_back", "is_known_at_last", "appears", "registers", "leaves",
              "is_in_a_file", *("is_tagged",) * 3)  # fmt: skip


def answers(session: Session, now: datetime) -> list[set[int]]:
    context = rules.context_of(session, now)
    return [
        set(session.scalars(select(Member.id).where(rules.compile_rule(rules.validate(rule), context))))
        for rule in RULES
    ]


def look(session: Session, now: datetime) -> Since:
    return Since(calendar_of(session).day_of(now), now, machine_now(session))


def forget_marks(session: Session) -> None:
    """As if all that is recorded were recorded long before the last look."""
    session.execute(text("UPDATE purchase SET changed_at = NULL"))
    session.execute(text("UPDATE member SET changed_at = NULL"))
    session.commit()


@pytest.mark.parametrize("seed", range(3))
def test_whoever_an_answer_changed_for_is_among_the_movers(sessions: Sessions, seed: int) -> None:
    dice, now = random.Random(seed), NOW
    with sessions.writing() as session:
        populate(session, dice)
        make_tag(session, "known", kind="behaviour", life_days=20)
        session.commit()
    changes = 0
    for _ in range(10):
        scores.run(sessions, now=now, progress=quiet)
        with sessions.writing() as session:
            forget_marks(session)
            before, since = answers(session, now), look(session, now)
            session.commit()
        now += timedelta(days=dice.choice(STEPS), hours=dice.randrange(-3, 3))
        with sessions.writing() as session:
            for _ in range(dice.randrange(8)):
                getattr(Days(session, dice, now - timedelta(minutes=dice.randrange(60))), dice.choice(HAPPENINGS))()
                session.flush()
            session.commit()
        scores.run(sessions, now=now, progress=quiet)
        with sessions.reading() as session:
            after, context = answers(session, now), rules.context_of(session, now)
            for rule, then, today in zip(RULES, before, after, strict=True):
                found = rules.movers(rules.validate(rule), since, context)
                assert found is not None
                assert then ^ today <= set(session.scalars(found)), rule
                changes += len(then ^ today)
    assert changes > 30  # the test had something to find


def test_a_condition_that_cannot_tell_makes_the_rule_be_asked_of_everyone(session: Session) -> None:
    context = rules.context_of(session, NOW)
    rule = rules.validate({"all": [BOUGHT, {"not": {"condition": "is_friend"}}]})
    assert rules.movers(rule, look(session, NOW), context) is None


def tagged(sessions: Sessions, tag_id: int) -> set[int]:
    with sessions.reading() as session:
        open_rows = MemberTag.tag_id == tag_id, MemberTag.removed_at.is_(None)
        return set(session.scalars(select(MemberTag.member_id).where(*open_rows)))


def test_the_second_night_gives_and_takes_what_asking_everyone_would(sessions: Sessions) -> None:
    with sessions.writing() as session:
        tag = make_tag(session, "buyers", rule={"condition": "bought", "days": 30})
        leaving, staying, coming, _ = (make_member(session) for _ in range(4))
        make_purchase(session, leaving, paid_at=NOW - timedelta(days=29), amount=500)
        make_purchase(session, staying, paid_at=NOW - timedelta(days=5), amount=500)
        session.commit()
        tag_id, who = tag.id, {"leaving": leaving.id, "staying": staying.id, "coming": coming.id}
    retag.run(sessions, now=NOW, progress=quiet)
    assert tagged(sessions, tag_id) == {who["leaving"], who["staying"]}
    with sessions.writing() as session:
        forget_marks(session)
        make_purchase(session, session.get_one(Member, who["coming"]), paid_at=NOW + timedelta(hours=2), amount=500)
        session.commit()
    report = retag.run(sessions, now=NOW + timedelta(days=1), progress=quiet)
    assert tagged(sessions, tag_id) == {who["staying"], who["coming"]}
    assert (report["given"], report["taken"], report["differences"]) == (1, 1, 0)


def test_the_weekly_look_finds_and_mends_what_the_movers_left_out(sessions: Sessions) -> None:
    with sessions.writing() as session:
        tag_id = make_tag(session, "buyers", rule={"condition": "bought", "days": 300}).id
        session.commit()
    retag.run(sessions, now=NOW, progress=quiet)
    with sessions.writing() as session:
        buyer = make_member(session)
        make_purchase(session, buyer, paid_at=NOW - timedelta(days=40), amount=500)
        forget_marks(session)  # somebody wrote past the product
        buyer_id = buyer.id
    assert retag.run(sessions, now=NOW + timedelta(days=2), progress=quiet)["given"] == 0
    report = retag.run(sessions, now=NOW + timedelta(days=8), progress=quiet)
    assert (report["given"], report["differences"]) == (1, 1)
    assert tagged(sessions, tag_id) == {buyer_id}


def test_after_a_programme_was_applied_everyone_is_asked(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_tag(session, "buyers", rule={"condition": "bought", "days": 300})
        session.commit()
    retag.run(sessions, now=NOW, progress=quiet)
    with sessions.writing() as session:
        make_purchase(session, make_member(session), paid_at=NOW - timedelta(days=40), amount=500)
        forget_marks(session)
        whole = programme.export(session)
        whole["brand"]["name"] = "Another name"
        programme.apply(session, programme.read(whole), by="test", now=NOW)
        session.commit()
    assert retag.run(sessions, now=NOW + timedelta(days=1), progress=quiet)["given"] == 1
