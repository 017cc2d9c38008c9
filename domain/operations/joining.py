"""Someone becomes a member, or changes their mind about marketing.

A phone or e-mail given here is *claimed*: it is shown to its owner and links nothing until verified
(design §8). Whether it is known already makes no difference to the answer.
"""

from datetime import date, datetime

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.operations import converting, referring, tiering
from domain.operations.converting import NOWHERE, Trace
from domain.operations.naming import normal_email, normal_phone, region_of
from domain.operations.recording import record
from domain.operations.resolving import record_of
from domain.wording import mark, pick, say
from models.member import Identity, Member
from models.programme import Brand
from models.session import insert_for

OLDEST_YEARS = 120
OBJECT = "registration:card"
# Ours, until the brand's programme has wording of its own.
CONSENT = mark("I agree to receive offers and news from %(brand)s on LINE. I can stop them at any time.")


def consent_wording(brand: Brand, language: str) -> str:
    """What a person agrees to, word for word."""
    return pick(brand.wording.get("consent"), language) or say(language, CONSENT, brand=brand.name)


def register(
    session: Session,
    member: Member,
    *,
    name: str,
    phone: str | None = None,
    email: str | None = None,
    birth_date: date | None = None,
    consent: bool,
    consent_wording: str,
    method: str,
    trace: Trace = NOWHERE,
    now: datetime,
) -> bool:
    """Makes a member of a known person; False when they were one already, and then nothing changes.

    Raises Invalid, whose value `field` names what to correct: name, phone, email or birth.
    """
    session.refresh(member, with_for_update=True)  # two taps on the button: the second waits, and finds them a member
    if member.is_member:
        return False
    member.name = _proper_name(name)
    _claim_contacts(session, member, phone=phone, email=email, source=method, now=now)
    if birth_date is not None:
        set_birth_date(session, member, birth_date, now=now)
    member.registered_at = now
    session.flush()
    own = record_of(session, member.id)
    record(
        session, "registered", member_id=member.id, source=method, campaign_id=trace.campaign_id,
        message_id=trace.message_id, data={"method": method}, dedupe_key=f"registered:{own}", now=now,
    )  # fmt: skip
    decide(session, member, agrees=consent, wording=consent_wording, source=method, trace=trace, now=now)
    converting.complete(
        session, member_id=member.id, type="registration", object=OBJECT, source=method,
        once=f"registration:{own}", trace=trace, now=now,
    )  # fmt: skip
    tiering.settle(session, [member.id], now=now)
    referring.settle(session, [member.id], now=now)
    return True


def decide(
    session: Session,
    member: Member,
    *,
    agrees: bool,
    wording: str,
    source: str,
    trace: Trace = NOWHERE,
    at: datetime | None = None,
    now: datetime,
) -> bool:
    """Marketing consent given or refused; refusal stops marketing from this moment (I13).

    `at` is when they said so, where that is not now. What was said before the word on record is kept as
    what happened and changes nothing; False then.
    """
    is_latest = at is None or member.marketing_consent_at is None or member.marketing_consent_at <= at
    if is_latest:
        # LINE's clock may be ahead of ours: what is said here next must not look earlier.
        member.marketing_consent, member.marketing_consent_at = agrees, min(at or now, now)
    record(
        session, "consented" if agrees else "refused", member_id=member.id, source=source, occurred_at=at,
        campaign_id=trace.campaign_id, message_id=trace.message_id,
        data={"wording": wording, "topic": "marketing"}, now=now,
    )  # fmt: skip
    session.flush()
    return is_latest


def set_birth_date(session: Session, member: Member, birth_date: date, *, now: datetime) -> None:
    """Once; later only staff change it. Raises Invalid."""
    if member.birth_date is not None:
        raise Invalid(
            mark(
                "Your birthday is on your card already, so it was not changed. Please ask in the store to correct it."
            ),
            field="birth",
        )
    today = calendar_of(session).day_of(now)
    if not today.year - OLDEST_YEARS <= birth_date.year or birth_date > today:
        raise Invalid(
            mark("This birthday cannot be right, so nothing was saved. Please check the year."), field="birth"
        )
    member.birth_date, member.birth_month, member.birth_day = birth_date, birth_date.month, birth_date.day


def _proper_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or not any(each.isalnum() for each in plain) or len(plain) > 100:
        raise Invalid(
            mark("Your card needs a name, so nothing was saved. Please write what we may call you."), field="name"
        )
    return plain


def _claim_contacts(
    session: Session, member: Member, *, phone: str | None, email: str | None, source: str, now: datetime
) -> None:
    if not phone and not email:
        raise Invalid(
            mark(
                "We need one way to reach you, so nothing was saved. Please give a phone number or an e-mail address."
            ),
            field="phone",
        )
    if phone:
        member.phone = _normal_phone(session, phone)
        _claim(session, member, "phone", member.phone, source=source, now=now)
    if email:
        member.email = _normal_email(email)
        _claim(session, member, "email", member.email, source=source, now=now)


def _claim(session: Session, member: Member, kind: str, value: str, *, source: str, now: datetime) -> None:
    owner = record_of(session, member.id)
    values = {"member_id": owner, "kind": kind, "value": value, "source": source, "created_at": now}
    session.execute(insert_for(session)(Identity).values(values).on_conflict_do_nothing())


def _normal_phone(session: Session, phone: str) -> str:
    try:
        return normal_phone(phone, region_of(session))
    except ValueError:
        raise Invalid(
            mark("This phone number cannot be right, so nothing was saved. Please check its digits."), field="phone"
        ) from None


def _normal_email(email: str) -> str:
    try:
        return normal_email(email)
    except ValueError:
        raise Invalid(
            mark("This e-mail address cannot be right, so nothing was saved. Please check its spelling."), field="email"
        ) from None
