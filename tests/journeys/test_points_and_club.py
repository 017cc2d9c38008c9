"""Points and the paid club of the Taiwan programme, from the till to the card and the reminder before they end."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import automating, programme, spending
from domain.operations.purchasing import Line, record_order
from domain.reports import card
from models.automation import Automation
from models.member import Member
from models.outbox import OutgoingMessage
from tests.support.factories import make_member
from tests.support.purse import worth

CLUB = ("club", "club_ending", "club_lapsed")
PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"


def local(session: Session, day: date, hour: int = 12) -> datetime:
    return calendar_of(session).start(day) + timedelta(hours=hour)


@pytest.fixture
def brand(session: Session) -> None:
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    for automation in data["automations"]:
        automation["holdout_percent"] = 0
    programme.apply(session, programme.read(data), by="test", now=local(session, date(2026, 1, 1)))


def run(session: Session, now: datetime, *keys: str) -> None:
    """Only these: what else the programme would say in two years is not the matter here, and counts towards the cap."""
    for automation in session.scalars(select(Automation).where(Automation.key.in_(keys))):
        automating.enrol(session, automation, now=now)
    while automating.act(session, now=now):
        pass


def titles(session: Session, member: Member, name: str) -> list[str]:
    mine = select(OutgoingMessage).where(OutgoingMessage.member_id == member.id, OutgoingMessage.name == name)
    return [each.messages[0]["altText"] for each in session.scalars(mine.order_by(OutgoingMessage.id))]


def buy(session: Session, member: Member, ref: str, when: datetime, amount: int, sku: str = "tea") -> None:
    line = Line(1, sku, amount)
    record_order(session, order_ref=ref, member_id=member.id, paid_at=when, lines=[line], source="pos", now=when)


def test_points_from_the_first_purchase_to_the_reminder_before_they_end(session: Session, brand: None) -> None:
    mei = make_member(session, name="Mei", birth_month=4, birth_day=9, birth_date=date(1990, 4, 9))
    buy(session, mei, "A1", local(session, date(2026, 3, 10)), 2_000)
    buy(session, mei, "A2", local(session, date(2026, 4, 10)), 1_000)  # her birth month: twice as many
    now = local(session, date(2026, 4, 12))
    assert card.points_of(session, mei, now=now) == card.Points(20, 20, 40, date(2027, 12, 31))
    spending.spend(session, mei, points=15, ref="till", now=now)
    run(session, local(session, date(2027, 11, 30)), "points_expiring")
    run(session, local(session, date(2027, 12, 1), 11), "points_expiring")
    run(session, local(session, date(2027, 12, 2)), "points_expiring")
    assert titles(session, mei, "points_expiring") == ["Mei, 25 points are about to end"]
    assert card.points_of(session, mei, now=local(session, date(2028, 1, 1))).balance == 0
    assert worth(session, mei) == 25  # until the night takes them


def test_a_year_of_the_club_is_bought_reminded_of_and_stands_on_the_card(session: Session, brand: None) -> None:
    mei = make_member(session, name="Mei")
    bought = local(session, date(2026, 2, 1))
    buy(session, mei, "A1", bought, 1_200, sku="CLUB-365")
    run(session, bought + timedelta(minutes=5), *CLUB)
    assert titles(session, mei, "club_welcome") == ["Welcome to the tea club, Mei"]
    assert card.access_of(session, mei, now=bought + timedelta(hours=1)) == [("club", date(2027, 2, 1))]
    run(session, local(session, date(2027, 1, 2)), *CLUB)
    assert titles(session, mei, "club_ending") == ["Your tea club ends on Mon 1 Feb"]
    run(session, local(session, date(2027, 2, 8)), *CLUB)
    assert titles(session, mei, "club_lapsed") == ["Your place in the tea club is kept for a week"]
    buy(session, mei, "A2", local(session, date(2027, 2, 10)), 1_200, sku="CLUB-365")
    run(session, local(session, date(2027, 2, 10), 13), *CLUB)
    now = local(session, date(2027, 2, 11))
    assert card.access_of(session, mei, now=now) == [("club", date(2028, 2, 1))]
    assert card.tier_of(session, mei) is not None  # the free tier stays below
