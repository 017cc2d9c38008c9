"""Someone answers a form: the answers are kept, become fields and tags, and a low score calls for care at once.

Of a survey the first question of kind `score` is the score; of a quiz, how many answers were right.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Invalid, NotFound
from domain.operations import caring, converting, tagging
from domain.operations.converting import NOWHERE, Trace
from domain.operations.recording import record
from domain.wording import mark, pick, say
from models.member import Member
from models.programme import Form, FormAnswer, Tag, the_brand
from models.staff import StaffNote

LOWEST, HIGHEST = 0, 10
LOW_SCORE = 6  # of ten: a detractor (M88)
LONGEST_TEXT = 1000
Question = Mapping[str, Any]
Answers = dict[str, Any]


def the_form(session: Session, key: str) -> Form:
    """Raises NotFound, also for a form that is closed."""
    form = session.scalar(select(Form).where(Form.key == key))
    if form is None or not form.is_open:
        raise NotFound(mark("These questions are closed, so there is nothing to answer. Thank you for looking."))
    return form


def answered_today(session: Session, member: Member, form: Form, *, now: datetime) -> bool:
    """Whether this person has sent the form on this business day."""
    since = calendar_of(session).start(calendar_of(session).day_of(now))
    found = select(FormAnswer.id).where(
        FormAnswer.form_id == form.id, FormAnswer.member_id == member.id, FormAnswer.submitted_at >= since
    )
    return session.scalar(found.limit(1)) is not None


def answer(
    session: Session,
    member: Member,
    *,
    form_key: str,
    answers: Answers,
    source: str = "liff",
    trace: Trace = NOWHERE,
    now: datetime,
) -> FormAnswer:
    """Keeps the answers. Raises Invalid (its value `field` is the question), NotFound or Conflict."""
    form = the_form(session, form_key)
    kept = _checked(form, answers)
    day = calendar_of(session).day_of(now)
    score = score_of(form, kept)
    fresh = record(
        session, "answered", member_id=member.id, source=source, object=form.key, campaign_id=trace.campaign_id,
        message_id=trace.message_id, data={"score": score, "answers": kept},
        dedupe_key=f"answered:{form.id}:{member.id}:{day}", now=now,
    )  # fmt: skip
    if not fresh:
        raise Conflict(
            mark("You have answered this today, so nothing was added. Thank you; nothing more is needed."),
            code="already_answered",
        )
    row = FormAnswer(form_id=form.id, member_id=member.id, answers=kept, score=score, submitted_at=now)
    session.add(row)
    session.flush()
    _keep_fields(member, form, kept)
    _give_tags(session, member, form, kept, row=row, now=now)
    _give_band_tag(session, member, form, row, now=now)
    _care(session, member, form, row, now=now)
    converting.complete(
        session, member_id=member.id, type="form", object=f"form:{form.key}", source=source,
        once=f"form:{row.id}", trace=trace, data={"answer": row.id}, now=now,
    )  # fmt: skip
    session.flush()
    return row


def score_of(form: Form, kept: Answers) -> int | None:
    """What the answers come to; None where nothing was scored."""
    if form.kind == "quiz":
        return sum(_is_right(question, kept.get(question["key"])) for question in form.questions)
    return next((value for question, value in _given(form, kept) if question["kind"] == "score"), None)


def _is_right(question: Question, value: Any) -> bool:
    """Of several choices all the right ones, and no other."""
    right = {option["value"] for option in question.get("options", ()) if option.get("right")}
    return bool(right) and right == set(value if isinstance(value, list) else [value])


def highest_score(form: Form) -> int | None:
    """What a score is out of; None for a form without one."""
    if form.kind == "quiz":
        return sum(any(option.get("right") for option in each.get("options", ())) for each in form.questions)
    return next((scale(question)[1] for question in form.questions if question["kind"] == "score"), None)


def band_of(form: Form, score: int | None) -> Mapping[str, Any] | None:
    """What follows this score: the highest band it reaches."""
    reached = [band for band in form.bands if score is not None and band["at_least"] <= score]
    return max(reached, key=lambda band: int(band["at_least"]), default=None)


def latest(session: Session, member: Member, form: Form) -> FormAnswer | None:
    """This person's last answer to the form."""
    theirs = select(FormAnswer).where(FormAnswer.form_id == form.id, FormAnswer.member_id == member.id)
    return session.scalar(theirs.order_by(FormAnswer.submitted_at.desc(), FormAnswer.id.desc()).limit(1))


def scale(question: Question) -> tuple[int, int]:
    """The lowest and highest score of a question."""
    return int(question.get("min", LOWEST)), int(question.get("max", HIGHEST))


def _checked(form: Form, answers: Answers) -> Answers:
    unknown = set(answers) - {question["key"] for question in form.questions}
    if unknown:
        raise Invalid(
            mark("These questions have changed meanwhile, so nothing was saved. Please open them again."),
            field=min(unknown),
        )
    kept = {question["key"]: _value(question, answers.get(question["key"])) for question in form.questions}
    return {key: value for key, value in kept.items() if value is not None}


def _value(question: Question, value: Any) -> Any:
    """The answer in its proper form; None where there is none."""
    if value is None or value == "" or value == []:
        if question.get("required"):
            raise Invalid(
                mark("One answer is missing, so nothing was saved. Please answer this question too."),
                field=question["key"],
            )
        return None
    if not _fits(question, value):
        raise Invalid(
            mark("One answer cannot be right, so nothing was saved. Please answer this question again."),
            field=question["key"],
        )
    return value


def _fits(question: Question, value: Any) -> bool:
    kind = question["kind"]
    offered = {option["value"] for option in question.get("options", ())}
    if kind == "choice":
        return isinstance(value, str) and value in offered
    if kind == "choices":
        return isinstance(value, list) and all(isinstance(each, str) and each in offered for each in value)
    if kind == "score":
        low, high = scale(question)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if kind == "date":
        return isinstance(value, str) and _is_date(value)
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _given(form: Form, kept: Answers) -> Iterator[tuple[Question, Any]]:
    return ((question, kept[question["key"]]) for question in form.questions if question["key"] in kept)


def _keep_fields(member: Member, form: Form, kept: Answers) -> None:
    fields = {question["field"]: value for question, value in _given(form, kept) if question.get("field")}
    if fields:
        member.custom = {**member.custom, **fields}


def _give_tags(session: Session, member: Member, form: Form, kept: Answers, *, row: FormAnswer, now: datetime) -> None:
    for question, value in _given(form, kept):
        chosen = value if isinstance(value, list) else [value]
        for option in question.get("options", ()):
            if option.get("tag") and option["value"] in chosen:
                evidence = {"form": form.key, "question": question["key"], "answer": row.id}
                _give_tag(session, member, option["tag"], evidence, now=now)


def _give_band_tag(session: Session, member: Member, form: Form, row: FormAnswer, *, now: datetime) -> None:
    band = band_of(form, row.score)
    if band is not None and band.get("tag"):
        evidence = {"form": form.key, "score": row.score, "answer": row.id}
        _give_tag(session, member, band["tag"], evidence, now=now)


def _give_tag(session: Session, member: Member, key: str, evidence: dict[str, Any], *, now: datetime) -> None:
    tag = session.scalar(select(Tag).where(Tag.key == key))
    if tag is not None:
        tagging.give(session, [member.id], tag, source="form", evidence=evidence, now=now)


def _care(session: Session, member: Member, form: Form, row: FormAnswer, *, now: datetime) -> None:
    """An unhappy person should hear from someone soon: after a survey by a case of care, else by a task for staff."""
    if form.kind in caring.LOW:
        caring.after_answer(session, member, form, row, highest=highest_score(form) or 0, now=now)
    elif form.kind == "form":
        _ask_staff(session, member, form, row.answers, now=now)


def _ask_staff(session: Session, member: Member, form: Form, kept: Answers, *, now: datetime) -> None:
    language = the_brand(session).default_language
    for question, value in _given(form, kept):
        if question["kind"] != "score" or value > LOW_SCORE * scale(question)[1] / HIGHEST:
            continue
        words = say(
            language, mark("%(score)s of %(highest)s for “%(question)s” (%(form)s). Please get in touch today."),
            score=value, highest=scale(question)[1], question=pick(question.get("label"), language),
            form=pick(form.title, language) or form.key,
        )  # fmt: skip
        session.add(StaffNote(member_id=member.id, kind="task", text=words, created_at=now))
