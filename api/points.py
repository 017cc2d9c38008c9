"""POST /api/v1/points and /points/balances: shops' systems use a member's points, and ask how many there are."""

from collections import Counter
from typing import Annotated, Literal

from flask import g
from pydantic import Field

import door
from api.shapes import Ref, Rejected, Shape
from api.v1 import v1
from domain.errors import NotFound, Refusal
from domain.operations import naming, spending
from domain.reports import card
from domain.wording import mark
from models.member import Member

# What is looked up and kept as it stands: no NUL, which no database takes.
Plain = Field(pattern=r"^[^\x00]*$")
MOST = 100  # each holds its member's row until the batch is done


class PointsItem(Shape):
    """Points used, or one such use given back. The same id again changes nothing."""

    id: Annotated[str, Plain, Field(min_length=1, max_length=180, description="Names this use; give_back repeats it")]
    member_ref: Annotated[Ref, Plain]
    points: Annotated[int, Field(gt=0, le=spending.MOST)]
    kind: Literal["spend", "give_back"] = "spend"
    order_id: Annotated[
        str, Plain, Field(max_length=255, description="Paid back whole, the points come back by themselves")
    ] = ""


class Uses(Shape):
    items: Annotated[list[PointsItem], Field(max_length=MOST)]


class Used(Shape):
    """What became of a batch; each item by itself."""

    accepted: int
    repeated: Annotated[int, Field(description="Known already, nothing changed")]
    rejected: list[Rejected]


class Whose(Shape):
    member_refs: Annotated[list[Annotated[Ref, Plain]], Field(max_length=MOST)]


class BalanceOut(Shape):
    """`usable` can be used now, `pending` later; `ending` of them end after `ends` (a local day)."""

    member_ref: str
    usable: int
    pending: int
    ending: int
    ends: str | None


class Balances(Shape):
    """Of each reference that names a member; the others are left out."""

    items: list[BalanceOut]


@v1.post("/points")
@v1.input(Uses)
@v1.output(Used)
def points(json_data: Uses) -> Used:
    """Uses points, or gives a use back; refused where there are not enough that can be used now."""
    done: Counter[str] = Counter()
    rejected = []
    members = _members([item.member_ref for item in json_data.items])
    # Always in the same order, so that two batches never wait for each other.
    turns = sorted(enumerate(json_data.items), key=lambda each: (_id_of(members, each[1].member_ref), each[0]))
    for index, item in turns:
        try:
            done["accepted" if _use(item, members) else "repeated"] += 1
        except Refusal as refusal:
            words = door.words(refusal.message, **refusal.values)
            rejected.append(Rejected(index=index, code=refusal.code, reason=words))
    door.session().commit()
    rejected.sort(key=lambda each: each.index)
    return Used(accepted=done["accepted"], repeated=done["repeated"], rejected=rejected)


@v1.post("/points/balances")
@v1.input(Whose)
@v1.output(Balances)
def balances(json_data: Whose) -> Balances:
    """How many points members have, what is on its way, and what ends next."""
    found = _members(json_data.member_refs)
    return Balances(items=[_balance(ref, found[ref]) for ref in json_data.member_refs if ref in found])


def _members(refs: list[str]) -> dict[str, Member]:
    session = door.session()
    return {ref: session.get_one(Member, id) for ref, id in naming.find_members(session, refs).items()}


def _id_of(members: dict[str, Member], ref: str) -> int:
    return members[ref].id if ref in members else 0


def _use(item: PointsItem, members: dict[str, Member]) -> bool:
    member, ref = members.get(item.member_ref), f"shop:{item.id}"
    if member is None:
        raise NotFound(
            mark("Nobody is known as %(ref)s. Import the members first, or correct member_ref."), ref=item.member_ref
        )
    if item.kind == "give_back":
        return spending.give_back(door.session(), member, ref=ref, now=door.now())
    spent = spending.spend(
        door.session(), member, points=item.points, ref=ref, order_ref=item.order_id or None,
        source=g.caller, now=door.now(),
    )  # fmt: skip
    return spent.is_new


def _balance(ref: str, member: Member) -> BalanceOut:
    has = card.points_of(door.session(), member, now=door.now())
    ends = has.ends_on.isoformat() if has.ends_on else None
    return BalanceOut(member_ref=ref, usable=has.balance, pending=has.pending, ending=has.ending, ends=ends)
