"""Records that give themselves away as doubles: through chains, and not by what is only claimed (definitions §10)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.operations import merging, proposing
from domain.operations.unmerging import unmerge
from models.member import Identity, Member
from tests.support.factories import make_member
from tests.support.journey import figure, local, share

AS_OF = date(2026, 3, 20)
LINE = "U" + "0" * 32


def goes_by(session: Session, kind: str, value: str, first: Member, *others: Member) -> None:
    """The first holds it verified; of the others it was shown to be theirs too."""
    at = local(session, date(2026, 1, 5))
    session.add(Identity(member_id=first.id, kind=kind, value=value, created_at=at, verified_at=at))
    session.flush()
    for other in others:
        proposing.note_clash(session, record_id=other.id, kind=kind, value=value, now=at)


def doubles(session: Session) -> tuple[int, int]:
    return share(figure(session, "duplicate_rate", "2026-02", as_of=local(session, AS_OF)))


def test_EX_20_twelve_records_are_nine_persons(session: Session) -> None:
    r = [make_member(session, friend=False) for _ in range(12)]
    goes_by(session, "phone", "+886912345678", r[0], r[1])
    goes_by(session, "line", LINE, r[2], r[1])
    goes_by(session, "phone", "+886987654321", r[4], r[3])
    assert doubles(session) == (3, 12)


def test_a_claimed_phone_or_a_shared_email_says_nothing(session: Session) -> None:
    one, two, three = (make_member(session, friend=False) for _ in range(3))
    goes_by(session, "email", "mei@example.com", one, two)
    session.add(Identity(member_id=one.id, kind="phone", value="+886912345678", created_at=one.created_at))
    goes_by(session, "phone", "+886912345678", three)
    assert doubles(session) == (0, 3)


def test_joined_records_are_one_and_two_again_when_parted(session: Session) -> None:
    one, two, three = (make_member(session, friend=False) for _ in range(3))
    goes_by(session, "phone", "+886912345678", one, two)
    goes_by(session, "line", LINE, two, three)
    assert doubles(session) == (2, 3)
    now = local(session, date(2026, 2, 2))
    made = merging.merge(session, two, one, staff_id=None, now=now)
    assert doubles(session) == (1, 2), "the chain leads through the joined record"
    unmerge(session, made, staff_id=None, now=now + timedelta(days=1))
    assert doubles(session) == (2, 3)
