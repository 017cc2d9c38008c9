"""Every report: says something when there is nothing, and every number opens into as many people as it says (I6)."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.operations import reporting
from domain.operations.purchasing import Line, record_order
from domain.reports.kept import counted
from domain.reports.told import all_pages, page_named
from models.automation import Automation
from models.member import Member
from models.programme import Segment, Tier, TierLine
from models.score import KeptReport, MemberScore
from models.staff import StaffNote
from tests.support.factories import make_member, make_tag
from tests.support.journey import give_tag, happened, local, make_campaign, send
from tests.support.reporting import asked_of, count, disagreeing, listed, rows, teller, told

DAY = date(2026, 2, 10)
MONTHS = {"month": "2026-02"}
GIVEN = {"cadence": {"quarter": "2026-Q1"}, "portrait": {"segment": "regulars"}}


@pytest.fixture
def now(session: Session) -> datetime:
    return local(session, date(2026, 6, 20))


def buys(session: Session, member: Member, day: date, amount: int = 100, *, channel: str = "web") -> None:
    at = local(session, day)
    record_order(
        session, order_ref=f"{member.id}-{day}-{channel}", member_id=member.id, buyer_ref=None, paid_at=at,
        channel=channel, store_id=None, lines=[Line(line_no=1, sku="T1", amount=amount, category="tea")],
        source="test", now=at,
    )  # fmt: skip


@pytest.fixture
def people(session: Session) -> list[Member]:
    """Forty members with a February: a message, and for some a visit, purchases and a higher tier."""
    joined = local(session, date(2025, 6, 1))
    made = [make_member(session, registered_at=joined, created_at=joined) for _ in range(40)]
    at, campaign = local(session, DAY), make_campaign(session, "spring", at=local(session, DAY))
    silver = [
        Tier(key=key, rank=rank, name={"en": key}, threshold=rank * 10_000)
        for rank, key in enumerate(("base", "silver"))
    ]
    session.add_all([*silver, Segment(key="regulars", name="Regulars", created_at=at,
                                      rule={"condition": "has_tag", "tag": "regular"})])  # fmt: skip
    session.flush()
    tag, coffee = make_tag(session, "regular"), make_tag(session, "coffee")
    for n, member in enumerate(made):
        send(session, campaign, member, at=at)
        member.gender = "female" if n % 2 else "male"
        if n < 30:
            happened(session, member, "visited", at + timedelta(days=1), object="store")
        if n < 20:
            buys(session, member, DAY + timedelta(days=2))
            give_tag(session, member, tag, at=at)
        if n < 15:
            give_tag(session, member, coffee, at=at)
        if n < 12:
            buys(session, member, DAY + timedelta(days=30), channel="pos")
            session.add(MemberScore(member_id=member.id, as_of=DAY, days_365=9))
        if n < 5:
            session.add(TierLine(member_id=member.id, tier_id=silver[1].id, reason="upgraded",
                                 at=at + timedelta(days=40), cause=f"t{n}"))  # fmt: skip
            for days in (0, 1, 2):
                happened(session, member, "participated", at + timedelta(days=days), object="tasting")
    session.add(StaffNote(member_id=made[0].id, kind="chat", text="有沒有年費會員？", created_at=at))
    return made


@pytest.mark.parametrize("key", list(all_pages()))
def test_a_report_of_nothing_says_so(session: Session, key: str, now: datetime) -> None:
    said = told(session, key, now)
    assert said.answer.endswith((".", "!")), said.answer
    assert disagreeing(session, key, now) == []


@pytest.mark.parametrize("key", list(all_pages()))
def test_every_report_says_what_it_is_and_when_not_to_trust_it(key: str) -> None:
    page = page_named(key)
    assert all(len(words) > 30 for words in (page.about, page.rests_on, page.trust))
    written = " ".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert f'"{key}"' in written


def test_a_report_there_is_not_is_refused(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound):
        page_named("horoscope")
    for key in all_pages():
        if key not in ("movement", "roi", "basket", "cadence", "portrait"):
            with pytest.raises(NotFound):
                listed(session, key, "nonsense", now)


@pytest.mark.parametrize(
    "key", ["rates", "path", "funnel", "value", "four_cell", "readiness", "pressure", "cadence", "portrait"]
)
def test_every_number_opens_into_its_people(session: Session, people: list[Member], key: str) -> None:
    now = local(session, DAY) + timedelta(days=60)
    said = told(session, key, now, **GIVEN.get(key, MONTHS))
    assert said.has_data, said.answer
    assert disagreeing(session, key, now, **GIVEN.get(key, MONTHS)) == []


def test_the_path_and_where_it_ends(session: Session, people: list[Member], now: datetime) -> None:
    said = told(session, "path", now, **MONTHS)
    assert said.answer.startswith("Of 40 people first reached in February 2026, 20 bought and 12 bought again")
    steps = {step[0]: step[1] for step in count(session, "path", now, **MONTHS)["steps"]}
    assert steps == {"reached": 40, "identified": 40, "visited": 30, "bought": 20, "again": 12, "rose": 5}
    assert rows(said)["Bought"][3] == "2"  # days, the median
    early = told(session, "path", local(session, DAY) + timedelta(days=60), **MONTHS)
    assert "Not everyone's 90 days have passed: these counts can still grow." in early.more


def test_what_each_tier_brings(session: Session, people: list[Member], now: datetime) -> None:
    said = told(session, "value", now, **MONTHS)
    assert said.answer == "NT$ 2,000 in February 2026 from 20 orders: NT$ 100 an order, NT$ 50 for each member."
    assert rows(said)["Together"][:5] == ["40", "20", "0", "20", "NT$ 2,000"]
    march = told(session, "value", local(session, date(2026, 6, 20)), month="2026-03")
    assert rows(march)["silver"][0] == "5"


def test_four_cells_are_all_members(session: Session, people: list[Member]) -> None:
    document = count(session, "four_cell", local(session, DAY) + timedelta(days=40))
    assert document == {"yes-yes": 5, "yes-no": 7, "no-yes": 0, "no-no": 28}


def test_three_signs_of_readiness(session: Session, people: list[Member], now: datetime) -> None:
    document = count(session, "readiness", now)
    assert (document["signs"], document["two"], document["three"]) == ({"often": 12, "parts": 5, "asks": 1}, 5, 1)


def test_a_portrait_names_what_is_clearly_more_usual(session: Session, people: list[Member], now: datetime) -> None:
    said = told(session, "portrait", now, segment="regulars")
    traits = {row[0].text: row for row in said.tables[0].rows}
    assert {"regular", "coffee", "tea", "online"} <= set(traits)
    assert [cell.text for cell in traits["coffee"][1:]] == ["200", "75.0%", "37.5%"]
    assert "women" not in traits  # as many among the others


def test_blocks_belong_to_the_message_before_them(session: Session, people: list[Member]) -> None:
    second = make_campaign(session, "again", at=local(session, DAY))
    at = local(session, DAY) + timedelta(days=3)
    for member in people[:35]:
        send(session, second, member, at=at)
    for member, days in ((people[0], 1), (people[1], 4), (people[2], 5), (people[39], 8)):
        happened(session, member, "unfollowed", local(session, DAY) + timedelta(days=days))
    now = local(session, DAY) + timedelta(days=30)
    document = count(session, "pressure", now)
    assert document["blocks"] == [[1, 1, 40], [2, 2, 35]]
    said = told(session, "pressure", now)
    assert said.answer.startswith("40 people got 0.1 messages a week each over the last 90 days.")
    assert list(listed(session, "pressure", "2", now).people) == [people[1].id, people[2].id]


def test_a_quarters_decision_is_noted_and_shown(session: Session, people: list[Member], now: datetime) -> None:
    for member in people:
        score = session.get(MemberScore, member.id) or MemberScore(member_id=member.id, as_of=DAY)
        score.gap_count, score.gap_median = 2, 30.0
        session.add(score)
        give_tag(session, member, make_tag(session, f"x{member.id}"), at=now)
    segment = Segment(key="all", name="Everyone", created_at=now, rule={})
    session.add(segment)
    session.flush()
    reporting.note(session, about="cadence:2026-Q1", name="Everyone", words=" Every second  month. ", by="Ann", now=now)
    said = told(session, "cadence", now, quarter="2026-Q1")
    assert rows(said)["Everyone"][-1] == "60 days"
    noting = next(each for each in said.notings if each.name == "Everyone")
    assert (noting.noted, noting.by) == ("Every second month.", "Ann")


def test_the_night_keeps_what_takes_long(session: Session, people: list[Member], now: datetime) -> None:
    page, asked = page_named("basket"), asked_of(session, "basket", now)
    due = reporting.due(session, now=now)
    assert {each.key for each, _ in due} == {"basket"}  # of a small brand, only the longest
    for each, wanted in due:
        reporting.keep(session, reporting.count(session, each, wanted, now=now))
        reporting.keep(session, reporting.count(session, each, wanted, now=now))
    session.flush()
    kept = counted(session, page, asked, now=now + timedelta(hours=5))
    assert kept.as_of == now
    assert kept.document == session.get_one(KeptReport, "basket:product").document
    late = counted(session, page, asked, now=now + timedelta(hours=40))
    assert late.as_of == now + timedelta(hours=40)


def test_a_report_is_told_in_every_language(session: Session, people: list[Member], now: datetime) -> None:
    session.add(Automation(key="a", name={"en": "A"}, trigger={}, actions=[]))
    for language in ("zh-Hant", "ja", "th", "en"):
        for key, page in all_pages().items():
            asked = asked_of(session, key, now)
            assert page.tell(page.count(session, asked, now), asked, teller(session, language)).answer
