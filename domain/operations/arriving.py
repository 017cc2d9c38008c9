"""Somebody comes by an entry source: the poster of a store, a member of staff's own code, an ad, an event (M57, M59).

The first source somebody came by is theirs, and stays: what they buy later is counted for it. Who comes by the
code of an event takes part in its campaign, however long we have known them.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.operations import participating
from domain.wording import mark
from models.campaign import Campaign
from models.channel import the_channel
from models.member import Friend, Member
from models.programme import EntrySource
from models.session import insert_for
from models.store import Store

KINDS = ("store", "staff", "ad", "event")
PATH = "/from/"  # of the mini-app, before the key


def find(session: Session, key: str) -> EntrySource:
    """The source of that key. Raises NotFound."""
    source = session.scalar(select(EntrySource).where(EntrySource.key == key))
    if source is None:
        raise NotFound(mark("This code leads nowhere any more. Your card and our chat work as before."))
    return source


def arrive(session: Session, member: Member, key: str, *, now: datetime) -> EntrySource:
    """Notes that this person came by a source; returns it. Raises NotFound."""
    source = find(session, key)
    if member.entry_source is None and not _was_here(session, member):
        member.entry_source = source.key
        if source.store_id is not None and member.home_store_id is None:
            member.home_store_id = source.store_id
    if source.kind == "event" and source.campaign_ref:
        campaign = _campaign(session, source, now=now)
        participating.take_part(session, member_id=member.id, campaign=campaign, source="liff", now=now)
    session.flush()
    return source


def _was_here(session: Session, member: Member) -> bool:
    """A member, or a friend: they came some other way before we could ask."""
    followed = select(Friend.id).where(Friend.member_id == member.id, Friend.first_followed_at.is_not(None))
    return member.is_member or session.scalar(followed) is not None


def _campaign(session: Session, source: EntrySource, *, now: datetime) -> Campaign:
    """The campaign of an event; one nobody sent anything for is made when the first person comes."""
    ref = source.campaign_ref
    made = insert_for(session)(Campaign).values(
        ref=ref, name=source.name, kind="imported", state="imported", state_at=now, created_at=now,
        channel_id=the_channel(session).id,
    )  # fmt: skip
    session.execute(made.on_conflict_do_nothing(index_elements=["ref"]))
    return session.scalars(select(Campaign).where(Campaign.ref == ref)).one()


def add(
    session: Session, *, key: str, name: str, kind: str, store: str | None = None, campaign: str | None = None
) -> EntrySource:
    """A new source, as the programme file would name it. Raises Invalid or Conflict."""
    if kind not in KINDS:
        raise Invalid(mark("Nothing was added: choose what kind of source it is."))
    if not name.strip():
        raise Invalid(mark("Nothing was added: a source needs a name. Write where people will see its code."))
    if kind == "event" and not campaign:
        raise Invalid(mark("Nothing was added: an event needs its campaign, which people take part in."))
    if session.scalar(select(EntrySource.id).where(EntrySource.key == key)) is not None:
        raise Conflict(mark("Nothing was added: there is a source with this short name. Choose another."))
    store_id = session.scalar(select(Store.id).where(Store.key == store)) if store else None
    row = EntrySource(key=key, name=name.strip(), kind=kind, store_id=store_id, campaign_ref=campaign or None)
    session.add(row)
    session.flush()
    return row
