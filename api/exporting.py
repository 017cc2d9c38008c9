"""`flask export`: the brand's data in open files. Members, purchases and events can be imported back."""

import base64
import csv
import heapq
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session, aliased

from api.parsing import MEMBER_COLUMNS, PURCHASE_COLUMNS, SCORE_COLUMNS
from domain.money import to_text
from domain.operations.collecting import actor_of
from domain.operations.importing_events import BY_ID
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Friend, Member
from models.points import PointLine
from models.programme import Brand, MemberTag, Tag, Tier, the_brand
from models.purchase import Purchase, PurchaseLine
from models.score import MemberForecast, MemberScore
from models.store import Store
from models.tables import metadata

# Raw inbox, keys and codes stay; so do these columns of tables that go.
SECRET_TABLES = {"inbound_body", "webhook_event", "one_time_code", "api_key", "alembic_version"}
SECRET_COLUMNS = {
    "draw": {"seed"},  # until it is drawn
    "staff": {"password_hash", "totp_secret", "invite_hash", "session_version", "totp_step"},
    "outgoing_message": {"reply_token"},
    "upload": {"body", "rejected"},
}
AT_ONCE = 2_000
ACTOR = actor_of("")
FORMULA = re.compile(r"'*[=+\-@\t\r]")


def escaped(value: str) -> str:
    """Text a spreadsheet would read as a formula gets an apostrophe before it; import takes it off again."""
    return "'" + value if FORMULA.match(value) else value


def unescaped(value: str) -> str:
    """The text before `escaped`."""
    return value[1:] if value.startswith("'") and FORMULA.match(value) else value


class Exporter:
    """Writes a whole export into a folder that only its owner may read."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session, self._folder = session, folder
        brand: Brand = the_brand(session)
        self._zone, self._currency = ZoneInfo(brand.business_timezone), brand.currency
        self._kept = aliased(Member)  # a merged person's facts go out under who they were merged into

    def run(self, progress: Callable[[str], None] = lambda name: None) -> dict[str, int]:
        """Writes everything; returns how many lines each file has."""
        return dict(self.each(progress))

    def each(self, progress: Callable[[str], None] = lambda name: None) -> Iterator[tuple[str, int]]:
        """Writes file after file; says the name and the lines of each when it is done."""
        (self._folder / "tables").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        custom = self._custom_columns()
        files: dict[str, Callable[[TextIO], int]] = {
            "members.csv": lambda file: _csv(file, [*MEMBER_COLUMNS, *SCORE_COLUMNS, *custom], self._members(custom)),
            "purchases.csv": lambda file: _csv(file, PURCHASE_COLUMNS, self._purchases()),
            "events.jsonl": lambda file: _jsonl(file, self._events()),
        }
        for table in metadata.sorted_tables:
            if table.name not in SECRET_TABLES:
                files[f"tables/{table.name}.jsonl"] = self._table_writer(table)
        for name, write in files.items():
            progress(name)
            with _private(self._folder / name) as file:
                lines = write(file)
            yield name, lines

    def _stream(self, query: Any) -> Iterator[Any]:
        return iter(self._session.execute(query, execution_options={"yield_per": AT_ONCE}))

    def _custom_columns(self) -> list[str]:
        names: set[str] = set()
        for (custom,) in self._stream(select(Member.custom).where(Member.merged_into_id.is_(None))):
            names.update(custom)
        return sorted(names - {*MEMBER_COLUMNS, *SCORE_COLUMNS})

    def _members(self, custom: list[str]) -> Iterator[list[str]]:
        points = select(func.sum(PointLine.points)).where(PointLine.member_id == Member.id).scalar_subquery()
        tags = (
            select(func.aggregate_strings(Tag.key, ";"))
            .join(MemberTag, MemberTag.tag_id == Tag.id)
            .where(MemberTag.member_id == Member.id, MemberTag.removed_at.is_(None))
            .scalar_subquery()
        )
        query = (
            select(Member, Friend.user_id, Store.key, Tier.key, MemberScore, MemberForecast, points, tags)
            .outerjoin(Friend, Friend.member_id == Member.id)
            .outerjoin(Store, Store.id == Member.home_store_id)
            .outerjoin(Tier, Tier.id == Member.tier_id)
            .outerjoin(MemberScore, MemberScore.member_id == Member.id)
            .outerjoin(MemberForecast, MemberForecast.member_id == Member.id)
            .where(Member.merged_into_id.is_(None))
            .order_by(Member.id)
        )
        for member, user_id, store, tier, score, forecast, balance, keys in self._stream(query):
            said = [
                member.ref, user_id, member.name, member.phone, member.email, member.birth_date, member.gender,
                self._local(member.registered_at), store, member.language, _yes_no(member.marketing_consent),
            ]  # fmt: skip
            scores = *_scores(score), *self._forecast(forecast)
            computed = [tier, *scores, balance or 0, ";".join(sorted((keys or "").split(";")))]
            own = [member.custom.get(name) for name in custom]
            yield [escaped(_text(value)) for value in (*said, *computed, *own)]
            self._session.expunge(member)

    def _forecast(self, row: MemberForecast | None) -> list[Any]:
        """What the models expect; empty where none is trusted."""
        if row is None:
            return [""] * 3
        value = "" if row.expected_value_12m is None else to_text(round(row.expected_value_12m), self._currency)
        return [row.p_alive, row.p_buys_90d, value]

    def _purchases(self) -> Iterator[list[str]]:
        query = (
            select(
                Purchase.order_ref, PurchaseLine, func.coalesce(self._kept.ref, Member.ref, Purchase.buyer_ref),
                Purchase.paid_at, Purchase.channel, Store.key,
            )
            .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
            .outerjoin(Member, Member.id == Purchase.member_id)
            .outerjoin(self._kept, self._kept.id == Member.merged_into_id)
            .outerjoin(Store, Store.id == Purchase.store_id)
            .order_by(Purchase.paid_at, Purchase.order_ref, PurchaseLine.line_no)
        )  # fmt: skip
        for ref, line, buyer, paid_at, channel, store in self._stream(query):
            texts = [ref, line.line_no, buyer, self._local(line.paid_at or paid_at), channel, store,
                     line.sku, line.product, line.category]  # fmt: skip
            amount = to_text(line.amount, self._currency)  # a number stays one, whatever its sign
            tail = [str(line.quantity), amount, line.kind, escaped(line.refund_of or "")]
            yield [*(escaped(_text(value)) for value in texts), *tail]
            self._session.expunge(line)

    def _events(self) -> Iterator[str]:
        """Oldest first; equal times in the order of their text, so that two databases write the same file."""
        both = heapq.merge(self._recorded(), self._sends(), key=lambda each: each[0])
        for _, group in groupby(both, key=lambda each: each[0]):
            yield from sorted(line for _, line in group)

    def _recorded(self) -> Iterator[tuple[datetime, str]]:
        query = (
            select(
                Event.occurred_at, Event.dedupe_key, Event.kind, func.coalesce(self._kept.ref, Member.ref),
                Event.source, Campaign.ref, Event.object, Event.data, Event.actor_ref,
            )
            .outerjoin(Member, Member.id == Event.member_id)
            .outerjoin(self._kept, self._kept.id == Member.merged_into_id)
            .outerjoin(Campaign, Campaign.id == Event.campaign_id)
            .order_by(Event.occurred_at)
        )  # fmt: skip
        for at, key, kind, ref, source, campaign, about, data, actor in self._stream(query):
            line = {"id": key.removeprefix(BY_ID)} if (key or "").startswith(BY_ID) else {}
            line |= {"visitor": actor.removeprefix(ACTOR)} if (actor or "").startswith(ACTOR) else {}
            line |= {"kind": kind, "member_ref": ref or "", "at": self._local(at), "source": source}
            yield at, _json({**line, "campaign": campaign, "object": about, "data": data})

    def _sends(self) -> Iterator[tuple[datetime, str]]:
        """Recipient rows: what was sent, and what was kept back and why."""
        at = func.coalesce(Recipient.sent_at, Recipient.due_at, type_=Recipient.due_at.type)
        query = (
            select(at, Recipient, func.coalesce(self._kept.ref, Member.ref), Campaign.ref)
            .join(Campaign, Campaign.id == Recipient.campaign_id)
            .join(Member, Member.id == Recipient.member_id)
            .outerjoin(self._kept, self._kept.id == Member.merged_into_id)
            .where(Recipient.state.in_(("sent", "withheld", "held_out")))
            .order_by(at)
        )
        for moment, row, ref, campaign in self._stream(query):
            data = {"occasion": row.occasion, "segments": row.segments}
            if row.state != "sent":
                data["reason"] = "held_out" if row.state == "held_out" else row.reason
            kind = "sent" if row.state == "sent" else "withheld"
            line = {"kind": kind, "member_ref": ref, "at": self._local(moment), "source": "line"}
            yield moment, _json({**line, "campaign": campaign, "object": None, "data": data})
            self._session.expunge(row)

    def _table_writer(self, table: Table) -> Callable[[TextIO], int]:
        return lambda file: _jsonl(file, self._rows(table))

    def _rows(self, table: Table) -> Iterator[str]:
        hidden = SECRET_COLUMNS.get(table.name, set())
        columns = [column for column in table.columns if column.name not in hidden]
        query = select(*columns).order_by(*table.primary_key.columns)
        for row in self._stream(query):
            yield _json({column.name: value for column, value in zip(columns, row, strict=True)})

    def _local(self, moment: datetime | None) -> str:
        return moment.astimezone(self._zone).isoformat() if moment else ""


def _scores(score: MemberScore | None) -> list[Any]:
    """The score columns between tier and forecasts; what is not computed yet is empty."""
    if score is None:
        return [""] * 7
    return [
        score.rfm_r, score.rfm_f, score.rfm_m, score.rfm_group, score.napl, score.cycle_days, score.due_on,
    ]  # fmt: skip


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value) if isinstance(value, list | dict) else str(value)


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "true" if value else "false"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


@contextmanager
def _private(path: Path) -> Iterator[TextIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # Spreadsheets take a CSV for UTF-8 only when it begins with a byte order mark.
    encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
    with open(descriptor, "w", encoding=encoding, newline="") as file:
        yield file


def _csv(file: TextIO, header: Iterable[str], rows: Iterable[list[str]]) -> int:
    writer, written = csv.writer(file), 0
    writer.writerow([escaped(name) for name in header])
    for row in rows:
        writer.writerow(row)
        written += 1
    return written


def _jsonl(file: TextIO, lines: Iterable[str]) -> int:
    written = 0
    for line in lines:
        file.write(line + "\n")
        written += 1
    return written
