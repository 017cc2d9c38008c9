"""Writes what the settings say into the rows the domain reads: the channel and the brand."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.wording import mark
from models.channel import Channel, the_channel
from models.event import Event
from models.programme import Brand


def set_up(
    session: Session,
    *,
    business_timezone: str,
    currency: str,
    public_url: str,
    liff_id: str,
    login_channel_id: str,
    now: datetime,
) -> None:
    """Safe to repeat. Raises Conflict when the time zone would change under recorded days."""
    brand = session.scalar(select(Brand).limit(1))
    if brand is None:
        brand = Brand(business_timezone=business_timezone, currency=currency)
        session.add(brand)
    elif brand.business_timezone != business_timezone and session.scalar(select(Event.id).limit(1)):
        raise Conflict(
            mark(
                "BUSINESS_TIMEZONE was %(old)s when events were recorded and cannot become %(new)s. "
                "Set it back, or start a new database and import into it."
            ),
            old=brand.business_timezone,
            new=business_timezone,
        )
    brand.business_timezone, brand.currency = business_timezone, currency
    channel = session.scalar(select(Channel).limit(1)) or Channel()
    session.add(channel)
    # A command run without the LINE settings does not wipe what the web process wrote.
    channel.public_url = public_url or channel.public_url or ""
    channel.liff_id = liff_id or channel.liff_id or ""
    channel.login_channel_id = login_channel_id or channel.login_channel_id or ""
    session.flush()


def note_account(session: Session, *, bot_user_id: str, basic_id: str) -> None:
    """Keeps what LINE says the account is called."""
    channel = the_channel(session)
    channel.bot_user_id, channel.basic_id = bot_user_id, basic_id
    session.flush()
