"""Writing a campaign: its message, its audience, when. Only a draft can be changed, and only from what was read."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.messages import campaign_card
from domain.messages._parts import Rendered
from domain.operations import personalising, speaking
from domain.rules import validate
from domain.wording import mark
from models.campaign import Campaign
from models.channel import the_channel
from models.member import Member
from models.programme import Segment, the_brand
from models.substitution import fields_in, utf16

CONTENT = ("title", "text", "button_label", "button_url", "image_url")
LONGEST = {"title": 120, "text": 2000, "button_label": 20, "button_url": 1000, "image_url": 2000}
EDITABLE = ("name", "content", "audience_rule", "compare_segments", "holdout_percent", "scheduled_at", "tag_key")


def create(session: Session, *, name: str, staff_id: int | None = None, now: datetime) -> Campaign:
    """A new draft, with the brand's own hold-out."""
    campaign = Campaign(
        ref=_new_ref(now), name=_checked_name(name), state_at=now, created_at=now, created_by_id=staff_id,
        channel_id=the_channel(session).id, holdout_percent=the_brand(session).holdout_percent,
        content={}, audience_rule={}, template=[], compare_segments=[],
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    return campaign


def copy(session: Session, *, ref: str, staff_id: int | None = None, now: datetime) -> Campaign:
    """A draft like another campaign: the way to send something again."""
    source = named(session, ref)
    twin = create(session, name=source.name, staff_id=staff_id, now=now)
    twin.content, twin.audience_rule = dict(source.content), dict(source.audience_rule)
    twin.compare_segments, twin.tag_key = list(source.compare_segments), source.tag_key
    twin.holdout_percent, twin.how = source.holdout_percent, source.how
    session.flush()
    return twin


def edit(
    session: Session,
    *,
    ref: str,
    edit_version: int,
    changes: Mapping[str, Any],
    staff_id: int | None = None,
    now: datetime,
) -> Campaign:
    """Changes a draft. Raises Conflict when it is no draft or was changed since `edit_version` was read."""
    campaign = named(session, ref, lock=True)
    if campaign.state != "draft":
        raise Conflict(
            mark("The campaign was not changed because it is no longer a draft. Take it back to draft first."),
            code="not_a_draft",
        )
    if campaign.edit_version != edit_version:
        raise Conflict(
            mark("The campaign was not saved because it was changed in another window. Open it again to see how."),
            code="changed_meanwhile",
        )
    for field, value in _checked(session, changes).items():
        setattr(campaign, field, value)
    campaign.how = _how(campaign)
    campaign.edit_version += 1
    campaign.edited_by_id = staff_id
    session.flush()
    return campaign


def named(session: Session, ref: str, *, lock: bool = False) -> Campaign:
    """The campaign of this ref. Raises NotFound."""
    query = select(Campaign).where(Campaign.ref == ref)
    campaign = session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)
    if campaign is None:
        raise NotFound(mark("There is no such campaign. Choose one from the list."))
    return campaign


def problems(content: Mapping[str, Any]) -> Invalid | None:
    """What stands in the way of sending this message; None when nothing does."""
    for field in CONTENT:
        if utf16(content.get(field) or "") > LONGEST[field]:
            return Invalid(
                mark("The message is too long: %(field)s may have %(n)s characters. Shorten it."),
                code="too_long", field=field, n=LONGEST[field],
            )  # fmt: skip
    return _missing(content) or _wrong_address(content) or _wrong_fields(content)


def test_send(session: Session, *, ref: str, testers: list[Member], now: datetime) -> int:
    """Sends the message as it stands to staff and test people alone; it counts nowhere. Returns to how many."""
    campaign = named(session, ref)
    wrong = problems(campaign.content)
    if wrong:
        raise wrong
    chosen = [member for member in testers if member.is_test or member.is_staff]
    previews = personalising.preview(session, campaign, [member.id for member in chosen])
    said = [
        speaking.say(
            session, member, Rendered("campaign_test", previews[member.id]), kind="service",
            once=f"test:{campaign.ref}:{member.id}:{now.timestamp():.3f}", now=now,
        )
        for member in chosen
    ]  # fmt: skip
    return sum(each.message_id is not None for each in said)


def _how(campaign: Campaign) -> str:
    template = campaign_card.template_of(campaign.content, colour="#000000")
    return "push" if campaign_card.is_personal(template) else "multicast"


def _checked(session: Session, changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - set(EDITABLE)
    assert not unknown, unknown
    checked = dict(changes)
    if "name" in checked:
        checked["name"] = _checked_name(checked["name"])
    if "audience_rule" in checked:
        checked["audience_rule"] = validate(checked["audience_rule"])
    if "content" in checked:
        checked["content"] = _tidy(checked["content"])
    if "compare_segments" in checked:
        keys = list(dict.fromkeys(checked["compare_segments"]))
        checked["compare_segments"] = list(session.scalars(select(Segment.key).where(Segment.key.in_(keys))))
    if not 0 <= checked.get("holdout_percent", 0) <= 50:
        raise Invalid(
            mark("The hold-out must be between 0 and 50 percent. Choose a smaller share."), code="bad_holdout"
        )
    return checked


def _tidy(content: Mapping[str, Any]) -> dict[str, Any]:
    tidy: dict[str, Any] = {field: str(content.get(field) or "").strip().replace("\r\n", "\n") for field in CONTENT}
    fallback = content.get("fallback") or {}
    tidy["fallback"] = {field: str(fallback.get(field) or "").strip()[:80] for field in campaign_card.PERSONAL}
    return tidy


def _checked_name(name: str) -> str:
    called = " ".join(name.split())[:255]
    if not called:
        raise Invalid(mark("The campaign was not saved because it has no name. Give it one."), code="no_name")
    return called


def _missing(content: Mapping[str, Any]) -> Invalid | None:
    if not (content.get("text") or content.get("title")):
        return Invalid(mark("There is no message yet. Write what people will read."), code="no_text")
    if bool(content.get("button_label")) != bool(content.get("button_url")):
        return Invalid(
            mark("The button needs both its words and where it leads. Fill in the other."), code="half_button"
        )
    return None


def _wrong_address(content: Mapping[str, Any]) -> Invalid | None:
    url, image = content.get("button_url", ""), content.get("image_url", "")
    if (
        url
        and not (url.startswith("/") and not url.startswith("//"))
        and not url.startswith(("https://", "http://", "tel:"))
    ):
        return Invalid(
            mark("The button leads nowhere: write an address that begins with https:// or a page such as /book."),
            code="bad_url",
        )
    if image and not image.startswith("https://"):
        return Invalid(
            mark("The picture cannot be shown: LINE wants an address that begins with https://."), code="bad_url"
        )
    return None


def _wrong_fields(content: Mapping[str, Any]) -> Invalid | None:
    used = fields_in({field: content.get(field) or "" for field in CONTENT})
    unknown = used - set(campaign_card.PERSONAL)
    if unknown:
        return Invalid(
            mark("There is no field {%(field)s}. Use {name}, {tier} or {store}."),
            code="unknown_field",
            field=min(unknown),
        )
    without = [field for field in sorted(used) if not (content.get("fallback") or {}).get(field)]
    if without:
        return Invalid(
            mark("Say what to write for people whose {%(field)s} is not known."), code="no_fallback", field=without[0]
        )
    return None


def _new_ref(now: datetime) -> str:
    """How files and links name it: unguessable, and in the order of writing."""
    return f"c{now:%y%m%d}{secrets.token_hex(3)}"
