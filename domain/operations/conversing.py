"""What people write and press in the chat, and what we answer. Answers leave through the outbox, as free replies."""

import contextlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from domain.errors import Refusal
from domain.messages import answer, coupon_issued, opted_in, opted_out
from domain.messages._parts import Rendered, language_for
from domain.operations import claiming, joining, linking, speaking, waiting
from domain.operations.converting import Trace
from domain.operations.recording import is_news, record
from domain.wording import mark, pick, say
from models.member import Member
from models.programme import KeywordAnswer, the_brand
from models.staff import StaffNote

NOTES: Any = StaffNote.__table__
OPT_OUT_WORDS = frozenset(
    {
        "stop", "stopall", "unsubscribe", "optout", "opt out", "no more messages",
        "停止", "退訂", "取消訂閱", "拒收", "停止接收", "不要再傳", "不想收到", "停止發送",
        "配信停止", "受信拒否", "配信解除", "ストップ", "登録解除",
        "หยุด", "ยกเลิกการรับข่าวสาร", "ไม่รับข่าวสาร", "เลิกรับข่าวสาร", "หยุดส่ง",
    }
)  # fmt: skip
OPT_IN_WORDS = frozenset(
    {
        "start", "subscribe", "resume", "optin", "opt in", "unstop",
        "開始", "訂閱", "重新訂閱", "恢復接收", "開始接收",
        "再開", "配信再開", "受信再開", "購読", "スタート",
        "เริ่ม", "รับข่าวสาร", "สมัครรับข่าวสาร", "เริ่มรับข่าวสาร",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One thing said or pressed in the chat: by whom, when, and how to answer it."""

    event_id: str
    member: Member
    at: datetime
    reply_token: str | None = None
    reply_until: datetime | None = None
    silent: bool = False  # another system holds the chat: note it, say nothing


def fold(words: str) -> str:
    """A word as it is compared: one width, one case, without the marks and spaces around it."""
    folded = unicodedata.normalize("NFKC", words).casefold().strip()
    return folded.strip("!?.,~。、！？「」『』\"' \u3000")


def hear(session: Session, turn: Turn, *, text: str, message_id: str | None, now: datetime) -> None:
    """Somebody wrote: a word that stops or starts news acts at once, a keyword is answered, the rest staff read."""
    word = fold(text)
    keyword = None if word in OPT_OUT_WORDS | OPT_IN_WORDS else _keyword(session, word)
    record(
        session, "texted", member_id=turn.member.id, source="line", occurred_at=turn.at,
        data={"keyword": keyword.key} if keyword else {}, now=now,
    )  # fmt: skip
    if word in OPT_OUT_WORDS | OPT_IN_WORDS:
        _decide(session, turn, agrees=word in OPT_IN_WORDS, wording=text.strip()[:100], now=now)
    elif keyword is not None:
        _answer(session, turn, keyword, now=now)
    else:
        note = {
            "member_id": turn.member.id, "kind": "chat", "text": text, "line_message_id": message_id,
            "created_at": turn.at,
        }  # fmt: skip
        session.execute(insert(NOTES), note)


def _decide(session: Session, turn: Turn, *, agrees: bool, wording: str, now: datetime) -> None:
    """News from now on, or none; a word that comes late changes nothing of what was said after it."""
    holds = joining.decide(session, turn.member, agrees=agrees, wording=wording, source="line", at=turn.at, now=now)
    if holds:
        _say(session, turn, (opted_in if agrees else opted_out).render(session, turn.member), now=now)


def take_back(session: Session, *, message_id: str) -> int:
    """They unsent a message: our copy of it goes too. Returns how many copies there were."""
    copies = delete(StaffNote).where(StaffNote.line_message_id == message_id, StaffNote.kind == "chat")
    return len(session.execute(copies.returning(StaffNote.id)).all())


def press(session: Session, turn: Turn, *, data: str, params: dict[str, str], now: datetime) -> None:
    """Somebody pressed a button or menu area that talks to us; `data` is a query string: `act`, and its send in `t`."""
    fields = {name: values[-1].replace("\0", "") for name, values in parse_qs(data).items()}
    trace = linking.trace_of(session, fields.get("t"))
    record(
        session, "postback", member_id=turn.member.id, source="line", occurred_at=turn.at,
        campaign_id=trace.campaign_id, message_id=trace.message_id, data={"data": data, **params}, now=now,
    )  # fmt: skip
    act = ACTS.get(fields.get("act", ""))
    if act is None or not is_news(turn.at, now=now):
        return
    try:
        # What a refused act had begun is undone; that it was pressed stays. Showing the way begins nothing.
        with contextlib.nullcontext() if act in WAYS else session.begin_nested():
            said = act(session, turn.member, {**fields, **params}, trace, now)
    except Refusal as refusal:
        language = language_for(the_brand(session), turn.member)
        said = answer.render(session, turn.member, say(language, refusal.message, **refusal.values))
    if said is not None:
        _say(session, turn, said, now=now)


def keywords(session: Session) -> dict[str, KeywordAnswer]:
    """Every word we answer, as it is compared; where two answers claim a word, the older has it."""
    answers = session.scalars(select(KeywordAnswer).order_by(KeywordAnswer.id.desc()))
    return {fold(str(word)): each for each in answers for word in each.keywords}


def _keyword(session: Session, word: str) -> KeywordAnswer | None:
    if not word:
        return None
    known: dict[str, KeywordAnswer] | None = session.info.get("keywords")  # who reads many events brings them along
    return (keywords(session) if known is None else known).get(word)


def _answer(session: Session, turn: Turn, keyword: KeywordAnswer, *, now: datetime) -> None:
    words = pick(keyword.text, language_for(the_brand(session), turn.member))
    if words:
        _say(session, turn, answer.render(session, turn.member, words, path=keyword.link_path), now=now)


def _say(session: Session, turn: Turn, rendered: Rendered, *, now: datetime) -> None:
    """A reply to what was just done; nothing when it is old news or not ours to answer."""
    if turn.silent or not is_news(turn.at, now=now):
        return
    speaking.say(
        session, turn.member, rendered, kind="service", once=f"answer:{turn.event_id}",
        reply_token=turn.reply_token, reply_until=turn.reply_until, now=now,
    )  # fmt: skip


Act = Callable[[Session, Member, dict[str, str], Trace, datetime], Rendered | None]


def _accept_seat(session: Session, member: Member, fields: dict[str, str], trace: Trace, now: datetime) -> None:
    """The waitlist's button. The booking itself says that it is confirmed."""
    entry = fields.get("entry", "")
    if entry.isdigit() and len(entry) < 19:
        waiting.accept(session, int(entry), member, trace=trace, source="line", now=now)


def _claim_coupon(
    session: Session, member: Member, fields: dict[str, str], trace: Trace, now: datetime
) -> Rendered | None:
    if "key" not in fields:
        return _page("/coupons", mark("Your coupons are here."), mark("See my coupons"))(
            session, member, fields, trace, now
        )
    claim = claiming.claim(session, member, fields["key"], trace=trace, source="line", now=now)
    return coupon_issued.render(session, member, claim)


def _book(session: Session, member: Member, fields: dict[str, str], trace: Trace, now: datetime) -> Rendered | None:
    """Leads to the booking page, at the store and day that were picked."""
    day = (fields.get("date") or fields.get("datetime", ""))[:10]
    wanted = [f"{name}={value}" for name, value in (("store", fields.get("store")), ("date", day)) if value]
    path = "/book" + ("?" + "&".join(wanted) if wanted else "")
    return _page(path, mark("Pick a time that suits you."), mark("Book a visit"))(session, member, fields, trace, now)


def _page(path: str, words: str, label: str) -> Act:
    """An act that only shows the way to a page."""

    def show(session: Session, member: Member, fields: dict[str, str], trace: Trace, now: datetime) -> Rendered:
        language = language_for(the_brand(session), member)
        return answer.render(session, member, say(language, words), path=path, label=say(language, label))

    return show


SHOWN: dict[str, Act] = {
    "book": _book,
    "card": _page("/card", mark("Your member card is here."), mark("Open my card")),
    "tier": _page("/tier", mark("Your tier and points are here."), mark("See my tier")),
    "news": _page("/news", mark("What is new is here."), mark("Read the news")),
    "contact": _page("/contact", mark("This is how you reach us."), mark("Contact us")),
}
WAYS = frozenset(SHOWN.values())
ACTS: dict[str, Act] = {"waitlist": _accept_seat, "coupon": _claim_coupon, **SHOWN}
