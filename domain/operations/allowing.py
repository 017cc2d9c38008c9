"""Whether a coupon in hand may be used here and now, by the terms it was issued under; if not, why, for the counter."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of
from domain.errors import Conflict, Gone, Invalid, NotAllowed, Refusal
from domain.messages import _coupon_words as words
from domain.rules import context_of, holds_for, names_of, sentence
from domain.wording import day_words, mark, money_words
from models.benefit import CouponClaim
from models.programme import the_brand
from models.purchase import Purchase
from models.store import Store


def why_not(
    session: Session, claim: CouponClaim, *, store_id: int | None, language: str | None = None, now: datetime
) -> Refusal | None:
    """The first of its terms that stands in the way of a use in this store now; None when nothing does.

    The least spend is asked apart (`spend_refusal`), as the amount is known last.
    """
    language = language or the_brand(session).default_language
    refusals = (
        refusal
        for ask in (_on_a_day, _in_a_store, _by_the_person)
        for refusal in ask(session, claim, store_id, language, now)
    )
    return next(refusals, None)


def spend_refusal(
    session: Session, claim: CouponClaim, *, amount: int | None, order_ref: str | None, language: str | None = None
) -> Refusal | None:
    """Whether the bill is large enough: `amount` in minor units, or that of a recorded order of this person."""
    least = int(claim.terms.get("min_spend") or 0)
    if not least:
        return None
    brand = the_brand(session)
    language = language or brand.default_language
    bill = amount if amount is not None else _amount_of(session, claim, order_ref)
    if bill is None:
        return Invalid(
            mark("The coupon was not used: it needs a bill of %(least)s or more. Type the amount of the bill."),
            code="amount_needed", least=money_words(language, least, brand.currency),
        )  # fmt: skip
    if bill < least:
        return Conflict(
            mark("The coupon was not used: %(missing)s are missing to %(least)s. Use it once the bill is that large."),
            code="spend_missing", least=money_words(language, least, brand.currency),
            missing=money_words(language, least - bill, brand.currency),
        )  # fmt: skip
    return None


def _amount_of(session: Session, claim: CouponClaim, order_ref: str | None) -> int | None:
    if not order_ref:
        return None
    theirs = (Purchase.order_ref == order_ref, Purchase.member_id == claim.member_id)
    return session.scalar(select(Purchase.net_amount).where(*theirs))


def _on_a_day(
    session: Session, claim: CouponClaim, store_id: int | None, language: str, now: datetime
) -> Iterator[Refusal]:
    calendar, weekdays = calendar_of(session), set(claim.terms.get("weekdays") or ())
    today, begins = calendar.day_of(now), words.use_from(claim.terms)
    is_early = begins is not None and now < begins
    if not is_early and (not weekdays or today.isoweekday() in weekdays):
        return
    next_day = _next_day(claim, weekdays, calendar, max(today, calendar.day_of(begins) if begins else today))
    if next_day is None:
        yield Gone(
            mark("This coupon cannot be used: it is good on %(days)s only, and none is left before it ends."),
            code="no_day_left", days=words.weekday_words(language, weekdays),
        )  # fmt: skip
    elif weekdays:
        yield Conflict(
            mark("This coupon cannot be used today: it is good on %(days)s only. Use it from %(day)s on."),
            code="not_today", days=words.weekday_words(language, weekdays), day=day_words(language, next_day),
        )  # fmt: skip
    else:
        yield Conflict(
            mark("This coupon cannot be used yet: it begins later. Use it from %(day)s on."), code="not_today",
            day=day_words(language, next_day),
        )  # fmt: skip


def _next_day(claim: CouponClaim, weekdays: set[int], calendar: Calendar, first: date) -> date | None:
    week = (first + timedelta(days=n) for n in range(7))
    found = next((day for day in week if not weekdays or day.isoweekday() in weekdays), None)
    ends = claim.expires_at
    return found if found is None or ends is None or calendar.start(found) <= ends else None


def _in_a_store(
    session: Session, claim: CouponClaim, store_id: int | None, language: str, now: datetime
) -> Iterator[Refusal]:
    stores = claim.terms.get("stores") or []
    if not stores:
        return
    here = session.get(Store, store_id) if store_id is not None else None
    if here is None or here.key not in stores:
        yield Conflict(
            mark("This coupon cannot be used here: it is good at %(stores)s only. Send them there."), code="not_here",
            stores=words.store_words(session, language, stores),
        )  # fmt: skip


def _by_the_person(
    session: Session, claim: CouponClaim, store_id: int | None, language: str, now: datetime
) -> Iterator[Refusal]:
    rule = claim.terms.get("use_rule")
    if rule and not holds_for(session, rule, claim.member_id, context_of(session, now)):
        yield NotAllowed(
            mark("This coupon cannot be used now: it is for members who: %(rule)s. It can be once that is so."),
            code="not_eligible", rule=sentence(rule, language, names_of(session, language)),
        )  # fmt: skip
