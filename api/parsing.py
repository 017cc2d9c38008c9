"""From written fields to what the domain takes: times, money, lengths. Files and HTTP share it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from domain import money
from domain.errors import Invalid
from domain.events import KINDS, SHOP_STEPS
from domain.operations import collecting, naming
from domain.operations.importing_events import EventRow
from domain.operations.importing_members import MemberRow
from domain.operations.importing_purchases import PurchaseRow
from domain.operations.purchasing import Line
from domain.wording import language_of, mark
from models.programme import the_brand

LARGEST = 2**53  # what JSON and spreadsheets carry exactly
MEMBER_COLUMNS = (
    "member_ref", "line_user_id", "name", "phone", "email", "birth_date", "gender", "joined_at",
    "home_store", "language", "marketing_consent",
)  # fmt: skip
SCORE_COLUMNS = (
    "tier", "rfm_r", "rfm_f", "rfm_m", "rfm_group", "napl", "cycle_days", "due_on", "p_alive",
    "p_buys_90d", "expected_value_12m", "points", "tags",
)  # fmt: skip
PURCHASE_COLUMNS = (
    "order_id", "line_no", "member_ref", "paid_at", "channel", "store", "sku", "product", "category",
    "quantity", "amount", "kind", "refund_of",
)  # fmt: skip
EVENT_FIELDS = ("id", "kind", "member_ref", "visitor", "at", "source", "campaign", "object", "data")
# Beside the columns of the files: what else may name a person.
MORE_NAMES = ("carrier", "visitor")
YES, NO = {"true", "yes", "y", "1"}, {"false", "no", "n", "0"}


@dataclass
class Parser:
    """Reads fields by the business's own time zone, currency and phone region, and counts what it rounded."""

    zone: ZoneInfo
    currency: str
    region: str
    now: datetime
    formats: tuple[str, ...] = ()
    rounded: int = 0

    @classmethod
    def of(cls, session: Session, *, formats: tuple[str, ...] = (), now: datetime) -> "Parser":
        brand = the_brand(session)
        return cls(ZoneInfo(brand.business_timezone), brand.currency, naming.region_of(session), now, formats)

    def purchase(self, fields: Mapping[str, Any]) -> PurchaseRow:
        """An order line. Raises Invalid with the reason in words."""
        line = Line(
            line_no=self._whole(fields, "line_no", low=0, high=2**31 - 1),
            sku=text(fields, "sku", needed=True),
            amount=self._amount(fields, "amount"),
            quantity=self._whole(fields, "quantity", default=1, low=-(2**31) + 1, high=2**31 - 1),
            kind=text(fields, "kind").lower() or "sale",
            product=text(fields, "product"),
            category=text(fields, "category"),
            refund_of=text(fields, "refund_of") or None,
        ).checked()
        return PurchaseRow(
            order_ref=text(fields, "order_id", needed=True),
            member_ref=text(fields, "member_ref"),
            paid_at=self.moment(fields, "paid_at", needed=True),
            channel=text(fields, "channel", longest=64),
            store=text(fields, "store", longest=64),
            line=line,
        )

    def member(self, fields: Mapping[str, Any]) -> MemberRow:
        """A person. Raises Invalid with the reason in words."""
        return MemberRow(
            member_ref=text(fields, "member_ref", longest=64),
            line_user_id=_line_user_id(text(fields, "line_user_id", longest=64)),
            name=text(fields, "name") or None,
            phone=self._phone(text(fields, "phone", longest=64)),
            email=_email(text(fields, "email")),
            birth_date=_birth_date(text(fields, "birth_date"), self.now),
            gender=text(fields, "gender", longest=64) or None,
            joined_at=self.moment(fields, "joined_at") if text(fields, "joined_at") else None,
            home_store=text(fields, "home_store", longest=64),
            language=language_of(text(fields, "language")) if text(fields, "language") else None,
            marketing_consent=_yes_or_no(fields, "marketing_consent"),
            custom=_custom(fields),
            carrier=_carrier(text(fields, "carrier", longest=64)),
            visitor=_visitor(text(fields, "visitor", longest=64)),
        )

    def event(self, fields: Mapping[str, Any]) -> EventRow:
        """Something that happened. Raises Invalid with the reason in words."""
        for name in fields.keys() - set(EVENT_FIELDS):
            raise Invalid(mark("There is no field %(name)s. Put what belongs to the event into data."), name=name)
        kind = text(fields, "kind", needed=True)
        if kind not in KINDS:
            raise Invalid(mark("There is no event %(kind)s. Use one of the kinds of the manual."), kind=kind)
        member_ref = text(fields, "member_ref")
        visitor = _visitor(text(fields, "visitor", longest=64))
        if not member_ref and (KINDS[kind].needs_member or (kind in SHOP_STEPS and not visitor)):
            raise Invalid(mark("member_ref is empty, and %(kind)s is about a person. Name the person."), kind=kind)
        return EventRow(
            id=text(fields, "id", longest=200) or None,
            kind=kind,
            member_ref=member_ref,
            at=self.moment(fields, "at", needed=True),
            source=text(fields, "source", longest=64) or "import",
            campaign=text(fields, "campaign", longest=64) or None,
            object=text(fields, "object") or None,
            data=_data(fields.get("data")),
            visitor=visitor or "",
        )

    def moment(self, fields: Mapping[str, Any], name: str, *, needed: bool = False) -> datetime:
        """A UTC moment; without a zone it is the business's local time."""
        written = text(fields, name, needed=needed)
        try:
            moment = _moment(written, self.zone, self.formats)
        except (ValueError, OverflowError):
            raise Invalid(
                mark("%(name)s is %(value)s, which is not a time. Write it as 2026-03-10T12:00:00."),
                name=name,
                value=written,
            ) from None
        if moment > self.now + timedelta(days=1):
            raise Invalid(
                mark("%(name)s is %(value)s, which is still to come. Correct the date."), name=name, value=written
            )
        return moment

    def _amount(self, fields: Mapping[str, Any], name: str) -> int:
        written = text(fields, name, needed=True)
        try:
            amount, rounded = money.to_minor(written, self.currency)
        except (ValueError, ArithmeticError):
            raise not_a_number(name, written) from None
        if abs(amount) > LARGEST:
            raise not_a_number(name, written)
        self.rounded += rounded
        return amount

    def _whole(self, fields: Mapping[str, Any], name: str, *, low: int, high: int, default: int | None = None) -> int:
        written = text(fields, name, needed=default is None)
        if not written and default is not None:
            return default
        try:
            number = int(written.removesuffix(".0"))
        except ValueError:
            raise not_a_number(name, written) from None
        if not low <= number <= high:
            raise not_a_number(name, written)
        return number

    def _phone(self, written: str) -> str | None:
        try:
            return naming.normal_phone(written, self.region) if written else None
        except ValueError:
            raise Invalid(
                mark("%(value)s is not a phone number. Write it with its country code."), value=written
            ) from None


def not_a_number(name: str, written: str) -> Invalid:
    return Invalid(
        mark("%(name)s is %(value)s, which is not a number we can keep. Write a plain number."),
        name=name,
        value=written,
    )


def text(fields: Mapping[str, Any], name: str, *, needed: bool = False, longest: int = 255) -> str:
    """A field without blanks around it; empty when the field is absent."""
    value = fields.get(name)
    written = "" if value is None else str(value).strip()
    if needed and not written:
        raise Invalid(mark("%(name)s is empty. Fill it in."), name=name)
    if not written.isascii() or "\x00" in written:
        _storable(name, written)
    if len(written) > longest:
        raise Invalid(mark("%(name)s is longer than %(longest)s characters. Shorten it."), name=name, longest=longest)
    return written


def _storable(name: str, written: str) -> None:
    """Half characters and NUL can come in through JSON escapes; no database takes them."""
    try:
        written.encode()
    except UnicodeEncodeError:
        pass
    else:
        if "\x00" not in written:
            return
    raise Invalid(mark("%(name)s has characters nothing can store. Correct its text."), name=name)


@lru_cache(maxsize=10_000)
def _moment(written: str, zone: ZoneInfo, formats: tuple[str, ...]) -> datetime:
    found = _by_format(written, formats) or datetime.fromisoformat(written)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _by_format(written: str, formats: tuple[str, ...]) -> datetime | None:
    for each in formats:
        try:
            return datetime.strptime(written, each)  # noqa: DTZ007 (the zone is added by the caller)
        except ValueError:
            continue
    return None


def _line_user_id(written: str) -> str | None:
    if written and not naming.LINE_USER_ID.fullmatch(written):
        raise Invalid(
            mark("line_user_id is %(value)s, which is no LINE user id. It is a U and 32 characters."), value=written
        )
    return written or None


def _carrier(written: str) -> str | None:
    if written and not naming.CARRIER.fullmatch(written.upper()):
        raise Invalid(mark("carrier is %(value)s. Write it as /ABC1234, or leave it empty."), value=written)
    return written.upper() or None


def _visitor(written: str) -> str | None:
    if written and not collecting.VISITOR.fullmatch(written):
        raise Invalid(mark("The visitor is not an id: 16 to 64 letters, digits, - or _."))
    return written or None


def _email(written: str) -> str | None:
    try:
        return naming.normal_email(written) if written else None
    except ValueError:
        raise Invalid(mark("%(value)s is not an e-mail address. Correct it."), value=written) from None


def _birth_date(written: str, now: datetime) -> date | None:
    if not written:
        return None
    try:
        day = date.fromisoformat(written.replace("/", "-"))
    except ValueError:
        raise Invalid(
            mark("birth_date is %(value)s, which is not a day. Write it as 1990-05-31."), value=written
        ) from None
    if not 1900 <= day.year <= now.year:
        raise Invalid(mark("birth_date is %(value)s, which cannot be. Correct the year."), value=written)
    return day


def _yes_or_no(fields: Mapping[str, Any], name: str) -> bool | None:
    written = text(fields, name).lower()
    if not written:
        return None
    if written not in YES | NO:
        raise Invalid(mark("%(name)s is %(value)s. Write true, false, or nothing."), name=name, value=written)
    return written in YES


def _custom(fields: Mapping[str, Any]) -> dict[str, str]:
    """The shop's own columns. Our own scores, in a file we wrote, are not theirs to set."""
    ours = {*MEMBER_COLUMNS, *SCORE_COLUMNS, *MORE_NAMES}
    values = {name: text(fields, name, longest=4000) for name in fields if name not in ours}
    for name in values:
        text({"The name of a column": name}, "The name of a column", needed=True, longest=64)
    return {name: value for name, value in values.items() if value}


def _data(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(mark("data is not an object. Write it in braces, or leave it out."))
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (ValueError, RecursionError):  # half characters are ValueErrors too
        raise Invalid(mark("data has numbers or characters nothing can store. Correct them.")) from None
    if "\\u0000" in written or len(written) > 20_000:
        raise Invalid(mark("data is too long or has characters nothing can store. Keep it under 20,000 characters."))
    return value
