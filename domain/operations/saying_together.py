"""Says the marketing of many cases of automations at once: a fixed number of queries, however many people.

The rules of contact are those of `speaking.say`. Somebody with two messages is asked about twice, so that the
cap counts the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import linking
from domain.operations.acting import Saying
from domain.operations.addressing import contact_refusal
from domain.operations.speaking import out_of_quiet_hours, retry_key
from models.campaign import Recipient, TrackedLink
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import insert_for


@dataclass
class _Wish:
    """A saying, what keeps it back, and the rows it becomes."""

    saying: Saying
    friend: Friend | None
    reason: str | None
    due_at: datetime
    traced: linking.Traced | None = None
    recipient_id: int = 0
    message_id: int | None = None

    @property
    def goes(self) -> bool:
        return self.saying.rendered is not None and self.reason is None


def say_all(session: Session, sayings: Sequence[Saying], *, now: datetime) -> None:
    """Leaves a recipient row for each, and a message in the outbox for whom nothing keeps it back."""
    while sayings:
        first = {saying.case.member.id: saying for saying in reversed(sayings)}
        _say_once_each(session, list(first.values()), now=now)
        sayings = [each for each in sayings if first[each.case.member.id] is not each]


def _say_once_each(session: Session, sayings: Sequence[Saying], *, now: datetime) -> None:
    wishes = _wishes(session, sayings, now=now)
    _write_recipients(session, wishes, now=now)
    going = [wish for wish in wishes if wish.goes]
    if going:
        _write_messages(session, going, now=now)
        _write_links(session, [wish for wish in going if wish.message_id is not None])
        _note_repeated(session, [wish for wish in going if wish.message_id is None])


def _wishes(session: Session, sayings: Sequence[Saying], *, now: datetime) -> list[_Wish]:
    brand, calendar = the_brand(session), calendar_of(session)
    due = out_of_quiet_hours(brand, calendar, now, kind="marketing", now=now)
    ids = [saying.case.member.id for saying in sayings]
    refusal = contact_refusal(brand, at=now, member_ids=ids).label("reason")
    asked = (
        select(Member.id, Friend, refusal).outerjoin(Friend, Friend.member_id == Member.id).where(Member.id.in_(ids))
    )
    found = {member_id: (friend, reason) for member_id, friend, reason in session.execute(asked)}
    wishes = []
    for saying in sayings:
        friend, reason = found[saying.case.member.id]
        ends = saying.case.claim.expires_at if saying.case.claim else None
        late = "expired" if ends is not None and due >= ends else None
        wishes.append(_Wish(saying, friend, reason or late, due))
    return wishes


def _write_recipients(session: Session, wishes: Sequence[_Wish], *, now: datetime) -> None:
    rows = [_recipient(wish, now=now) for wish in wishes]
    written = session.execute(insert(Recipient).returning(Recipient.member_id, Recipient.id), rows)
    ids = dict(written.all())
    for wish in wishes:
        wish.recipient_id = ids[wish.saying.case.member.id]


def _recipient(wish: _Wish, *, now: datetime) -> dict[str, Any]:
    case = wish.saying.case
    assert case.automation.campaign_id is not None  # switched on, so it has one
    state, reason, due_at = "ready", None, wish.due_at
    if case.held_out:
        state, due_at = "held_out", now
    elif case.lacks is not None or wish.reason is not None:
        state, reason, due_at = "withheld", case.lacks or wish.reason, now
    if state == "withheld" and case.lacks is None:
        case.enrolment.state, case.enrolment.reason = "withheld", reason
    return {
        "campaign_id": case.automation.campaign_id, "member_id": case.member.id, "occasion": wish.saying.occasion,
        "arm": case.enrolment.arm, "state": state, "reason": reason, "due_at": due_at,
    }  # fmt: skip


def _write_messages(session: Session, wishes: Sequence[_Wish], *, now: datetime) -> None:
    rows = [_message(session, wish, now=now) for wish in wishes]
    written = insert_for(session)(OutgoingMessage).on_conflict_do_nothing(index_elements=["once"])
    ids = {once: id for id, once in session.execute(written.returning(OutgoingMessage.id, OutgoingMessage.once), rows)}
    for wish in wishes:
        wish.message_id = ids.get(wish.saying.once)


def _message(session: Session, wish: _Wish, *, now: datetime) -> dict[str, Any]:
    case, rendered, friend = wish.saying.case, wish.saying.rendered, wish.friend
    assert rendered is not None
    assert friend is not None  # or there were a reason
    campaign_id = case.automation.campaign_id
    wish.traced = linking.Traced(session, rendered.messages, member_id=case.member.id, campaign_id=campaign_id, now=now)
    return {
        "channel_id": friend.channel_id, "medium": "line", "member_id": case.member.id, "to": friend.user_id,
        "kind": "marketing", "name": rendered.name, "messages": wish.traced.messages, "once": wish.saying.once,
        "recipient_id": wish.recipient_id, "campaign_id": campaign_id, "created_at": now, "due_at": wish.due_at,
        "expires_at": case.claim.expires_at if case.claim else None,
        "retry_key": retry_key(case.member, rendered, wish.saying.once),
    }  # fmt: skip


def _write_links(session: Session, wishes: Sequence[_Wish]) -> None:
    rows = []
    for wish in wishes:
        link, traced = wish.saying.link, wish.traced
        assert link is not None
        assert traced is not None
        own = {
            "token": link.token, "url": link.url, "campaign_id": link.campaign_id, "member_id": link.member_id,
            "created_at": link.created_at,
        }  # fmt: skip
        rows += [{**row, "message_id": wish.message_id} for row in (own, *traced.rows)]
    if rows:
        session.execute(insert(TrackedLink), rows)


def _note_repeated(session: Session, wishes: Sequence[_Wish]) -> None:
    """What was said before for the same occasion."""
    for wish in wishes:
        wish.saying.case.enrolment.state, wish.saying.case.enrolment.reason = "withheld", "repeated"
        session.execute(
            update(Recipient).where(Recipient.id == wish.recipient_id).values(state="withheld", reason="repeated")
        )
