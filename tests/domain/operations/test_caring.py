"""A low score opens a case of care at once; until it is closed with words no marketing goes to that person (L23)."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.messages._parts import Rendered
from domain.operations import addressing, answering, noting, speaking
from domain.operations.importing_events import EventRow, import_events
from domain.reports import care
from line import contact
from models.member import Friend, Member
from models.programme import Form, Segment, the_brand
from models.session import Sessions
from models.staff import Staff, StaffNote
from tests.support.factories import make_member, make_purchase, make_store
from tests.support.moments import NOW

NPS = [{"key": "score", "kind": "score"}, {"key": "why", "kind": "text"}]
CSAT = [{"key": "score", "kind": "score", "min": 1, "max": 5}]
HELLO = Rendered("test", [{"type": "text", "text": "Hello"}])


def make_form(session: Session, kind: str, questions: list[dict[str, Any]]) -> Form:
    form = Form(key=f"how-{kind}", title={"en": f"How was it ({kind})"}, kind=kind, questions=questions)
    session.add(form)
    session.flush()
    return form


def answer(session: Session, member: Member, form: Form, score: int, at: datetime, **more: Any) -> None:
    answering.answer(session, member, form_key=form.key, answers={"score": score, **more}, now=at)


def cases(session: Session, member: Member) -> list[StaffNote]:
    mine = select(StaffNote).where(StaffNote.member_id == member.id, StaffNote.kind == "care").order_by(StaffNote.id)
    return list(session.scalars(mine))


def make_staff(session: Session, now: datetime) -> Staff:
    staff = Staff(login="mei", name="Mei", role="marketer", created_at=now)
    session.add(staff)
    session.flush()
    return staff


@pytest.mark.parametrize(
    ("kind", "score", "opens"), [("nps", 6, True), ("nps", 7, False), ("csat", 2, True), ("csat", 3, False)]
)
def test_a_low_score_opens_a_case(session: Session, now: datetime, kind: str, score: int, opens: bool) -> None:
    member = make_member(session)
    answer(session, member, make_form(session, kind, NPS if kind == "nps" else CSAT), score, now)
    assert len(cases(session, member)) == int(opens)


def test_the_case_knows_the_words_and_the_last_purchase(session: Session, now: datetime) -> None:
    the_brand(session).default_language = "en"
    member, store = make_member(session), make_store(session, name="Da'an")
    order = make_purchase(session, member, paid_at=now - timedelta(days=3), amount=1280, store_id=store.id)
    answer(session, member, make_form(session, "nps", NPS), 3, now, why="I waited an hour")
    (case,) = cases(session, member)
    assert "3 of 10" in case.text
    assert "I waited an hour" in case.text
    assert "NT$ 1,280, Da'an" in case.text
    assert case.evidence["last_purchase"]["order"] == order.order_ref
    assert case.evidence["answers"][0]["words"] == "I waited an hour"


def test_a_second_low_answer_adds_to_the_open_case_and_opens_anew_once_closed(session: Session, now: datetime) -> None:
    member, form, staff = make_member(session), make_form(session, "nps", NPS), make_staff(session, now)
    answer(session, member, form, 3, now)
    answer(session, member, form, 1, now + timedelta(days=1))
    (case,) = cases(session, member)
    assert [each["score"] for each in case.evidence["answers"]] == [3, 1]
    noting.close(session, case, words="Called her", staff_id=staff.id, now=now + timedelta(days=2))
    answer(session, member, form, 2, now + timedelta(days=3))
    assert len(cases(session, member)) == 2


def test_closing_needs_words(session: Session, now: datetime) -> None:
    member, staff = make_member(session), make_staff(session, now)
    answer(session, member, make_form(session, "nps", NPS), 0, now)
    (case,) = cases(session, member)
    with pytest.raises(Invalid, match="stays open"):
        noting.close(session, case, words="  ", staff_id=staff.id, now=now)
    assert case.closed_at is None
    noting.close(session, case, words="Called, sent a new one", staff_id=staff.id, now=now)
    assert (case.closed_by_id, case.closed_words) == (staff.id, "Called, sent a new one")


def test_while_it_is_open_marketing_waits_and_service_does_not(session: Session, now: datetime) -> None:
    member, calm, staff = make_member(session), make_member(session), make_staff(session, now)
    answer(session, member, make_form(session, "nps", NPS), 3, now)
    assert reasons(session, member, calm, now) == {member.id: "care_open", calm.id: None}
    said = speaking.say(session, member, HELLO, kind="marketing", once="a", now=now)
    assert (said.message_id, said.reason) == (None, "care_open")
    assert speaking.say(session, member, HELLO, kind="service", once="b", now=now).message_id is not None
    noting.close(session, cases(session, member)[0], words="Called", staff_id=staff.id, now=now)
    assert reasons(session, member, calm, now) == {member.id: None, calm.id: None}
    assert speaking.say(session, member, HELLO, kind="marketing", once="c", now=now).message_id is not None


def reasons(session: Session, *people_and_now: Any) -> dict[int, str | None]:
    """What the frozen audience, and the last look before sending, say of these people."""
    *people, now = people_and_now
    ids = [member.id for member in people]
    asked = [
        addressing.contact_refusal(the_brand(session), at=now, member_ids=ids),
        contact.marketing_refusal(),
    ]
    query = select(Member.id, *asked).outerjoin(Friend, Friend.member_id == Member.id).where(Member.id.in_(ids))
    found = {member_id: set(several) for member_id, *several in session.execute(query)}
    assert all(len(several) == 1 for several in found.values()), found
    return {member_id: several.pop() for member_id, several in found.items()}


def test_a_low_answer_of_a_file_opens_nothing(session: Session, now: datetime) -> None:
    """History is not news."""
    member, form = make_member(session), make_form(session, "nps", NPS)
    row = EventRow("answered", member.ref, now - timedelta(days=9), "file", object=form.key, data={"score": 1})
    import_events(session, [row], is_history=True, now=now)
    assert cases(session, member) == []


def test_two_low_answers_at_once_are_one_case(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member = make_member(session)
        forms = [make_form(session, kind, NPS if kind == "nps" else CSAT).key for kind in ("nps", "csat")]
        session.commit()
    ready = threading.Barrier(2)

    def say(key: str) -> None:
        ready.wait()
        with sessions.writing() as session:
            mine = session.get_one(Member, member.id)
            answering.answer(session, mine, form_key=key, answers={"score": 1}, now=NOW)
            session.commit()

    threads = [threading.Thread(target=say, args=(key,)) for key in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions.reading() as session:
        (case,) = cases(session, member)
        assert len(case.evidence["answers"]) == 2


def test_the_loop_counts_what_is_closed_and_how_soon(session: Session, now: datetime) -> None:
    staff, form = make_staff(session, now), make_form(session, "nps", NPS)
    for hours in (2, 6, 10, None):
        member = make_member(session)
        answer(session, member, form, 2, now - timedelta(days=5))
        if hours is not None:
            closed = now - timedelta(days=5) + timedelta(hours=hours)
            noting.close(session, cases(session, member)[0], words="Called", staff_id=staff.id, now=closed)
    answer(session, make_member(session, is_test=True), form, 2, now - timedelta(days=5))
    looked = care.loop(session, now=now)
    assert (looked.opened, looked.closed, looked.rate, looked.median_hours) == (4, 3, 0.75, 6.0)
    assert care.loop(session, now=now + timedelta(days=90)).rate is None


def test_who_is_first_in_line_is_answered_first(session: Session, now: datetime) -> None:
    """M91: whom the programme's segment names comes before those who have waited longer."""
    earlier, regular = make_member(session), make_member(session)
    make_purchase(session, regular, paid_at=now - timedelta(days=1), amount=100)
    for n, member in enumerate((earlier, regular)):
        wrote_at = now + timedelta(minutes=n)
        session.add(StaffNote(member_id=member.id, kind="chat", text="Hello?", created_at=wrote_at))
    session.flush()
    assert [case.ref for case in care.waiting(session, now=now)] == [earlier.ref, regular.ref]
    rule = {"condition": "bought", "times": 1}
    session.add(Segment(key=care.FIRST, name="First in line", rule=rule, created_at=now))
    session.flush()
    assert [(case.ref, case.is_first) for case in care.waiting(session, now=now)] == [
        (regular.ref, True), (earlier.ref, False),
    ]  # fmt: skip
