"""Someone is unhappy: a case of care opens at once, and until staff have closed it no marketing goes to them (L23).

What is imported opens nothing: history is not news, and answers of files never come by here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.noting import LONGEST
from domain.reports import care
from domain.wording import day_words, mark, money_words, pick, say
from models.member import Member
from models.programme import Form, FormAnswer, the_brand
from models.purchase import Purchase
from models.staff import StaffNote
from models.store import Store

# The highest score that is a cry for help: of ten (NPS), of five (CSAT). Definitions §10.
LOW = {"nps": 6, "csat": 2}


def after_answer(
    session: Session, member: Member, form: Form, row: FormAnswer, *, highest: int, now: datetime
) -> StaffNote | None:
    """Opens a case for a low score, or adds to the one that is open; None when the score is fine."""
    if row.score is None or row.score > LOW[form.kind]:
        return None
    answer = {
        "form": form.key, "answer": row.id, "score": row.score, "highest": highest, "at": now.isoformat(),
        "words": _words_of(form, row.answers),
    }  # fmt: skip
    # One after the other, so that two low answers at once share a case.
    session.execute(select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    case = care.open_for(session, member)
    line = _line(session, form, answer)
    if case is not None:
        case.text = f"{case.text}\n{line}"[-LONGEST:]
        case.evidence = {**case.evidence, "answers": [*case.evidence.get("answers", ()), answer]}
        session.flush()
        return case
    bought = last_purchase(session, member)
    text = "\n".join(filter(None, [line, _bought_line(session, bought)]))
    case = StaffNote(
        member_id=member.id, kind="care", text=text, created_at=now,
        evidence={"answers": [answer], "last_purchase": _plain(bought)},
    )  # fmt: skip
    session.add(case)
    session.flush()
    return case


def last_purchase(session: Session, member: Member) -> Purchase | None:
    """Their latest order that was not brought back whole."""
    orders = select(Purchase).where(Purchase.member_id == member.id, Purchase.net_amount > 0)
    return session.scalar(orders.order_by(Purchase.paid_at.desc(), Purchase.id.desc()).limit(1))


def _words_of(form: Form, answers: dict[str, Any]) -> str:
    """What they wrote in their own words."""
    written: Sequence[str] = [
        str(answers[each["key"]]) for each in form.questions if each["kind"] == "text" and answers.get(each["key"])
    ]
    return " / ".join(written)


def _line(session: Session, form: Form, answer: dict[str, Any]) -> str:
    language = the_brand(session).default_language
    line = say(
        language, mark("%(score)s of %(highest)s in “%(form)s”."), score=answer["score"], highest=answer["highest"],
        form=pick(form.title, language) or form.key,
    )  # fmt: skip
    return f"{line} “{answer['words']}”" if answer["words"] else line


def _bought_line(session: Session, bought: Purchase | None) -> str:
    if bought is None:
        return ""
    brand = the_brand(session)
    language = brand.default_language
    store = session.get(Store, bought.store_id) if bought.store_id else None
    return say(
        language, mark("Last bought on %(day)s: %(amount)s, %(where)s."),
        day=day_words(language, calendar_of(session).day_of(bought.paid_at)),
        amount=money_words(language, bought.net_amount, brand.currency), where=store.name if store else bought.channel,
    )  # fmt: skip


def _plain(bought: Purchase | None) -> dict[str, Any] | None:
    if bought is None:
        return None
    return {"order": bought.order_ref, "paid_at": bought.paid_at.isoformat(), "amount": bought.net_amount}
