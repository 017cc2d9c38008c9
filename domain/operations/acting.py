"""What an automation does for one person: give, say, tag, or ask staff; and what became of it.

The hold-out keeps back the message. A benefit that was promised (a birthday gift) is given all the same.
"""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Refusal
from domain.messages import automated, booking_reminder
from domain.messages._parts import Rendered, language_for
from domain.operations import granting, linking, speaking, tagging
from domain.wording import day_words, pick
from models.automation import Automation, Enrolment
from models.benefit import CouponClaim
from models.campaign import TrackedLink
from models.channel import the_channel
from models.member import Member
from models.mission import Mission
from models.programme import Tag, the_brand
from models.staff import Staff, StaffNote
from models.store import Booking
from models.substitution import fill

ONE_IS_ENOUGH = timedelta(hours=6)  # between two reminders of one visit


@dataclass
class Case:
    """One person going through one automation once."""

    automation: Automation
    enrolment: Enrolment
    member: Member
    claim: CouponClaim | None = None
    lacks: str | None = None  # why what it promises could not be given: then it says nothing
    sayings: list["Saying"] = field(default_factory=list)

    def cause(self, n: int) -> str:
        """What makes the n-th action happen once."""
        return f"{occasions_of(self.automation)}{self.member.id}:{self.occasion(n)}"

    def occasion(self, n: int) -> str:
        return f"{self.enrolment.cause}:{n}"

    @property
    def held_out(self) -> bool:
        return self.enrolment.arm == "held_out"


@dataclass
class Saying:
    """A marketing message of one case, ready to be said, or held out, or withheld for what the case lacks."""

    case: Case
    occasion: str
    once: str
    link: TrackedLink | None = None
    rendered: Rendered | None = None


def carry_out(
    session: Session, automation: Automation, enrolment: Enrolment, member: Member, *, now: datetime
) -> list[Saying]:
    """Does the automation's actions for this person, once, and leaves on the enrolment what became of it.

    Returns what marketing it has to say, for `saying_together`: one look at the rules of contact for many people.
    """
    case = Case(automation, enrolment, member, _claim_of(session, enrolment))
    enrolment.state = "held_out" if case.held_out else "done"
    if member.erased_at is not None or member.merged_into_id is not None:
        enrolment.state, enrolment.reason = "left", "gone"
        return []
    do = {"grant": _grant, "say": _say, "tag": _tag, "task": _task}
    for n, action in enumerate(automation.actions, 1):
        if case.lacks is None or action["do"] == "say":
            do[action["do"]](session, case, action, n, now=now)
    return case.sayings


def occasions_of(automation: Automation) -> str:
    """What the name of everything it does begins with."""
    return f"automation:{automation.key}:"


def _claim_of(session: Session, enrolment: Enrolment) -> CouponClaim | None:
    ref = enrolment.evidence.get("claim")
    return session.scalar(select(CouponClaim).where(CouponClaim.ref == ref)) if ref else None


def _grant(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    """Gives the benefit. What follows says that it was given, so without it the case ends, unless it is optional."""
    if case.held_out and not action.get("promised"):
        return
    cause, benefit = case.cause(n), action["benefit"]
    try:
        given = granting.grant(
            session, member_id=case.member.id, benefit=benefit, cause=cause, evidence=case.enrolment.evidence, now=now
        )
    except Refusal as refusal:
        case.enrolment.reason = refusal.code
        if not action.get("optional"):
            case.lacks = refusal.code
            case.enrolment.state = "held_out" if case.held_out else "withheld"
        return
    if given is None and "coupon" in benefit:  # given before for the same cause
        given = session.scalar(select(CouponClaim).where(CouponClaim.cause == cause))
    if isinstance(given, CouponClaim):
        case.claim = given


def _say(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    if case.automation.kind == "marketing":
        _say_marketing(session, case, action, n, now=now)
    elif case.lacks is None:
        _say_service(session, case, action, n, now=now)


def _say_service(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    if action["message"] == "booking_reminder" and _reminded_lately(session, case, now=now):
        case.enrolment.state, case.enrolment.reason = "left", "reminded_lately"
        return
    page = the_channel(session).liff_url(action.get("path", "/card"))
    rendered = _render(session, case, action, url=page, now=now)
    if rendered is None:
        case.enrolment.state, case.enrolment.reason = "left", "booking_gone"
        return
    said = speaking.say(
        session, case.member, rendered, kind="service", once=case.cause(n),
        expires_at=_no_use_after(session, case), now=now,
    )  # fmt: skip
    if said.message_id is None:
        case.enrolment.state, case.enrolment.reason = "withheld", said.reason


def _reminded_lately(session: Session, case: Case, *, now: datetime) -> bool:
    """Whether another automation has just spoken of the same visit: one reminder of an evening is enough."""
    other = select(Enrolment.id).where(
        Enrolment.member_id == case.member.id,
        Enrolment.cause == case.enrolment.cause,
        Enrolment.id != case.enrolment.id,
        Enrolment.state == "done",
        Enrolment.due_at > now - ONE_IS_ENOUGH,
    )
    return session.scalar(other.limit(1)) is not None


def _say_marketing(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    """Leaves a recipient row whatever becomes of the message: held out, withheld for a reason, or ready."""
    saying = Saying(case, case.occasion(n), case.cause(n))
    case.sayings.append(saying)
    if case.held_out or case.lacks is not None:
        return
    page = the_channel(session).liff_url(action.get("path", "/card"))
    saying.link = TrackedLink(
        token=secrets.token_urlsafe(linking.TOKEN_BYTES), url=page,
        campaign_id=case.automation.campaign_id, member_id=case.member.id, created_at=now,
    )  # fmt: skip
    saying.rendered = _render(session, case, action, url=linking.address_of(session, saying.link), now=now)
    assert saying.rendered is not None  # only a reminder can have lost its booking, and those are service


def _render(session: Session, case: Case, action: dict[str, Any], *, url: str, now: datetime) -> Rendered | None:
    if action["message"] == "booking_reminder":
        booking = session.scalar(select(Booking).where(Booking.ref == case.enrolment.evidence["booking"]))
        if booking is None or booking.state != "confirmed":
            return None
        calendar = calendar_of(session)
        # What would fall into the night before an early visit is said the evening before.
        is_today = calendar.day_of(booking.starts_at) == calendar.day_of(now)
        when = action["when"] if is_today else "day_before"
        return booking_reminder.render(session, case.member, booking, when=when)
    return automated.render(
        session, case.member, name=action["message"], texts=action["texts"], url=url, values=_values(session, case)
    )


def _values(session: Session, case: Case) -> dict[str, str]:
    """What the programme's words may mention: of what let them in (points, years, mission), of the coupon."""
    language = language_for(the_brand(session), case.member)
    values = _values_of(case.enrolment.evidence, language)
    if "mission" in case.enrolment.evidence:
        named = select(Mission.name).where(Mission.key == case.enrolment.evidence["mission"])
        values["mission"] = pick(session.scalar(named), language)
    if case.claim is None:
        return values
    values["coupon"] = pick(case.claim.terms.get("title"), language)
    if case.claim.expires_at:
        values["until"] = day_words(language, calendar_of(session).day_of(case.claim.expires_at))
    return values


def _values_of(evidence: dict[str, Any], language: str) -> dict[str, str]:
    values: dict[str, str] = {name: str(evidence[name]) for name in ("points", "years") if name in evidence}
    if "until" in evidence:
        values["until"] = day_words(language, date.fromisoformat(evidence["until"]))
    return values


def _no_use_after(session: Session, case: Case) -> datetime | None:
    ref = case.enrolment.evidence.get("booking")
    return session.scalar(select(Booking.starts_at).where(Booking.ref == ref)) if ref else None


def _tag(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    tag = session.scalars(select(Tag).where(Tag.key == action["tag"])).one()
    evidence = {"automation": case.automation.key, **case.enrolment.evidence}
    tagging.give(session, [case.member.id], tag, source="automation", evidence=evidence, now=now)


def _task(session: Session, case: Case, action: dict[str, Any], n: int, *, now: datetime) -> None:
    text = fill(pick(action["text"], the_brand(session).default_language), {"name": case.member.name or ""})
    wanted = select(Staff.id).where(Staff.login == action.get("assignee"), Staff.disabled_at.is_(None))
    assignee_id = session.scalar(wanted) if action.get("assignee") else None  # who has left: whoever is free
    session.add(StaffNote(member_id=case.member.id, kind="task", text=text, assignee_id=assignee_id, created_at=now))
