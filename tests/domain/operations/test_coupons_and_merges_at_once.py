"""Tills, desks and phones at the same moment: a coupon is used or withdrawn but not both, and merges lose nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Refusal
from domain.operations import claiming, merging, redeeming, spending, unmerging, voiding
from domain.reports.points import differing
from models.benefit import Coupon, CouponClaim, CouponCode
from models.event import Event
from models.member import Member
from models.merge import Merge
from models.points import PointLine
from models.session import Sessions
from tests.support.factories import make_coupon, make_member
from tests.support.moments import NOW
from tests.support.purse import have_points, put_points

ROUNDS = 6


def at_once(sessions: Sessions, *deeds: Callable[[Session], object]) -> list[str]:
    """Each in a transaction of its own; what each was told."""
    ready = Barrier(len(deeds))

    def run(deed: Callable[[Session], object]) -> str:
        ready.wait(10)
        with sessions.writing() as session:
            try:
                deed(session)
            except Refusal as refusal:
                return refusal.code
            session.commit()
            return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(run, deed) for deed in deeds]]


def test_used_withdrawn_and_given_anew_at_once_leave_one_coupon_at_most(sessions: Sessions) -> None:
    with sessions.writing() as session:
        coupon = make_coupon(session, stock=99)
        session.add_all(CouponCode(coupon_id=coupon.id, code=f"X{n}", imported_at=NOW) for n in range(3 * ROUNDS))
        coupon.has_codes = True
        refs = [claiming.claim(session, make_member(session), coupon.key, now=NOW).ref for _ in range(ROUNDS)]
        session.commit()
    for ref in refs:
        at_once(
            sessions,
            lambda s, ref=ref: redeeming.redeem(s, ref, staff_id=None, store_id=None, now=NOW),
            lambda s, ref=ref: voiding.void(s, ref, reason="no", puts_back=True, staff_id=None, now=NOW),
            lambda s, ref=ref: voiding.reissue(s, ref, reason="lost", staff_id=None, now=NOW),
            lambda s, ref=ref: voiding.reissue(s, ref, reason="lost", staff_id=None, now=NOW),
            lambda s, ref=ref: redeeming.redeem(s, ref, staff_id=None, store_id=None, now=NOW),
        )
        with sessions.reading() as session:
            old = redeeming.find(session, ref)
            anew = session.scalars(select(CouponClaim).where(CouponClaim.reissue_of_id == old.id)).all()
            assert (old.redeemed_at is None) != (old.voided_at is None)
            assert len(anew) <= (0 if old.redeemed_at else 1)
            used = select(func.count()).where(Event.kind == "coupon_redeemed", Event.member_id == old.member_id)
            assert session.scalar(used) == (1 if old.redeemed_at else 0)
    with sessions.reading() as session:
        holding = CouponClaim.voided_at.is_(None)
        held = session.scalar(select(func.count()).where(holding)) or 0
        assert session.scalars(select(Coupon.issued)).one() >= held
        coded = select(func.count()).where(CouponCode.claim_id.is_not(None), CouponCode.voided_at.is_(None))
        assert session.scalar(coded) == held


def test_two_taps_and_a_till_at_once_bring_one_coupon(sessions: Sessions) -> None:
    with sessions.writing() as session:
        keys = [make_coupon(session, stock=5).key for _ in range(ROUNDS)]
        member_id = make_member(session).id
        session.commit()

    def tap(session: Session, key: str) -> None:
        claiming.claim(session, session.get_one(Member, member_id), key, now=NOW)

    def till(session: Session, key: str) -> None:
        mine = select(CouponClaim.ref).join(Coupon).where(Coupon.key == key, CouponClaim.member_id == member_id)
        for ref in session.scalars(mine).all():
            redeeming.redeem(session, ref, staff_id=None, store_id=None, now=NOW)

    for key in keys:
        taps = [lambda s, key=key: tap(s, key)] * 4
        at_once(sessions, *taps, lambda s, key=key: till(s, key))
        with sessions.reading() as session:
            made = select(func.count()).select_from(CouponClaim).join(Coupon).where(Coupon.key == key)
            assert session.scalar(made) == 1
            assert session.scalar(select(Coupon.issued).where(Coupon.key == key)) == 1


def test_points_used_while_records_are_joined_and_parted_are_used_once(sessions: Sessions) -> None:
    with sessions.writing() as session:
        have_points(session)
        pairs = [(make_member(session).id, make_member(session).id) for _ in range(ROUNDS)]
        for kept, gone in pairs:
            for each in (kept, gone):
                put_points(session, session.get_one(Member, each), 10, at=NOW)
        session.commit()

    def use(session: Session, member_id: int, ref: str) -> None:
        spending.spend(session, session.get_one(Member, member_id), points=10, ref=ref, now=NOW)

    def join(session: Session, kept: int, gone: int) -> None:
        merging.merge(session, session.get_one(Member, kept), session.get_one(Member, gone), staff_id=None, now=NOW)

    for kept, gone in pairs:
        uses = [lambda s, who=who, ref=f"{kept}-{who}-{n}": use(s, who, ref) for who in (kept, gone) for n in range(2)]
        at_once(sessions, lambda s, pair=(kept, gone): join(s, *pair), *uses)
    with sessions.writing() as session:
        merging.gather(session, now=NOW)
        session.commit()
        assert differing(session) == []
        sums = select(func.sum(PointLine.points)).group_by(PointLine.member_id)
        assert min(session.scalars(sums)) >= 0
        for made in session.scalars(select(Merge)).all():
            unmerging.unmerge(session, made, staff_id=None, now=NOW)
        session.commit()
        assert differing(session) == []
