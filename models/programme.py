"""The brand's programme: its look, rules of contact, tiers, tags, segments, forms and answers."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime
from models.clock import parse_clock


class Brand(Base):
    """How the brand looks and when it may speak. One row.

    `business_timezone` and `currency` are written from settings at start, so that the domain can
    read them through the session.
    """

    __tablename__ = "brand"

    id: Mapped[Key]
    name: Mapped[Text] = mapped_column(default="Regulars")
    colour: Mapped[Short] = mapped_column(default="#2f4b3c")
    logo_url: Mapped[str | None]
    default_language: Mapped[Short] = mapped_column(default="zh-Hant")
    business_timezone: Mapped[Short] = mapped_column(default="Asia/Taipei")
    currency: Mapped[Short] = mapped_column(default="TWD")
    # Local wall-clock hours between which marketing is not sent.
    quiet_from: Mapped[Short] = mapped_column(default="21:00")
    quiet_until: Mapped[Short] = mapped_column(default="09:00")
    # Marketing messages per person per rolling 7 days; None = no cap (0 would mean none at all).
    weekly_cap: Mapped[int | None] = mapped_column(default=3)
    holdout_percent: Mapped[int] = mapped_column(default=10)
    # Whether a campaign must be approved by somebody other than its writer.
    needs_second_person: Mapped[bool] = mapped_column(default=False)
    salt: Mapped[Short] = mapped_column(default="regulars")
    message_price: Mapped[float] = mapped_column(default=0.2)  # currency units per message past the plan
    # Wording per language: consent, opt-out line, contact …: {"consent": {"en": "…", "zh-Hant": "…"}}
    wording: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # How points are earned: {"per": 100, "points": 1, "pending_days": 7, "expire": "end_of_next_year",
    # "times": [{"key", "times": 2, "on": {weekday, day of month or dates}, "rule": {…}}]}; empty = none are.
    points: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # What tiers are reached by: spend (amount) or visits (days in a store), in 365 days.
    tiers_by: Mapped[Short] = mapped_column(default="spend")
    # Where the end of a grace leads: to what was earned (may be several steps down), or one_step down.
    tiers_fall: Mapped[Short] = mapped_column(default="earned")
    # Which of two rules scores RFM: fixed thresholds or quintiles among buyers; and which NAPL is shown.
    rfm_by: Mapped[Short] = mapped_column(default="fixed")
    napl_by: Mapped[Short] = mapped_column(default="activity")
    # For expected value and ROI: what is left of 100 of revenue; what a point costs, in currency units.
    margin_percent: Mapped[int] = mapped_column(default=100)
    point_cost: Mapped[float] = mapped_column(default=0.0)
    # What reports must know of goods: {"non_goods": ["BAG", …], "bundles": [sku, …], "launches": {sku: "2026-03-01"}};
    # a sku or a category; empty = nothing is special.
    shelf: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The shop's own sites that may report what is looked at: [{"key": "web", "origins": ["https://shop.example"]}]
    sites: Mapped[list[Any]] = mapped_column(Json, default=list)
    # Versions of applied programme files, newest last: [{"at", "sha", "by"}]
    history: Mapped[list[Any]] = mapped_column(Json, default=list)

    def is_quiet(self, moment: datetime) -> bool:
        """Whether `moment` lies in the quiet hours, by the brand's own clock. From and until the same: never."""
        local = moment.astimezone(ZoneInfo(self.business_timezone)).time()
        start, end = parse_clock(self.quiet_from), parse_clock(self.quiet_until)
        return (local >= start or local < end) if start > end else (start <= local < end)


class Tier(Base):
    """A step of the ladder. `threshold` is spend in 365 days, in minor units; rank 0 is the first."""

    __tablename__ = "tier"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    rank: Mapped[int] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    threshold: Mapped[int] = mapped_column(BigInt, default=0)
    colour: Mapped[Short | None]
    benefits: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # lines to show, per language
    # No longer reached since; whoever stands on it keeps it to the end of their period.
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Ladder(Base):
    """The thresholds that hold from a day on, by tier key; the newest of a day wins. Without any: Tier's own, ever.

    Kept so that changing a threshold judges what is spent from then on, and rewrites nobody's past. The first
    change writes two: what held until then, from long ago, and what holds from now.
    """

    __tablename__ = "ladder"
    __table_args__ = (Index("ix_ladder_from", "from_day"),)

    id: Mapped[Key]
    from_day: Mapped[date] = mapped_column(Date)
    thresholds: Mapped[dict[str, Any]] = mapped_column(Json)
    measure: Mapped[Short] = mapped_column(default="spend")  # Brand.tiers_by of that day
    fall: Mapped[Short] = mapped_column(default="earned")  # Brand.tiers_fall of that day
    by: Mapped[Text]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When everyone who reaches a tier by it had been raised; None while the job has that to do.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TierLine(Base):
    """The tier ledger: each move with its cause and the evidence behind it. Never overwritten."""

    __tablename__ = "tier_line"
    __table_args__ = (
        Index("ix_tier_line_member", "member_id", "at"),
        Index("ix_tier_line_recorded", "recorded_at"),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    tier_id: Mapped[int] = mapped_column(BigInt, ForeignKey("tier.id"))
    from_tier_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("tier.id"))
    # joined | upgraded | renewed | held | grace | fell | taken_back | granted | by_hand
    reason: Mapped[Short]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when we learned of it; None: history
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[Text] = mapped_column(unique=True)
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Tag(Base):
    """A word about people. With a rule it is given and taken by the clock; without, by hand or by an action."""

    __tablename__ = "tag"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    # interest | behaviour | preference | need | life_stage | value | profile | system
    kind: Mapped[Short] = mapped_column(default="behaviour")
    counts_for_coverage: Mapped[bool] = mapped_column(default=True)
    life_days: Mapped[int | None]
    rule: Mapped[dict[str, Any] | None] = mapped_column(Json)
    rule_version: Mapped[int] = mapped_column(default=1)
    # Up to where the night has brought it, of which version of the rule, and when it last asked everyone.
    tagged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tagged_machine_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tagged_version: Mapped[int | None]
    compared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberTag(Base):
    """A tag on a person, from `assigned_at` until removed or expired. One open row per person and tag."""

    __tablename__ = "member_tag"
    __table_args__ = (
        Index(
            "uq_member_tag_open",
            "tag_id",
            "member_id",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_member_tag_member", "member_id", "tag_id"),
        Index(
            "ix_member_tag_expires",
            "expires_at",
            "tag_id",
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    tag_id: Mapped[int] = mapped_column(BigInt, ForeignKey("tag.id"))
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source: Mapped[Short]  # rule | staff | form | campaign | import | automation
    rule_version: Mapped[int | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Segment(Base):
    """A saved rule about people."""

    __tablename__ = "segment"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Text]
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Form(Base):
    """A questionnaire built from data: questions with their kinds, and what answers turn into."""

    __tablename__ = "form"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    title: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    intro: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # [{"key", "label": {lang: …}, "kind": "choice|choices|text|score|date", "options": [{"value",
    #   "label": {…}, "tag": "tag_key"?, "right": bool?}], "field": "custom_field"?, "required": bool}]
    questions: Mapped[list[Any]] = mapped_column(Json, default=list)
    is_open: Mapped[bool] = mapped_column(default=True)
    # form | nps | csat | quiz. Of a survey, the first question of kind `score` is the score; a low one raises care.
    kind: Mapped[Short] = mapped_column(default="form")
    # What follows a score, the highest that was reached: [{"at_least": 3, "text": {lang: …}, "path": "/coupons",
    #   "button": {lang: …}, "tag": "tag_key"}]. Of a quiz the score is the right answers (options with `right`).
    bands: Mapped[list[Any]] = mapped_column(Json, default=list)


class FormAnswer(Base):
    __tablename__ = "form_answer"
    __table_args__ = (Index("ix_form_answer_member", "member_id", "form_id"),)

    id: Mapped[Key]
    form_id: Mapped[int] = mapped_column(BigInt, ForeignKey("form.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    answers: Mapped[dict[str, Any]] = mapped_column(Json)
    score: Mapped[int | None]  # of a survey or quiz
    via_id: Mapped[int | None] = mapped_column(BigInt)  # as models/event.py
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeywordAnswer(Base):
    """What the bot answers to a word. `keywords` are compared folded and whole."""

    __tablename__ = "keyword_answer"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    keywords: Mapped[list[Any]] = mapped_column(Json, default=list)
    text: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # per language
    link_path: Mapped[Text | None]  # a mini-app page to offer, such as /book


class EntrySource(Base):
    """Where friends come from: a tracked link or QR per store, staff member or ad, and its welcome."""

    __tablename__ = "entry_source"

    id: Mapped[Key]
    key: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Text]
    store_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("store.id"))
    welcome: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # extra words, per language
    kind: Mapped[Short] = mapped_column(default="store")  # store | staff | ad | event
    campaign_ref: Mapped[Text | None]  # of an event on site: who comes by it takes part in this campaign


class RichMenu(Base):
    """A published rich menu: one per language, versioned because its image at LINE is write-once."""

    __tablename__ = "rich_menu"

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    key: Mapped[Short] = mapped_column(unique=True)  # e.g. default-ja
    language: Mapped[Short]
    line_id: Mapped[Short | None]
    digest: Mapped[Short | None]
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def the_brand(session: Session) -> Brand:
    """The brand's one row, read once in a session. Raises LookupError before `flask migrate` has written it."""
    known: Brand | None = session.info.get("brand")
    if known is not None and known in session:
        return known
    brand = session.scalar(select(Brand).order_by(Brand.id).limit(1))
    if brand is None:
        raise LookupError("no brand yet: run `flask migrate`")
    session.info["brand"] = brand
    return brand
