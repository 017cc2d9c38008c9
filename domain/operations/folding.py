"""What two joined records say together of one person, and what each had said before.

The kept record's own words always win but for refusal of marketing, which wins wherever it was said, and for
dates, of which the earliest counts. The first open merge into a record keeps, in `before`, its own columns
(`own`) and what the records together made of them (`filled`), so that every merge can be undone in any order.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import resolving
from models.event import Event
from models.member import Member
from models.merge import Merge

BIRTH = ("birth_date", "birth_month", "birth_day")
CONSENT = ("marketing_consent", "marketing_consent_at")
EARLIEST = ("created_at", "registered_at")
PLAIN = ("name", "phone", "email", "gender", "language", "home_store_id", "entry_source")
COLUMNS = (*PLAIN, *BIRTH, *CONSENT, *EARLIEST, "custom")
# What somebody gives when they register: theirs, whoever's record it was written on.
GIVEN_AT_REGISTERING = ("name", "phone", "email", *BIRTH)

Said = dict[str, Any]


def said_by(member: Member) -> Said:
    """What a record says of its person now."""
    return {name: getattr(member, name) for name in COLUMNS}


def together(own: Said, others: Sequence[Said]) -> Said:
    """What the records say together, the first one's word before the others'."""
    told = dict(own)
    for other in others:
        told |= {name: other[name] for name in PLAIN if told[name] is None}
        if told["birth_date"] is None:
            told |= {name: other[name] for name in BIRTH}
        told |= {name: min(filter(None, (told[name], other[name])), default=None) for name in EARLIEST}
        told |= dict(zip(CONSENT, _consent(told, other), strict=True))
        told["custom"] = {**other["custom"], **told["custom"]}
    return told


def _consent(*records: Said) -> tuple[bool | None, datetime | None]:
    """A refusal before an agreement, an agreement before nothing; of the same, the latest."""
    words = [(each[CONSENT[0]], each[CONSENT[1]]) for each in records]
    for wanted in (False, True):
        times = [at for word, at in words if word is wanted]
        if times:
            return wanted, max(filter(None, times), default=None)
    return None, None


def refold(session: Session, kept: Member, *, undone: Merge | None = None) -> None:
    """Brings a record, and those it was joined into, in step with the records that are joined into it now.

    What was changed on it since the last time counts as its own word. `undone` is the merge just parted.
    """
    merges = _open_into(session, kept)
    foreign = _said_by_others(session, kept)
    own = _own(kept, [*([undone] if undone else []), *merges], foreign)
    filled = {**_together_now(session, own, merges), **{name: getattr(kept, name) for name in foreign}}
    for name, value in filled.items():
        setattr(kept, name, value)
    for each in merges:
        each.before = {}
    if merges:
        merges[0].before = {"own": _plain(own), "filled": _plain(filled)}
    session.flush()
    if kept.merged_into_id is not None:
        refold(session, session.get_one(Member, kept.merged_into_id))


def _open_into(session: Session, kept: Member) -> list[Merge]:
    query = select(Merge).where(Merge.kept_id == kept.id, Merge.undone_at.is_(None)).order_by(Merge.id)
    return list(session.scalars(query))


def _together_now(session: Session, own: Said, merges: Sequence[Merge]) -> Said:
    return together(own, [said_by(session.get_one(Member, each.gone_id)) for each in merges])


def _said_by_others(session: Session, kept: Member) -> set[str]:
    """What stands on a record by the word of one that is joined into it: said since, by that one's identity."""
    others = resolving.below(session, kept.id) - {kept.id}
    said = select(Event.kind, func.max(Event.occurred_at, type_=Event.occurred_at.type)).where(
        Event.via_id.in_(others), Event.kind.in_(("consented", "refused", "registered"))
    )
    latest = dict(session.execute(said.group_by(Event.kind)).all()) if others else {}
    words = max(filter(None, (latest.get("consented"), latest.get("refused"))), default=None)
    foreign: set[str] = set()
    if words is not None and kept.marketing_consent_at is not None and words >= kept.marketing_consent_at:
        foreign.update(CONSENT)
    if kept.registered_at is not None and latest.get("registered") == kept.registered_at:
        foreign.update(("registered_at", *GIVEN_AT_REGISTERING))
    return foreign


def _own(kept: Member, merges: Sequence[Merge], foreign: Collection[str]) -> Said:
    now = said_by(kept)
    state = next((each.before for each in merges if each.before), None)
    if state is None:
        return now
    own, filled = _read(state["own"]), _read(state["filled"])
    return {
        name: own[name] if now[name] == filled[name] or name in foreign else _since(name, own, filled, now)
        for name in COLUMNS
    }


def _since(name: str, own: Said, filled: Said, now: Said) -> Any:
    """A word said since the merge. Of a shop's own columns each is a word of its own."""
    if name != "custom":
        return now[name]
    fresh = {key: value for key, value in now[name].items() if filled[name].get(key) != value}
    return {**own[name], **fresh}


def part_words(
    session: Session, kept: Member, gone: Member, undone: Merge, *, consented: bool, registered: bool
) -> None:
    """Before a merge is undone: what the person said as the one to leave, on the record of both, becomes theirs again.

    `consented`, `registered`: events of that kind, since the merge, are the leaving record's.
    """
    merges = [each for each in (undone, *_open_into(session, kept)) if each.kept_id == kept.id]
    state = next((each.before for each in merges if each.before), None)
    if state is None:
        return
    theirs = {*(CONSENT if consented else ())}
    if registered:
        theirs |= {"registered_at", *GIVEN_AT_REGISTERING}
    filled, now = _read(state["filled"]), said_by(kept)
    expected = _together_now(session, _read(state["own"]), _open_into(session, kept))
    for name in theirs:
        if name in GIVEN_AT_REGISTERING and now[name] != expected[name]:
            setattr(gone, name, now[name])
        setattr(kept, name, filled[name])
    session.flush()


def _plain(said: Mapping[str, Any]) -> Said:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}


def _read(plain: Mapping[str, Any]) -> Said:
    return {name: _value(name, plain.get(name)) for name in COLUMNS}


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name == "birth_date" else value
