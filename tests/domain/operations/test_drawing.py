"""A draw can be checked by anyone, gives no more than was promised, and a killed run goes on where it stopped."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Gone
from domain.operations import drawing, granting
from jobs.runner import run_by_hand
from models.benefit import CouponClaim
from models.member import Member
from models.mission import Draw, Ticket
from models.session import Sessions
from tests.domain.operations.test_missions import make_draw
from tests.support.factories import make_coupon, make_member
from tests.support.moments import NOW

AFTER = NOW + timedelta(days=31)


def tickets(session: Session, draw: Draw, member: Member, n: int = 1, cause: str = "") -> None:
    granting.grant(
        session, member_id=member.id, benefit={"ticket": {"draw": draw.key, "count": n}},
        cause=cause or f"test:{member.id}", now=NOW,
    )  # fmt: skip


def checked_by_a_stranger(seed_hex: str, refs: list[str]) -> list[str]:
    """Written from the words of the public page alone."""
    refs = sorted(refs)
    list_hash = hashlib.sha256("\n".join(refs).encode("ascii")).digest()
    scored = [
        (hashlib.sha256(bytes.fromhex(seed_hex) + list_hash + ref.encode("ascii")).hexdigest(), ref) for ref in refs
    ]
    return [ref for _, ref in sorted(scored)]


def test_the_result_follows_from_what_was_shown(session: Session) -> None:
    draw = make_draw(session, prizes=[{"benefit": {"points": 9}, "count": 1}, {"benefit": {"points": 1}, "count": 2}])
    promised = draw.seed_hash
    for _ in range(6):
        tickets(session, draw, make_member(session), 2)
    assert drawing.draw_now(session, draw, now=AFTER) == 3
    rows = session.scalars(select(Ticket).order_by(Ticket.place)).all()
    assert hashlib.sha256(draw.seed).hexdigest() == promised
    assert [row.ref for row in rows] == checked_by_a_stranger(draw.seed.hex(), [row.ref for row in rows])
    assert draw.list_hash == hashlib.sha256("\n".join(sorted(row.ref for row in rows)).encode()).hexdigest()
    assert [row.prize for row in rows if row.prize is not None] == [0, 1, 1]
    assert len({row.member_id for row in rows if row.prize is not None}) == 3


def test_one_prize_each_only_if_so_said(session: Session) -> None:
    alone = make_member(session)
    for one_each, won in ((True, 1), (False, 3)):
        draw = make_draw(session, one_prize_each=one_each, prizes=[{"benefit": {"points": 1}, "count": 3}])
        tickets(session, draw, alone, 5, cause=f"{one_each}")
        assert drawing.draw_now(session, draw, now=AFTER) == won


def test_before_closing_nothing_is_drawn_and_after_it_no_ticket_is_given(session: Session) -> None:
    draw, member = make_draw(session), make_member(session)
    with pytest.raises(Conflict):
        drawing.draw_now(session, draw, now=draw.closes_at - timedelta(seconds=1))
    with pytest.raises(Gone):
        granting.grant(session, member_id=member.id, benefit={"ticket": draw.key}, cause="late", now=draw.closes_at)


def test_the_same_cause_gives_its_tickets_once(session: Session) -> None:
    draw, member = make_draw(session), make_member(session)
    tickets(session, draw, member, 3)
    tickets(session, draw, member, 3)
    assert session.scalar(select(func.count()).select_from(Ticket)) == 3


def test_staff_the_erased_and_withdrawn_tickets_take_no_part(session: Session) -> None:
    draw = make_draw(session)
    for fields in ({"is_staff": True}, {"is_test": True}, {"erased_at": NOW}):
        tickets(session, draw, make_member(session, **fields))
    member = make_member(session)
    tickets(session, draw, member, cause="back")
    drawing.withdraw(session, ["back"], of=[member.id], now=NOW)
    assert drawing.draw_now(session, draw, now=AFTER) == 0
    assert drawing.draw_now(session, draw, now=AFTER) == 0


def test_a_prize_that_has_run_out_is_said_and_tried_again_on_demand(session: Session) -> None:
    ware = make_coupon(session, stock=0)
    draw = make_draw(session, prizes=[{"benefit": {"coupon": ware.key}, "count": 1}])
    tickets(session, draw, make_member(session))
    drawing.draw_now(session, draw, now=AFTER)
    assert drawing.give_prizes(session, draw, now=AFTER) == 1
    assert session.scalars(select(Ticket.reason)).one() == "sold_out"
    ware.stock = 1
    session.flush()
    assert drawing.retry_prizes(session, draw) == 1
    drawing.give_prizes(session, draw, now=AFTER)
    assert session.scalars(select(Ticket.given_at)).one() == AFTER


def test_killed_between_the_prizes_the_next_run_gives_the_rest_and_none_twice(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sessions.writing() as session:
        ware = make_coupon(session, stock=5, valid_days=90)
        draw = make_draw(session, prizes=[{"benefit": {"coupon": ware.key}, "count": 5}])
        for _ in range(8):
            tickets(session, draw, make_member(session))
        session.commit()
    monkeypatch.setattr(drawing, "PIECE", 2)
    give, begun = granting.grant, list[str]()

    def dies_at_the_fourth(*args: object, **more: object) -> object:
        begun.append(str(more["cause"]))
        if len(begun) == 4:
            raise KeyboardInterrupt
        return give(*args, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(granting, "grant", dies_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        run_by_hand(sessions, "draws", now=AFTER)
    report = run_by_hand(sessions, "draws", now=AFTER)
    with sessions.reading() as session:
        owners = session.scalars(select(CouponClaim.member_id)).all()
        winners = session.scalars(select(Ticket.member_id).where(Ticket.prize.is_not(None))).all()
    assert report["given"] in (1, 3, 5)
    assert sorted(owners) == sorted(winners)
    assert len(set(owners)) == 5
