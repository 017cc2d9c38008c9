"""Files come in: dirty, twice, late, in another's columns, cut off in the middle."""

import csv
import gzip
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.importing import Importer
from api.mapping import Map
from domain import triggers
from domain.calendar import calendar_of
from models.benefit import CouponClaim
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Friend, Identity, Member
from models.outbox import OutgoingMessage
from models.programme import MemberTag, Tier
from models.purchase import Purchase, PurchaseLine
from models.session import Sessions
from models.store import Store
from tests.api.conftest import Desk
from tests.support.factories import make_member
from tests.support.moments import NOW

MEMBERS = "member_ref,line_user_id,name,phone,email,birth_date,gender,joined_at,home_store,language,marketing_consent"
PURCHASES = "order_id,line_no,member_ref,paid_at,channel,store,sku,product,category,quantity,amount,kind,refund_of"
MEI = "U" + "0" * 31 + "1"


def rejected(path: Path) -> list[tuple[int, str]]:
    with path.with_name(path.name + ".rejected.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


def member(session: Session, ref: str) -> Member:
    return session.scalars(select(Member).where(Member.ref == ref)).one()


def test_members_come_in_with_everything_the_file_says(desk: Desk, sessions: Sessions) -> None:
    file = desk.write(
        "m.csv",
        MEMBERS + ",shoe size",
        f'S1,{MEI},"Chen, Mei",0912-345-678,Mei@Example.com,1990-02-29,f,2025-01-05 09:30,xinyi,zh-TW,yes,38',
        "S2,,陳,,,,,,,,,",
    )
    out = desk.load("members", file)
    assert "2 lines" in out
    assert "1 loaded" in out
    assert "1990-02-29" in rejected(file)[0][1]
    file = desk.write(
        "m2.csv",
        MEMBERS + ",shoe size",
        f"S1,{MEI},Mei,0912-345-678,Mei@Example.com,1992-02-29,f,2025-01-05 09:30,xinyi,zh-TW,yes,38",
    )
    desk.load("members", file)
    with sessions.reading() as session:
        mei = member(session, "S1")
        assert (mei.name, mei.phone, mei.email) == ("Mei", "+886912345678", "mei@example.com")
        assert mei.registered_at is not None
        assert mei.registered_at.isoformat() == "2025-01-05T01:30:00+00:00"
        assert (mei.birth_month, mei.birth_day, mei.language, mei.marketing_consent) == (2, 29, "zh-Hant", True)
        assert mei.custom == {"shoe size": "38"}
        assert session.get_one(Store, mei.home_store_id).key == "xinyi"
        assert session.scalars(select(Friend)).one().is_following
        kinds = set(session.scalars(select(Identity.kind).where(Identity.verified_at.is_not(None))))
        assert kinds == {"shop", "line", "phone", "email"}
    assert "1 known already" in desk.load("members", file)


def test_a_line_that_would_join_two_people_is_refused(desk: Desk, sessions: Sessions) -> None:
    file = desk.write(
        "m.csv",
        "member_ref,phone,email,line_user_id",
        f"S1,0912345678,,{MEI}",
        "S2,0912345678,,",
        "S3,,c@example.com,",
        "S3,0912345678,,",
        ",,,",
        "S1,,,U" + "0" * 31 + "2",
        ",0912345678,mei@example.com,",
    )
    desk.load("members", file)
    assert [line for line, _ in rejected(file)] == [3, 5, 6, 7]
    assert "S1" in rejected(file)[0][1]
    with sessions.reading() as session:
        assert sorted(session.scalars(select(Member.ref))) == ["S1", "S3"]
        assert member(session, "S1").email == "mei@example.com"


def test_a_follower_the_shop_knows_by_number_is_one_person(desk: Desk, sessions: Sessions) -> None:
    desk.load("events", desk.write("e.jsonl", f'{{"kind":"followed","member_ref":"{MEI}","at":"2025-01-01"}}'))
    desk.load("members", desk.write("m.csv", "member_ref,line_user_id,name", f"S1,{MEI},Mei"))
    desk.load("purchases", desk.write("p.csv", PURCHASES, "A1,1,S1,2025-03-01,pos,,tea,,,1,100,sale,"))
    with sessions.reading() as session:
        mei = session.scalars(select(Member)).one()
        assert mei.name == "Mei"
        assert session.scalars(select(Purchase.member_id)).all() == [mei.id]


DIRTY = [
    PURCHASES,
    "A1,1,S1,2025-03-01 23:30,pos,xinyi,tea,Oolong,tea,1,300,sale,",
    "A1,2,S1,2025-03-01 23:30,pos,xinyi,cup,,,2,1e3x,sale,",
    "A1,3,S1,2025-03-01 23:30,pos,xinyi,cup,,,2.5,100,sale,",
    "A1,4,S1,01/03/2025,pos,xinyi,cup,,,2,100,sale,",
    ",5,S1,2025-03-01,pos,xinyi,cup,,,2,100,sale,",
    "A1,6,S1,2025-03-01",
    "A1,7,S1,2035-03-01,pos,xinyi,cup,,,2,100,sale,",
    "A1,8,S1,2025-03-01 23:30,pos,xinyi,cup,,,1,99.5,sale,",
    "A1,8,S1,2025-03-01 23:30,pos,xinyi,cup,,,1,101,sale,",
    "",
    "A2,1,nobody,2025-03-02T01:00:00+09:00,web,,cap,,,1,50,sale,",
    '"A3","1",,"2025-03-03","web","","c""ap","","","1","50","",""',
]


def test_a_dirty_file_loads_what_it_can_and_says_what_not(desk: Desk, sessions: Sessions) -> None:
    desk.load("members", desk.write("m.csv", "member_ref", "S1"))
    file = desk.write("p.csv", "\ufeff" + DIRTY[0], *DIRTY[1:])
    out = desk.load("purchases", file)
    assert "11 lines" in out
    assert "4 loaded" in out
    assert "1 amounts rounded" in out
    assert [line for line, _ in rejected(file)] == [3, 4, 5, 6, 7, 8, 10]
    with sessions.reading() as session:
        figures = {ref: (day.isoformat(), net) for ref, day, net in session.execute(
            select(Purchase.order_ref, Purchase.day, Purchase.net_amount))}  # fmt: skip
        assert figures == {"A1": ("2025-03-01", 400), "A2": ("2025-03-02", 50), "A3": ("2025-03-03", 50)}
        assert session.scalar(select(Purchase.buyer_ref).where(Purchase.order_ref == "A2")) == "nobody"
    assert "0 loaded, 4 known already" in desk.load("purchases", file)
    assert "0 loaded, 4 known already" in desk.load("purchases", desk.write("p.csv", *DIRTY))


def test_the_rejected_file_goes_away_when_nothing_is_refused(desk: Desk) -> None:
    file = desk.write("p.csv", *DIRTY)
    desk.load("purchases", file)
    assert file.with_name("p.csv.rejected.csv").exists()
    file.write_text("\n".join(DIRTY[:2]))
    desk.load("purchases", file)
    assert not file.with_name("p.csv.rejected.csv").exists()


def test_characters_of_another_encoding_spoil_only_their_line(desk: Desk, sessions: Sessions) -> None:
    file = desk.folder / "m.csv"
    file.write_bytes(b"member_ref,name\nS1,Mei\nS2,\xb3\xaf\nS3,a\x00b\nS4,Ken\n")
    desk.load("members", file)
    assert [line for line, _ in rejected(file)] == [3, 4]
    big5 = desk.write(
        "big5.yaml",
        "reads: members",
        "encoding: cp950",
        "fields:",
        "  member_ref: {column: number}",
        "  name: {column: name}",
    )
    desk.load("members", desk.write("b.csv", "number,name", "S2,陳", encoding="cp950"), "--map", big5)
    with sessions.reading() as session:
        assert member(session, "S2").name == "陳"


def test_what_cannot_be_read_at_all_loads_nothing_and_says_why(desk: Desk) -> None:
    for name, lines, words in (
        ("a.csv", ["order_id,paid_at"], "lacks the columns line_no, sku, amount"),
        ("b.csv", [""], "no header"),
        ("c.csv", ["order_id,order_id"], "twice"),
    ):
        result = desk.run("import", "purchases", desk.write(name, *lines))
        assert result.exit_code == 1
        assert words in result.output
    result = desk.run("import", "purchases", desk.write("d.csv", PURCHASES), "--map", "nothing_like_it")
    assert "There is no map" in result.output


def test_a_map_reads_another_shops_columns(desk: Desk, sessions: Sessions) -> None:
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    plain = "\n".join([
        header,
        "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
        "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
        "536365,71053,LANTERN,6,2010-12-01 08:26:00,0.0,17850.0,United Kingdom",
        "536366,22633,WARMER,3,12/2/2010 8:28,1.85,,United Kingdom",
        "C536379,85123A,HEART,-1,2010-12-03 09:41:00,2.55,17850.0,United Kingdom",
        "C536380,22633,WARMER,-3,2010-12-03 09:41:00,1.85,,United Kingdom",
        "",
    ])  # fmt: skip
    file = desk.folder / "uci.csv.gz"
    file.write_bytes(gzip.compress(plain.encode()))
    out = desk.load("purchases", file, "--map", "uci_online_retail")
    assert "5 loaded" in out
    assert rejected(file) == [(4, "The price is 0 or below, so the line sold nothing.")]
    with sessions.reading() as session:
        nets = dict(session.execute(select(Purchase.order_ref, Purchase.net_amount)).all())
        # Two lines of 15.3 are 15 each in a currency without decimals; 2.55 back is 3.
        assert nets == {"536365": 27, "536366": 6, "C536379": 0, "C536380": -6}
        lines = select(PurchaseLine.line_no).join(Purchase).where(Purchase.order_ref == "536365")
        assert sorted(session.scalars(lines)) == [1, 2]
        buyer = member(session, "17850")
        assert buyer.registered_at is not None
        assert buyer.registered_at.isoformat() == "2010-12-01T00:26:00+00:00"


EVENTS = [
    f'{{"kind":"followed","member_ref":"{MEI}","at":"2025-01-01T10:00:00","source":"line","data":{{"entry_source":"qr-xinyi"}}}}',
    f'{{"kind":"registered","member_ref":"{MEI}","at":"2025-01-02T10:00:00","source":"liff","data":{{"method":"liff"}}}}',
    f'{{"kind":"consented","member_ref":"{MEI}","at":"2025-01-02T10:00:00","source":"liff","data":{{"wording":"yes"}}}}',
    f'{{"kind":"tagged","member_ref":"{MEI}","at":"2025-01-03T10:00:00","source":"liff","object":"tea"}}',
    f'{{"kind":"sent","member_ref":"{MEI}","at":"2025-02-01T10:00:00","source":"line","campaign":"spring","data":{{"segments":["tea"]}}}}',
    f'{{"kind":"withheld","member_ref":"{MEI}","at":"2025-03-01T10:00:00","source":"line","campaign":"summer","data":{{"reason":"held_out"}}}}',
    f'{{"kind":"clicked","member_ref":"{MEI}","at":"2025-02-01T11:00:00","source":"line","campaign":"spring","object":"https://x"}}',
    f'{{"kind":"clicked","member_ref":"{MEI}","at":"2025-02-01T11:00:00","source":"line","campaign":"spring","object":"https://x"}}',
    '{"kind":"clicked","member_ref":"","at":"2025-02-01T11:00:00","source":"line","campaign":"spring"}',
    f'{{"kind":"participated","member_ref":"{MEI}","at":"2025-02-02T11:00:00","source":"staff","object":"fair"}}',
    f'{{"kind":"untagged","member_ref":"{MEI}","at":"2025-05-01T10:00:00","source":"rule","object":"tea"}}',
    f'{{"kind":"refused","member_ref":"{MEI}","at":"2025-06-01T10:00:00","source":"line"}}',
    f'{{"kind":"unfollowed","member_ref":"{MEI}","at":"2025-06-02T10:00:00","source":"line"}}',
]
BAD_EVENTS = [
    "not json",
    '{"kind":"visited","member_ref":"S404","at":"2025-01-01"}',
    '{"kind":"visited","member_ref":"","at":"2025-01-01"}',
    '{"kind":"flew","member_ref":"S1","at":"2025-01-01"}',
    f'{{"kind":"sent","member_ref":"{MEI}","at":"2025-01-01"}}',
    f'{{"kind":"texted","member_ref":"{MEI}","at":"2025-01-01","data":{{"n":NaN}}}}',
    f'{{"kind":"texted","member_ref":"{MEI}","at":"2025-01-01","data":{{"n":"\\u0000"}}}}',
]


def check_events(session: Session) -> None:
    mei = session.scalars(select(Member)).one()
    assert (mei.marketing_consent, mei.entry_source) == (False, "qr-xinyi")
    assert mei.registered_at is not None
    friend = session.scalars(select(Friend)).one()
    assert friend.is_following is False
    assert friend.first_followed_at is not None
    assert friend.first_followed_at.isoformat() == "2025-01-01T02:00:00+00:00"
    tag = session.scalars(select(MemberTag)).one()
    assert tag.removed_at is not None
    assert (tag.assigned_at.day, tag.removed_at.month, tag.source) == (3, 5, "import")
    states = {
        (ref, kind, state, arm)
        for ref, kind, state, arm in session.execute(
            select(Campaign.ref, Campaign.kind, Recipient.state, Recipient.arm).join(
                Recipient, Recipient.campaign_id == Campaign.id
            )
        )
    }
    assert states == {("spring", "imported", "sent", "sent"), ("summer", "imported", "held_out", "held_out")}
    assert session.scalar(select(func.count()).where(Event.kind == "clicked")) == 3
    joined = select(Campaign.ref).join(Event, Event.campaign_id == Campaign.id)
    assert session.scalar(joined.where(Event.kind == "participated")) == "fair"


@pytest.mark.parametrize("how", ["in order", "backwards", "one by one"])
def test_events_make_history_in_whatever_order_they_come(desk: Desk, sessions: Sessions, how: str) -> None:
    lines = EVENTS[::-1] if how == "backwards" else EVENTS
    file = desk.write("e.jsonl", *lines, *BAD_EVENTS)
    if how == "one by one":
        Importer(sessions, "events", file, Map(reads="events"), desk.folder / "r.csv", NOW, batch=1).run()
    else:
        assert "13 loaded" in desk.load("events", file)
        assert len(rejected(file)) == 7
    with sessions.reading() as session:
        check_events(session)
    assert "0 loaded, 13 known already" in desk.load("events", file)
    with sessions.reading() as session:
        check_events(session)


def test_history_is_not_news(desk: Desk, sessions: Sessions) -> None:
    desk.load("events", desk.write("e.jsonl", *EVENTS[:4]))
    desk.load("purchases", desk.write("p.csv", PURCHASES, f"A1,1,{MEI},2025-03-01,pos,xinyi,tea,,,1,90000,sale,"))
    with sessions.reading() as session:
        for table in (OutgoingMessage, CouponClaim):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        done = session.scalars(select(Event).where(Event.kind == "conversion_completed")).one()
        assert (done.object, done.day, done.is_history) == ("order:A1", date(2025, 3, 1), True)


def test_a_file_of_yesterday_is_history_too(desk: Desk, sessions: Sessions, now: datetime) -> None:
    with sessions.writing() as session:
        session.add_all([Tier(key="general", rank=0), Tier(key="silver", rank=1, threshold=5_000)])
        mei = make_member(session)
        session.commit()
    yesterday = (now - timedelta(days=1)).isoformat()
    desk.load("purchases", desk.write("p.csv", PURCHASES, f"A1,1,{mei.ref},{yesterday},pos,,tea,,,1,90000,sale,"))
    with sessions.reading() as session:
        tier = session.get_one(Tier, session.get_one(Member, mei.id).tier_id)
        assert tier.key == "silver"
        assert session.scalar(select(func.count()).select_from(OutgoingMessage)) == 0
        window = triggers.Window(since=now - timedelta(days=2), now=now, calendar=calendar_of(session))
        asked = {"on": "after_event", "event": "conversion_completed"}
        assert triggers.entries(session, asked, window) == []


class Killed(Exception):
    pass


def test_cut_off_in_the_middle_and_repeated_it_ends_the_same(desk: Desk, sessions: Sessions) -> None:
    desk.load("members", desk.write("m.csv", "member_ref", *(f"S{n}" for n in range(20))))
    lines = [PURCHASES]
    for n in range(400):
        day, kind = f"2025-{1 + n % 12:02d}-{1 + n % 27:02d}", "refund" if n % 5 == 4 else "sale"
        lines.append(f"A{n // 2},{n},S{n % 20},{day},web,,s{n % 3},,,1,{100 + n},{kind},{'A7' if n % 35 == 4 else ''}")
    # Two lines of an order are one person's.
    file = desk.write("p.csv", *(line.replace(f",S{n % 20},", f",S{n // 2 % 20},") for n, line in enumerate(lines, -1)))

    def kill_after(batches: int) -> Any:
        left = iter(range(batches))

        def progress(done: int, size: int) -> None:
            if next(left, None) is None:
                raise Killed

        return progress

    def importer(**how: Any) -> Importer:
        return Importer(sessions, "purchases", file, Map(reads="purchases"), desk.folder / "r.csv", NOW, **how)

    with pytest.raises(Killed):
        importer(batch=30, progress=kill_after(4)).run()
    with sessions.reading() as session:
        assert session.scalar(select(func.count()).select_from(PurchaseLine)) == 150
    importer(batch=70).run()
    after = _nets(sessions)
    with sessions.writing() as session:
        for table in ("refund_allocation", "purchase_line", "purchase"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        session.commit()
    importer().run()
    assert _nets(sessions) == after
    assert len(after) == 200


def _nets(sessions: Sessions) -> list[tuple[str, int]]:
    with sessions.reading() as session:
        query = select(Purchase.order_ref, Purchase.net_amount).order_by(Purchase.order_ref)
        return [(ref, net) for ref, net in session.execute(query)]
