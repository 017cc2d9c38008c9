"""What a programme file may say. Sections are lists of things with a `key`; money is in whole currency units."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from domain import rules, triggers
from domain.calendar import parse_clock
from domain.errors import Invalid
from domain.operations import granting
from domain.wording import LANGUAGES, mark


def _texts(value: dict[str, str]) -> dict[str, str]:
    unknown = set(value) - set(LANGUAGES)
    if unknown:
        raise ValueError(f"no language {', '.join(sorted(unknown))}; there are: {', '.join(LANGUAGES)}")
    return value


def _rule(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is not None:
        try:
            rules.validate(value)
        except Invalid as refusal:
            raise ValueError(str(refusal)) from None
    return value


def _trigger(value: dict[str, Any]) -> dict[str, Any]:
    triggers.parse(value)
    return value


def _clock(value: str) -> str:
    if not re.fullmatch(r"\d\d:\d\d", value):
        raise ValueError(f"{value!r} is not a time of day such as 09:00 (write it in quotes)")
    parse_clock(value)
    return value


def _lines(value: dict[str, list[str]]) -> dict[str, list[str]]:
    _texts(dict.fromkeys(value, ""))
    return value


Texts = Annotated[dict[str, str], AfterValidator(_texts)]
Lines = Annotated[dict[str, list[str]], AfterValidator(_lines)]
Rule = Annotated[dict[str, Any] | None, AfterValidator(_rule)]
Trigger = Annotated[dict[str, Any], AfterValidator(_trigger)]
Clock = Annotated[str, AfterValidator(_clock)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,62}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class Section(BaseModel):
    """One thing of the programme; words the product does not know are refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Brand(Section):
    name: str
    colour: Colour = "#2f4b3c"
    logo_url: str | None = None
    default_language: Literal["zh-Hant", "ja", "th", "en"] = "zh-Hant"
    quiet_from: Clock = "21:00"
    quiet_until: Clock = "09:00"
    weekly_cap: int | None = Field(3, ge=1)
    holdout_percent: int = Field(10, ge=0, le=50)
    needs_second_person: bool = False
    message_price: float = Field(0.2, ge=0)
    wording: dict[str, Texts] = {}


class Store(Section):
    key: Key
    name: str
    address: str = ""
    phone: str = ""
    is_open: bool = True
    change_deadline_minutes: int = Field(120, ge=0)


class Tier(Section):
    key: Key
    name: Texts
    threshold: Decimal = Field(Decimal(0), ge=0)
    colour: Colour | None = None
    benefits: Lines = {}


class Tag(Section):
    key: Key
    name: Texts
    kind: Literal["interest", "behaviour", "preference", "need", "life_stage", "value", "profile", "system"] = (
        "behaviour"
    )
    counts_for_coverage: bool = True
    life_days: int | None = Field(None, ge=1)
    rule: Rule = None


class Segment(Section):
    key: Key
    name: str
    rule: Rule


class Coupon(Section):
    key: Key
    title: Texts
    terms: Texts = {}
    kind: Literal["amount_off", "percent_off", "gift"] = "amount_off"
    value: Decimal = Field(Decimal(0), ge=0)
    min_spend: Decimal = Field(Decimal(0), ge=0)
    claimable: bool = True
    rule: Rule = None
    claim_from: datetime | None = None
    claim_until: datetime | None = None
    valid_days: int | None = Field(None, ge=0)
    use_until: datetime | None = None
    valid_to: Literal["month_end"] | None = None
    stock: int | None = Field(None, ge=0)
    per_person: int = Field(1, ge=1)


class Form(Section):
    key: Key
    title: Texts
    intro: Texts = {}
    questions: list[dict[str, Any]]
    is_open: bool = True


class KeywordAnswer(Section):
    key: Key
    keywords: list[str] = Field(min_length=1)
    text: Texts
    link_path: str | None = None


class EntrySource(Section):
    key: Key
    name: str
    store: Key | None = None
    welcome: Texts = {}


class Wait(Section):
    days: int = Field(0, ge=0)
    hours: int = Field(0, ge=0)
    at: Clock | None = None


class Action(Section):
    do: Literal["grant", "say", "tag", "task"]
    benefit: dict[str, Any] | None = None
    promised: bool = False
    optional: bool = False  # without the benefit, the rest is done all the same
    message: Key | None = None
    when: Literal["day_before", "same_day"] | None = None
    texts: dict[Literal["title", "body", "button"], Texts] | None = None
    path: str | None = None
    tag: Key | None = None
    text: Texts | None = None


class Automation(Section):
    key: Key
    name: Texts
    kind: Literal["service", "marketing"] = "marketing"
    trigger: Trigger
    rule: Rule = None
    wait: Wait = Wait()
    actions: list[Action] = Field(min_length=1)
    holdout_percent: int = Field(10, ge=0, le=50)
    reentry_days: int | None = Field(None, ge=1)
    enabled: bool = True


class Programme(Section):
    """The whole file."""

    brand: Brand
    stores: list[Store] = []
    tiers: list[Tier] = []
    tags: list[Tag] = []
    segments: list[Segment] = []
    coupons: list[Coupon] = []
    forms: list[Form] = []
    keyword_answers: list[KeywordAnswer] = []
    entry_sources: list[EntrySource] = []
    automations: list[Automation] = []


def read(data: Any) -> Programme:
    """A parsed file as a programme. Raises Invalid saying where it is wrong and why; nothing is changed."""
    try:
        programme = Programme.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Invalid(
            mark("Nothing was applied: at %(where)s, %(why)s. Correct it and apply again."),
            code="invalid_programme", where=where, why=first["msg"].removeprefix("Value error, "),
        ) from None  # fmt: skip
    _check_whole(programme)
    return programme


def _check_whole(programme: Programme) -> None:
    """What no single section can see: keys said twice, tiers that do not rise, actions naming what is not there."""
    for section in SECTIONS:
        keys = [each.key for each in getattr(programme, section)]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice:
            _wrong(f"{section}.{twice}", "the key stands twice")
    thresholds = [tier.threshold for tier in programme.tiers]
    if thresholds and (thresholds[0] != 0 or thresholds != sorted(set(thresholds))):
        _wrong("tiers", "thresholds start at 0 and rise from tier to tier")
    for automation in programme.automations:
        for n, action in enumerate(automation.actions):
            _check_action(f"automations.{automation.key}.actions.{n}", action, automation, programme)


def _check_action(where: str, action: Action, automation: Automation, programme: Programme) -> None:
    if action.do == "grant":
        _check_benefit(where, action.benefit or {}, programme)
    if action.do == "tag" and action.tag not in {tag.key for tag in programme.tags}:
        _wrong(where, f"there is no tag {action.tag!r}")
    if action.do == "task" and not action.text:
        _wrong(where, "say the text of the task")
    if action.do == "say":
        _check_say(where, action, automation)


def _check_benefit(where: str, benefit: dict[str, Any], programme: Programme) -> None:
    if len(benefit) != 1:
        _wrong(where, "say one benefit")
    kind, value = next(iter(benefit.items()))
    if kind not in granting.kinds():
        _wrong(where, f"there is no benefit {kind!r}; there are: {', '.join(granting.kinds())}")
    if kind == "coupon" and value not in {coupon.key for coupon in programme.coupons}:
        _wrong(where, f"there is no coupon {value!r}")
    if kind == "points" and not (isinstance(value, int) and value > 0):
        _wrong(where, "points are a whole number above 0")
    tier = value.get("tier") if isinstance(value, dict) else None
    if kind == "tier_floor" and tier not in {each.key for each in programme.tiers}:
        _wrong(where, f"there is no tier {tier!r}")


def _check_say(where: str, action: Action, automation: Automation) -> None:
    if not action.message:
        _wrong(where, "name the message")
    if action.message != "booking_reminder":
        return None if action.texts else _wrong(where, "say the texts of the message")
    if automation.trigger["on"] != "before_booking":
        _wrong(where, "only the trigger before_booking knows of which visit to remind")
    if automation.kind != "service" or not action.when:
        _wrong(where, "a reminder is of the kind service, and says when: day_before or same_day")
    return None


def _wrong(where: str, why: str) -> NoReturn:
    raise Invalid(
        mark("Nothing was applied: at %(where)s, %(why)s. Correct it and apply again."),
        code="invalid_programme", where=where, why=why,
    )  # fmt: skip


SECTIONS = (
    "stores", "tiers", "tags", "segments", "coupons", "forms", "keyword_answers", "entry_sources", "automations",
)  # fmt: skip
