"""An e-invoice registered is its member's, whether the shop's file came before or comes after; once, for one."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, TooMany
from domain.operations import invoicing, naming
from domain.operations.importing_members import MemberRow, import_members
from domain.operations.importing_purchases import Loaded, PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from tests.support.factories import make_member

NUMBER = "AB12345678"


def register(session: Session, member: Member, number: str = NUMBER, *, now: datetime) -> str:
    return invoicing.register(session, member, number=number, source="liff", now=now)


def load(session: Session, *, buyer: str = "", order: str = NUMBER, amount: int = 600, now: datetime) -> Loaded:
    row = PurchaseRow(order, buyer, now - timedelta(days=3), "pos", "", Line(1, "tea", amount))
    return import_purchases(session, [row], source="einvoice_tw", is_history=True, now=now)


def owner(session: Session, order: str = NUMBER) -> int | None:
    session.expire_all()
    return session.scalars(select(Purchase.member_id).where(Purchase.order_ref == order)).one()


def test_an_invoice_found_before_or_after_it_is_registered(session: Session, now: datetime) -> None:
    mei = make_member(session)
    load(session, now=now)
    assert register(session, mei, " ab-12345678 ", now=now) == NUMBER
    assert owner(session) == mei.id
    assert register(session, mei, "CD00000001", now=now + timedelta(minutes=1)) == "CD00000001"
    told = {each.number: each.net_amount for each in invoicing.registered_by(session, mei)}
    assert told == {NUMBER: 600, "CD00000001": None}
    assert mei.id in load(session, order="CD00000001", amount=90, now=now).member_ids
    assert owner(session, "CD00000001") == mei.id
    events = session.execute(select(Event.object, Event.member_id).where(Event.kind == "invoice_registered")).all()
    assert {tuple(each) for each in events} == {(f"invoice:{NUMBER}", mei.id), ("invoice:CD00000001", mei.id)}


def test_an_invoice_of_a_carrier_nobody_is_known_by(session: Session, now: datetime) -> None:
    mei, ken = make_member(session), make_member(session)
    load(session, buyer="/abc1234", now=now)
    load(session, buyer="/ABC1234", order="CD00000001", now=now)
    register(session, mei, now=now)
    assert (owner(session), owner(session, "CD00000001")) == (mei.id, None)
    # The carrier turns out to be Ken's: what is counted stays, the rest is his.
    import_members(session, [MemberRow(member_ref=ken.ref, carrier="/ABC1234")], source="till", now=now)
    assert (owner(session), owner(session, "CD00000001")) == (mei.id, ken.id)
    assert owner_after_file(session, ken, now=now) == ken.id


def owner_after_file(session: Session, ken: Member, *, now: datetime) -> int | None:
    """A later file names the carrier in another case."""
    load(session, buyer="/abc1234", order="EF00000001", now=now)
    assert naming.find_members(session, ["/abc1234"]) == {"/abc1234": ken.id}
    return owner(session, "EF00000001")


def test_it_counts_once_and_whose_it_is_is_not_said(session: Session, now: datetime) -> None:
    mei, ken = make_member(session), make_member(session)
    load(session, order="CD00000001", buyer=ken.ref, now=now)
    register(session, mei, now=now)
    words = set()
    for member, number in ((mei, NUMBER), (ken, NUMBER), (mei, "CD00000001"), (ken, "CD00000001")):
        with pytest.raises(Conflict) as refused:
            register(session, member, number, now=now)
        words.add(str(refused.value))
    assert len(words) == 1
    assert owner(session, "CD00000001") == ken.id


@pytest.mark.parametrize("number", ["", "AB1234567", "A112345678", "AB123456789", "12345678AB", "AB12345678\x00"])
def test_what_is_no_invoice_number_is_refused(session: Session, now: datetime, number: str) -> None:
    with pytest.raises(Invalid):
        register(session, make_member(session), number, now=now)


def test_nobody_tries_numbers_by_the_hundred(session: Session, now: datetime) -> None:
    mei = make_member(session)
    for n in range(invoicing.MOST_A_DAY):
        register(session, mei, f"AB{n:08d}", now=now)
    with pytest.raises(TooMany):
        register(session, mei, "CD00000001", now=now)
    assert register(session, mei, "CD00000001", now=now + timedelta(days=1, seconds=1))
