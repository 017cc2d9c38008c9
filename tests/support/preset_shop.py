"""A shop on a preset, with the rows under test switched on: people in situations, a clock, and what they then have."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import answering, automating, programme, retagging, scoring, visiting
from domain.operations.purchasing import Line, record_order
from domain.operations.recording import record
from models.automation import Automation
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.mission import Ticket
from models.outbox import OutgoingMessage
from models.points import PointLine
from models.programme import MemberTag, Tag, Tier, TierLine
from models.staff import StaffNote
from models.store import Store
from tests.support.factories import make_member

PRESETS = Path(programme.__file__).parents[2] / "presets"
OPENED = date(2027, 1, 4)


def read(name: str = "taiwan") -> Any:
    return yaml.safe_load((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))


def all_on(preset: str = "taiwan") -> Any:
    """The file's rows with every automation on and nobody held out."""
    data = read(preset)
    for row in data["automations"]:
        row.update(holdout_percent=0, enabled=True)
    return data


def open_shop(session: Session, preset: str = "taiwan") -> None:
    """Applies a preset with every automation on, at the start of `OPENED`."""
    programme.apply(session, programme.read(all_on(preset)), by="test", now=calendar_of(session).start(OPENED))


class PresetShop:
    """A shop that opened on `OPENED`; of its automations only `rows` have their turn."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: Collection[str] = ()
        self.people: list[Member] = []

    def at(self, day: date, hour: float = 12) -> datetime:
        return calendar_of(self.session).start(day) + timedelta(hours=hour)

    def somebody(self, **fields: Any) -> Member:
        member = make_member(self.session, created_at=self.at(OPENED) - timedelta(days=500), **fields)
        self.people.append(member)
        return member

    def joins(self, member: Member, day: date) -> None:
        member.registered_at = self.at(day)
        self.happens(member, "registered", day)

    def happens(self, member: Member, kind: str, day: date, object: str = "") -> None:
        at = self.at(day)
        record(self.session, kind, member_id=member.id, source="liff", object=object, occurred_at=at, now=at)

    def buys(self, member: Member, *days: date, sku: str = "x", category: str = "", amount: int = 1_000) -> None:
        for day in days:
            record_order(
                self.session, order_ref=f"{member.ref}-{day}-{sku}", paid_at=self.at(day), member_id=member.id,
                source="pos", lines=[Line(1, sku, amount, category=category)], now=self.at(day),
            )  # fmt: skip

    def visits(self, member: Member, day: date) -> None:
        store = self.session.scalars(select(Store).limit(1)).one()
        visiting.visit(self.session, member, store, staff_id=None, now=self.at(day))

    def answers(self, member: Member, form: str, day: date, **answers: Any) -> None:
        answering.answer(self.session, member, form_key=form, answers=answers, now=self.at(day))

    def stands_on(self, member: Member, tier: str) -> None:
        row = self.session.scalars(select(Tier).where(Tier.key == tier)).one()
        at = self.at(OPENED) - timedelta(days=60)
        self.session.add(TierLine(member_id=member.id, tier_id=row.id, reason="by_hand", at=at, cause=f"t:{member.id}"))
        member.tier_id = row.id
        self.session.flush()

    def night(self, day: date) -> None:
        """The scores and tags of the morning of `day`, as the night leaves them."""
        now, ids = self.at(day, 4), [each.id for each in self.people]
        everyone = min(ids), max(ids)
        scoring.score(self.session, day=day - timedelta(days=1), ids=everyone)
        usual = scoring.everyones_gap(self.session)
        scoring.move_cycles(self.session, everyones=usual, ids=everyone)
        scoring.cycles_moved(self.session, everyones=usual)
        retagging.settle(self.session, ids, now=now)

    def clock(self, day: date, hour: float = 12) -> None:
        """The automations' turn: who crossed enters, what is due is done."""
        for automation in self.session.scalars(select(Automation).where(Automation.key.in_(self.rows))):
            automating.enrol(self.session, automation, now=self.at(day, hour))
        while automating.act(self.session, now=self.at(day, hour)):
            pass

    def has(self, member: Member) -> list[str]:
        """What reached the person by automation, in words: a message, coupon, points, tickets, tag or task."""
        mine = self.session.scalars
        messages = _of(OutgoingMessage.name, OutgoingMessage, member)
        found = [f"says {each}" for each in mine(messages.where(OutgoingMessage.once.startswith("automation:")))]
        coupons = _of(Coupon.key, CouponClaim, member).join(Coupon, Coupon.id == CouponClaim.coupon_id)
        found += [f"coupon {each}" for each in mine(coupons.where(CouponClaim.cause.startswith("automation:")))]
        points = _of(PointLine.points, PointLine, member).where(PointLine.cause.startswith("automation:"))
        found += [f"points {each}" for each in mine(points)]
        found += ["ticket" for _ in mine(_of(Ticket.id, Ticket, member).where(Ticket.cause.startswith("automation:")))]
        found += ["task" for _ in mine(_of(StaffNote.id, StaffNote, member).where(StaffNote.kind == "task"))]
        tags = _of(Tag.key, MemberTag, member).join(Tag, Tag.id == MemberTag.tag_id)
        found += [f"tag {each}" for each in mine(tags.where(MemberTag.source == "automation"))]
        return sorted(found)


def _of(column: Any, table: Any, member: Member) -> Any:
    return select(column).select_from(table).where(table.member_id == member.id)
