"""Everything that happened with one person, newest first: what they did, what we said, bought, given, decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.reports.tier_words import counted_words
from domain.reports.timeline_words import EVENT_WORDS, MESSAGE_STATES, REASONS, TIER_WORDS, TYPES
from domain.wording import money_words, pick, say
from models.benefit import Coupon, CouponClaim
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import Form, Tag, Tier, TierLine, the_brand
from models.purchase import Purchase
from models.staff import Staff, StaffNote
from models.store import Store

PAGE = 40
# Shown from rows that know more: recipients, notes, claims, tiers.
ELSEWHERE = ("sent", "withheld", "noted", "coupon_claimed")
# Conversions whose end is a purchase, a claim, a visit or a registration.
TOLD_ELSEWHERE = ("order", "coupon_claim", "check_in", "registration")
# Objects whose key says nothing to a reader.
UNNAMED = ("booking", "registration")
PREFIXES = ("store", "check_in", "coupon", "form", "tag", "order", "automation", "invoice")


@dataclass(frozen=True)
class Happening:
    """One line: when, what in words, and a little more (`why` it is so, or what was said)."""

    at: datetime
    kind: str  # event | message | purchase | tier | coupon | note
    words: str
    detail: str = ""
    needs: bool = False  # something a person should look at


@dataclass(frozen=True)
class Timeline:
    """A page of happenings; `next_before` is the moment the next page ends at."""

    lines: list[Happening]
    next_before: datetime | None


def timeline(
    session: Session, member: Member, *, language: str, before: datetime | None = None, reads_texts: bool = True
) -> Timeline:
    """The newest PAGE happenings before a moment, and all others of the last one's moment: pages part no moment.

    Without `reads_texts` it says that people and staff wrote, not what.
    """
    teller = _Teller(session, member, language, before, reads_texts)
    lines = sorted(teller.all(), key=lambda line: line.at, reverse=True)
    ends = [line.at for line in lines[PAGE - 1 : PAGE]] + ([teller.told_since] if teller.told_since else [])
    if not ends:
        return Timeline(lines, None)
    shown = [line for line in lines if line.at >= max(ends)]
    return Timeline(shown, max(ends) if len(shown) < len(lines) or teller.has_older else None)


class _Teller:
    """Puts the rows of one person into words."""

    def __init__(
        self, session: Session, member: Member, language: str, before: datetime | None, reads_texts: bool
    ) -> None:
        self.session, self.member, self.language, self.before = session, member, language, before
        self.reads_texts = reads_texts
        self.currency = the_brand(session).currency
        self.names = _names(session, language)
        self.told_since: datetime | None = None  # before it, some source has rows that were not read
        self.has_older = False

    def all(self) -> Iterator[Happening]:
        for tell in (
            self._events,
            self._messages,
            self._sends,
            self._purchases,
            self._tiers,
            self._claims,
            self._notes,
        ):
            yield from tell()

    def say(self, message: str, **values: Any) -> str:
        return say(self.language, message, **values)

    def _newest(self, query: Any, at: Any) -> Any:
        """The newest PAGE rows of a source, and those of the same moment as the next."""
        if self.before is not None:
            query = query.where(at < self.before)
        moments = query.with_only_columns(at, maintain_column_froms=True).order_by(at.desc())
        cut = self.session.scalar(moments.offset(PAGE).limit(1))
        if cut is not None:
            self.told_since = max(cut, self.told_since or cut)
            self.has_older = self.has_older or self.session.scalar(moments.where(at < cut).limit(1)) is not None
            query = query.where(at >= cut)
        return self.session.execute(query.order_by(at.desc()))

    def _events(self) -> Iterator[Happening]:
        query = select(Event, Campaign.name).outerjoin(Campaign, Campaign.id == Event.campaign_id)
        mine = query.where(Event.member_id == self.member.id, Event.kind.not_in(ELSEWHERE))
        for event, campaign in self._newest(mine, Event.occurred_at):
            if _is_for_figures(event):
                continue
            detail = self.say("from %(campaign)s", campaign=campaign) if campaign else ""
            yield Happening(event.occurred_at, "event", self._event_words(event), detail)

    def _event_words(self, event: Event) -> str:
        thing = event.object or str(event.data.get("url") or event.data.get("page") or "")
        words = EVENT_WORDS.get(event.kind, event.kind)
        return self.say(words, thing=self._called(thing, event.kind), **_how(event, self.language)).strip()

    def _called(self, thing: str, kind: str) -> str:
        """What an event's object is called: `coupon:KEY` by the coupon's name, a bare key by its kind's."""
        of, _, key = thing.partition(":")
        if of in UNNAMED:
            return ""
        bare = {"visited": "store", "tagged": "tag", "untagged": "tag", "answered": "form"}.get(kind, "")
        plain = key if of in PREFIXES else thing
        return self.names.get((of, key)) or self.names.get((bare, thing)) or plain

    def _messages(self) -> Iterator[Happening]:
        mine = select(OutgoingMessage).where(OutgoingMessage.member_id == self.member.id)
        for (message,) in self._newest(mine, OutgoingMessage.created_at):
            words = self.say(MESSAGE_STATES.get(message.state, message.state))
            yield Happening(
                message.created_at, "message", f"{words}: {_first_words(message.messages)}",
                self._reason(message.reason), needs=message.state in ("failed", "unsure"),
            )  # fmt: skip

    def _sends(self) -> Iterator[Happening]:
        """Sends to many, and what was kept back with its reason; personal ones are told by their message."""
        told = select(OutgoingMessage.recipient_id).where(OutgoingMessage.recipient_id.is_not(None))
        query = select(Recipient, Campaign.name).join(Campaign, Campaign.id == Recipient.campaign_id)
        mine = query.where(Recipient.member_id == self.member.id, Recipient.id.not_in(told))
        for recipient, name in self._newest(mine, Recipient.due_at):
            words = self.say(MESSAGE_STATES.get(recipient.state, recipient.state))
            at = recipient.due_at
            needs = recipient.state in ("failed", "unsure")
            yield Happening(at, "message", f"{words}: {name}", self._reason(recipient.reason), needs=needs)

    def _reason(self, reason: str | None) -> str:
        return self.say(REASONS.get(reason, reason)) if reason else ""

    def _purchases(self) -> Iterator[Happening]:
        query = select(Purchase, Store.name).outerjoin(Store, Store.id == Purchase.store_id)
        for purchase, store in self._newest(query.where(Purchase.member_id == self.member.id), Purchase.paid_at):
            amount = money_words(self.language, purchase.net_amount, self.currency)
            words = self.say("Bought for %(amount)s", amount=amount)
            detail = " · ".join(filter(None, (store or purchase.channel, purchase.order_ref)))
            yield Happening(purchase.paid_at, "purchase", words, detail)

    def _tiers(self) -> Iterator[Happening]:
        query = select(TierLine, Tier).join(Tier, Tier.id == TierLine.tier_id)
        for line, tier in self._newest(query.where(TierLine.member_id == self.member.id), TierLine.at):
            name = pick(tier.name, self.language)
            words = self.say(TIER_WORDS.get(line.reason, "Tier: %(tier)s"), tier=name)
            yield Happening(line.at, "tier", words, tier_reason(line, self.language, self.currency))

    def _claims(self) -> Iterator[Happening]:
        query = select(CouponClaim, Coupon).join(Coupon, Coupon.id == CouponClaim.coupon_id)
        for claim, coupon in self._newest(query.where(CouponClaim.member_id == self.member.id), CouponClaim.issued_at):
            title = pick(claim.terms.get("title") or coupon.title, self.language)
            given = claim.cause.startswith("claim:")
            words = self.say("Took the coupon %(coupon)s" if given else "Was given the coupon %(coupon)s", coupon=title)
            yield Happening(claim.issued_at, "coupon", words)

    def _notes(self) -> Iterator[Happening]:
        query = select(StaffNote, Staff.name).outerjoin(Staff, Staff.id == StaffNote.author_id)
        for note, author in self._newest(query.where(StaffNote.member_id == self.member.id), StaffNote.created_at):
            yield Happening(note.created_at, "note", self._note(note), author or "", needs=note.closed_at is None)

    def _note(self, note: StaffNote) -> str:
        if not self.reads_texts:
            return self.say("Wrote in the chat" if note.kind == "chat" else "Staff wrote a note")
        return self.say("Wrote in the chat: %(text)s" if note.kind == "chat" else "Note: %(text)s", text=note.text)


def tier_reason(line: TierLine, language: str, currency: str) -> str:
    """Why a tier moved: what was spent against what it takes."""
    spent, threshold = line.evidence.get("spend_365"), line.evidence.get("threshold")
    if spent is None or not threshold:
        return str(line.evidence.get("reason") or "")
    by = {"measure": str(line.evidence.get("measure", "spend")), "currency": currency}
    counted, takes = (counted_words(language, each, **by) for each in (spent, threshold))
    if by["measure"] == "visits":
        return say(language, "%(counted)s in 365 days; the tier takes %(threshold)s.", counted=counted, threshold=takes)
    return say(language, "%(spent)s spent in 365 days; the tier takes %(threshold)s.", spent=counted, threshold=takes)


def _is_for_figures(event: Event) -> bool:
    """Whether another line tells the same: an implied start, or the end of what has a line of its own."""
    told = event.kind == "conversion_completed" and event.data.get("type") in TOLD_ELSEWHERE
    return bool(event.data.get("implied")) or told


def _how(event: Event, language: str) -> dict[str, str]:
    how = {
        "check_in": say(language, "checked in by code"),
        "booking": say(language, "came to a booking"),
        "purchase": say(language, "bought something"),
        "redemption": say(language, "used a coupon"),
    }.get(str(event.data.get("how")), "")
    kind = str(event.data.get("type", ""))
    return {"how": how, "type": say(language, TYPES.get(kind, kind))}


def _first_words(messages: list[Any]) -> str:
    """What the notification of a message says."""
    first = messages[0] if messages else {}
    return str(first.get("text") or first.get("altText") or "")[:160]


def _names(session: Session, language: str) -> dict[tuple[str, str], str]:
    """What keys of the programme are called, by the kind they are written with."""
    stores = session.execute(select(Store.key, Store.name)).all()
    names = {(of, key): name for key, name in stores for of in ("store", "check_in")}
    for of, table, texts in (("tag", Tag, Tag.name), ("coupon", Coupon, Coupon.title), ("form", Form, Form.title)):
        rows = session.execute(select(table.key, texts))
        names.update({(of, key): pick(text, language) or key for key, text in rows})
    return names
