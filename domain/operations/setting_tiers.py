"""A tier set by hand: a floor with an end, a name and a reason, and taking it back (definitions §7)."""

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Invalid
from domain.operations import tiering
from domain.operations.auditing import audit
from domain.scores.tier import BY_HAND, ENDED
from domain.wording import mark
from models.member import Member
from models.programme import Tier, TierLine
from models.staff import Staff


def set_tier(
    session: Session, member: Member, *, tier: Tier, until: date, words: str, staff: Staff, now: datetime
) -> TierLine:
    """They stand at least on `tier` to the end of `until`. Raises Invalid, or Conflict for who is no member."""
    if member.registered_at is None:
        raise Conflict(mark("No tier was set: this person is not a member yet. Register them first."))
    if until < calendar_of(session).day_of(now):
        raise Invalid(mark("No tier was set: the last day has passed. Choose a later one."))
    if not words.strip():
        raise Invalid(mark("No tier was set: say why, so that others know. It stands in the timeline."))
    evidence = {"reason": words.strip()[:500], "staff": staff.name, "until": until.isoformat()}
    line = tiering.grant_floor(
        session, member.id, tier=tier, until=until, reason=BY_HAND, cause=_cause(session, member), evidence=evidence,
        now=now,
    )  # fmt: skip
    assert line is not None  # the cause is new: the person's row is locked by what counted them
    _audited(session, member, staff, "tier_set", {"tier": tier.key, **evidence}, now=now)
    return line


def end_set_tier(session: Session, member: Member, *, words: str, staff: Staff, now: datetime) -> None:
    """What was set by hand holds no longer; the person stands where they stood before, or on what they earned since."""
    if not words.strip():
        raise Invalid(mark("Nothing was taken back: say why, so that others know. It stands in the timeline."))
    standing = session.get(Tier, member.tier_id) if member.tier_id else None
    if standing is None or given_by_hand(session, member, now=now) is None:
        raise Conflict(mark("Nothing was taken back: no tier set by hand holds any more. Look at the page again."))
    evidence = {"reason": words.strip()[:500], "staff": staff.name}
    tiering.grant_floor(
        session, member.id, tier=standing, until=calendar_of(session).day_of(now), reason=ENDED,
        cause=_cause(session, member), evidence=evidence, now=now,
    )  # fmt: skip
    _audited(session, member, staff, "tier_set", {"ended": True, **evidence}, now=now)


def given_by_hand(session: Session, member: Member, *, now: datetime) -> TierLine | None:
    """The latest tier set by hand that holds at `now`; None when none does."""
    latest = (
        select(TierLine)
        .where(TierLine.member_id == member.id, TierLine.reason.in_((BY_HAND, ENDED)))
        .order_by(TierLine.at.desc(), TierLine.id.desc())
        .limit(1)
    )
    line = session.scalars(latest).first()
    holds = line is not None and line.reason == BY_HAND and (line.until is None or line.until >= now)
    return line if holds else None


def _cause(session: Session, member: Member) -> str:
    session.scalar(select(Member.id).where(Member.id == member.id).with_for_update())
    before = select(func.count()).where(TierLine.member_id == member.id, TierLine.reason.in_((BY_HAND, ENDED)))
    return f"by_hand:{member.ref}:{session.scalars(before).one() + 1}"


def _audited(
    session: Session, member: Member, staff: Staff, action: str, data: dict[str, object], *, now: datetime
) -> None:
    audit(session, staff_id=staff.id, action=action, member_id=member.id, data=data, now=now)
