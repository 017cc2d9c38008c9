"""Code pools: read from files as people make them, each code to one claim, whoever claims at the same time."""

import threading
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, Refusal
from domain.operations import claiming, coupon_codes
from models.benefit import Coupon, CouponClaim, CouponCode
from models.member import Member
from models.session import Sessions
from tests.support.factories import make_coupon, make_member
from tests.support.moments import NOW


def test_a_file_is_read_as_people_make_it() -> None:
    found = coupon_codes.read('﻿name,Code\nA,="00123"\nB,\'0456\nC, XY-1 \n,\nD,XY-1\nE,1.23E+15\n'.encode())
    assert found.codes == ["00123", "0456", "XY-1"]
    assert found.twice == ["XY-1"]
    assert found.wrong == [(7, "1.23E+15")]


def test_without_a_heading_the_first_column_is_the_code() -> None:
    assert coupon_codes.read(b"AB12\nCD34,used\n").codes == ["AB12", "CD34"]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid, match="UTF-8"):
        coupon_codes.read(b"\x89PNG\x0d\xff\xfe")


def test_a_preview_writes_nothing_and_adding_twice_is_once(session: Session, now: datetime) -> None:
    coupon = make_coupon(session)
    found = coupon_codes.read(b"A1\nA2\nA2\n")
    foreseen = coupon_codes.preview(session, coupon, found)
    assert (foreseen.fresh, foreseen.known, foreseen.twice) == (["A1", "A2"], [], ["A2"])
    assert coupon.has_codes is False
    assert coupon_codes.add(session, coupon, foreseen.fresh, staff_id=None, now=now) == 2
    again = coupon_codes.preview(session, coupon, coupon_codes.read(b"A2\nA3\n"))
    assert (again.fresh, again.known) == (["A3"], ["A2"])
    assert coupon_codes.add(session, coupon, ["A1", "A2", "A3"], staff_id=None, now=now) == 1
    assert coupon_codes.pool(session, coupon) == coupon_codes.Pool(3, 0, 0)


def test_each_claim_takes_the_next_code_and_an_empty_pool_is_sold_out(session: Session, now: datetime) -> None:
    coupon = make_coupon(session)
    coupon_codes.add(session, coupon, ["A1"], staff_id=None, now=now)
    claim = claiming.claim(session, make_member(session), coupon.key, now=now)
    assert coupon_codes.codes_of(session, [claim.id]) == {claim.id: "A1"}
    late = make_member(session)
    with pytest.raises(Conflict) as refused:
        claiming.claim(session, late, coupon.key, now=now)
    assert refused.value.code == "sold_out"
    assert claiming.offers(session, late, now=now)[0].refusal.code == "sold_out"  # type: ignore[union-attr]  # it is refused
    assert session.scalars(select(CouponClaim).where(CouponClaim.member_id == late.id)).all() == []


def test_many_at_once_get_a_code_each_and_nobody_the_same(sessions: Sessions) -> None:
    people, codes = 12, 8
    with sessions.writing() as session:
        ids = [make_member(session).id for _ in range(people)]
        key = make_coupon(session, "pool").key
        coupon = session.scalars(select(Coupon)).one()
        coupon_codes.add(session, coupon, [f"K{n}" for n in range(codes)], staff_id=None, now=NOW)
        session.commit()
    results: list[str] = []
    ready = threading.Barrier(people)

    def take(member_id: int) -> None:
        ready.wait()
        with sessions.writing() as session:
            try:
                claiming.claim(session, session.get_one(Member, member_id), key, now=NOW)
                session.commit()
                results.append("claimed")
            except Refusal as refusal:
                session.rollback()
                results.append(refusal.code)

    threads = [threading.Thread(target=take, args=(each,)) for each in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["claimed"] * codes + ["sold_out"] * (people - codes)
    with sessions.reading() as session:
        taken = session.scalars(select(CouponCode.claim_id)).all()
        assert len(set(taken)) == codes
        assert None not in taken
        assert session.scalar(select(Coupon.issued)) == codes == session.scalar(select(func.count(CouponClaim.id)))
