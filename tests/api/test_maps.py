"""Other systems' files: each map reads what its system exports, and a wrong map says where it is wrong."""

import csv
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from api.map_fields import plain_number
from api.mapping import FOLDER, load_map, read_map
from domain.errors import Invalid
from models.member import Friend, Identity, Member
from models.purchase import Purchase, PurchaseLine
from models.session import Sessions
from models.store import Store
from tests.api.conftest import Desk

Nets = dict[str, int]


def nets(sessions: Sessions) -> Nets:
    with sessions.reading() as session:
        return dict(session.execute(select(Purchase.order_ref, Purchase.net_amount)).all())


def reasons(path: Path) -> list[tuple[int, str]]:
    with path.with_name(path.name + ".rejected.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]


POS = [
    "單號,日期,時間,門市,會員,品號,品名,類別,數量,金額,類型,原單號",
    'A1,2026/3/1,14:05,daan,0912345678,tea,高山茶,茶,2,"1,200",銷售,',
    "A1,2026/3/1,14:05,daan,0912345678,cup,杯,器,1,NT$350,銷售,",
    "A2,2026/3/2,,daan,,tea,高山茶,茶,１,６００,銷售,A2",
    "A3,2026/3/3,10:00,daan,,tea,高山茶,茶,1,600,作廢,",
    "R1,2026/3/5,11:00,daan,0912345678,cup,杯,器,1,350,退貨,A1",
    'A4,2026/3/6,11:00,daan,,cup,杯,器,1,"12,5",銷售,',
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950", "utf-16"])
def test_a_tills_sheet_is_read_whatever_it_was_saved_in(desk: Desk, sessions: Sessions, encoding: str) -> None:
    if encoding == "utf-16":
        desk.write("m.csv", *POS)
        file = desk.folder / "pos.csv"
        file.write_bytes("\n".join([*POS, ""]).encode(encoding))
    else:
        file = desk.write("pos.csv", *(each for each in POS), encoding=encoding)
    desk.load("members", desk.write("m.csv", "member_ref,phone", "S1,0912345678"))
    out = desk.load("purchases", file, "--map", "pos_sheet")
    assert "6 lines" in out
    assert "5 loaded" in out
    assert [line for line, _ in reasons(file)] == [7]
    # 12,5 is not 125, and what was void counts nothing; the cup came back.
    assert nets(sessions) == {"A1": 1200, "A2": 600, "A3": 0, "R1": 0}
    with sessions.reading() as session:
        assert session.scalar(select(Store.key)) == "daan"
        tea = session.scalars(select(PurchaseLine).where(PurchaseLine.sku == "tea").limit(1)).one()
        assert (tea.product, tea.category, tea.quantity) == ("高山茶", "茶", 2)
        assert session.scalar(select(func.count()).where(Purchase.member_id.is_not(None))) == 2
    assert "0 loaded, 5 known already" in desk.load("purchases", file, "--map", "pos_sheet")


SHOPEE = (
    "訂單編號,訂單狀態,買家帳號,訂單成立日期,買家付款時間,"
    "商品名稱,商品選項名稱,主商品貨號,商品選項貨號,商品活動價格,數量,退貨數量"
)


def test_an_order_cancelled_later_counts_nothing_and_pieces_sent_back_count_less(
    desk: Desk, sessions: Sessions
) -> None:
    paid = "2026-03-01 10:00,2026-03-01 10:05"
    first = desk.write(
        "s.csv", SHOPEE,
        f"S1,待出貨,mei,{paid},高山茶,小,tea,,300,2,0",
        f"S2,待出貨,ken,{paid},杯,,cup,,200,3,0",
        "S3,尚未付款,ann,2026-03-01 10:00,,杯,,cup,,200,1,0",
    )  # fmt: skip
    assert "2 loaded" in desk.load("purchases", first, "--map", "shopee_tw")
    assert reasons(first)[0][1].startswith("The order is not paid yet")
    assert nets(sessions) == {"shopee:S1": 600, "shopee:S2": 600}
    later = desk.write(
        "s2.csv", SHOPEE,
        f"S1,已取消,mei,{paid},高山茶,小,tea,,300,2,0",
        f"S2,已完成,ken,{paid},杯,,cup,,200,3,1",
        f"S3,不成立,ann,{paid},杯,,cup,,200,1,0",
    )  # fmt: skip
    assert "3 loaded" in desk.load("purchases", later, "--map", "shopee_tw")
    assert nets(sessions) == {"shopee:S1": 0, "shopee:S2": 400, "shopee:S3": 0}
    assert "0 loaded, 3 known already" in desk.load("purchases", later, "--map", "shopee_tw")
    # The cancelled file first and the old one again: the same.
    desk.load("purchases", first, "--map", "shopee_tw")
    assert nets(sessions) == {"shopee:S1": 0, "shopee:S2": 400, "shopee:S3": 0}


def test_a_shops_account_becomes_somebodys_when_we_learn_whose_it_is(desk: Desk, sessions: Sessions) -> None:
    line = "S1,已完成,mei,2026-03-01 10:00,2026-03-01 10:05,高山茶,,tea,,300,2,0"
    desk.load("purchases", desk.write("s.csv", SHOPEE, line), "--map", "shopee_tw")
    desk.load("members", desk.write("m.csv", "member_ref,name", "shopee:mei,Mei"))
    with sessions.reading() as session:
        mei = session.scalars(select(Member)).one()
        assert session.scalars(select(Purchase.member_id)).all() == [mei.id]


def test_columns_of_the_orders_first_line_hold_for_its_others(desk: Desk, sessions: Sessions) -> None:
    file = desk.write(
        "shopline.csv",
        "訂單號碼,訂單日期,訂單狀態,付款狀態,顧客 ID,電話號碼,電郵,商品貨號,商品名稱,選項,商品結帳價,數量",
        '2026001,2026-03-01 10:00:00,已完成,已付款,C9,="0912345678",,tea,高山茶,大,300,2',
        "2026001,,,,,,,cup,杯,,200,1",
        "2026002,2026-03-02 10:00:00,已取消,已付款,C9,0912345678,,cup,杯,,200,1",
        "2026002,,,,,,,tea,高山茶,,300,1",
    )
    assert "4 loaded" in desk.load("purchases", file, "--map", "shopline_orders")
    assert nets(sessions) == {"2026001": 800, "2026002": 0}
    with sessions.reading() as session:
        assert set(session.scalars(select(Purchase.buyer_ref))) == {"+886912345678"}


def test_the_english_order_export_is_read(desk: Desk, sessions: Sessions) -> None:
    header = (
        "Name,Email,Phone,Financial Status,Paid at,Created at,Cancelled at,Lineitem quantity,Lineitem name,"
        "Lineitem price,Lineitem sku"
    )
    file = desk.write(
        "e.csv", header,
        "#1001,mei@example.com,,paid,2026-03-01 10:00:00 +0800,2026-03-01 09:59:00 +0800,,2,Tea,300.00,tea",
        "#1001,,,,,,,1,Cup,200.00,",
        "#1002,ken@example.com,,refunded,2026-03-01 10:00:00 +0800,2026-03-01 09:59:00 +0800,,1,Cup,200.00,cup",
    )  # fmt: skip
    assert "3 loaded" in desk.load("purchases", file, "--map", "easystore_orders")
    assert nets(sessions) == {"#1001": 800, "#1002": 0}
    with sessions.reading() as session:
        paid = session.scalars(select(Purchase.paid_at).where(Purchase.order_ref == "#1001")).one()
        assert paid.isoformat() == "2026-03-01T02:00:00+00:00"


def test_momo_lines_name_nobody(desk: Desk, sessions: Sessions) -> None:
    file = desk.write(
        "momo.csv", "訂單編號,訂單狀態,訂購日期,品號,品名,數量,成交價",
        "260301-1,已出貨,2026/03/01 10:00,tea,高山茶,1,600", "260301-2,取消訂單,2026/03/01 10:00,tea,高山茶,1,600",
        encoding="cp950",
    )  # fmt: skip
    assert "2 loaded" in desk.load("purchases", file, "--map", "momo_tw")
    assert nets(sessions) == {"momo:260301-1": 600, "momo:260301-2": 0}


def test_e_invoices_are_read_in_both_layouts(desk: Desk, sessions: Sessions) -> None:
    header = "發票號碼,發票日期,發票狀態,載具號碼,店別,品號,品名,數量,金額"
    shop = desk.write(
        "inv.csv", header,
        "AB10000001,115/03/10,開立,/ABC1234,daan,tea,高山茶,1,600",
        "AB10000001,1150310,開立,/ABC1234,daan,cup,杯,1,200",
        "AB10000001,115/03/10,折讓,/ABC1234,daan,cup,杯,1,200",
        "AB10000002,2026/03/09,作廢,,daan,tea,高山茶,1,600",
    )  # fmt: skip
    assert "4 loaded" in desk.load("purchases", shop, "--map", "einvoice_tw")
    assert nets(sessions) == {"AB10000001": 600, "AB10000002": 0}
    carrier = desk.write(
        "carrier.csv",
        "D|AB00000000|1|nobody's|",
        "M|手機條碼|/ABC1234|20260301|12345678|山茶室|CD20000001|900|開立|",
        "D|CD20000001|600|高山茶|", "D|CD20000001|300|杯|",
        "M|手機條碼|/ABC1234|20260302|12345678|山茶室|CD20000002|300|作廢|", "D|CD20000002|300|杯|",
    )  # fmt: skip
    assert "3 loaded" in desk.load("purchases", carrier, "--map", "einvoice_carrier_tw")
    assert [line for line, _ in reasons(carrier)] == [1]
    assert nets(sessions) == {"AB10000001": 600, "AB10000002": 0, "CD20000001": 900, "CD20000002": 0}
    with sessions.reading() as session:
        days = dict(session.execute(select(Purchase.order_ref, Purchase.day)).all())
        assert days["AB10000001"].isoformat() == "2026-03-10"
        assert session.scalar(select(Purchase.buyer_ref).where(Purchase.order_ref == "CD20000001")) == "/ABC1234"


MEI = "U" + "0" * 31 + "1"


def test_friends_of_other_tools_arrive_as_people(desk: Desk, sessions: Sessions) -> None:
    lstep = desk.write(
        "l.csv", "1,2,3,4,5,6,7,8,9,10,11",
        "ID,LINE ID,表示名,本名,電話番号,メールアドレス,生年月日,性別,登録日時,ユーザーブロック,シナリオ",
        f"12,{MEI},花,佐藤 花,09012345678,hana@example.com,1990/05/31,女性,2025-01-05 10:00,0,はじめて",
        encoding="cp932",
    )  # fmt: skip
    assert "1 loaded" in desk.load("members", lstep, "--map", "lstep_friends")
    oa = desk.write("o.csv", "使用者 ID,顯示名稱,備註名稱,標籤,備註,狀態", f'{MEI},花,,"常客,茶",喜歡窗邊,好友')
    assert "1 loaded" in desk.load("members", oa, "--map", "oa_manager_friends")
    with sessions.reading() as session:
        hana = session.scalars(select(Member)).one()
        assert (hana.name, hana.gender, hana.custom["oa_tags"]) == ("花", "f", "常客,茶")
        assert hana.registered_at is None
        assert session.scalars(select(Friend.user_id)).all() == [MEI]
        kinds = set(session.scalars(select(Identity.kind)))
        assert kinds == {"shop", "line", "phone", "email"}


def test_every_map_that_comes_with_the_product_can_be_read() -> None:
    for path in FOLDER.glob("*.yaml"):
        found = read_map(path.read_text(encoding="utf-8"), name=path.stem)
        assert load_map(path.stem, found.reads) == found
        assert found.title
        assert path.read_text(encoding="utf-8").startswith("# "), f"{path.name} does not say what it assumes"


GOOD: dict[str, Any] = {
    "order_id": "{column: a}", "line_no": "{rank_within: a}", "paid_at": "{column: b}", "sku": "{column: c}",
    "amount": "{column: d}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"amount": "{column: d, value: fixed}"}, "fields.amount, say exactly one of"),
        ({"amount": None}, "fields lack amount"),
        ({"price": "{column: d}"}, "there is no field price"),
        ({"kind": "{refund_when: {colum: x}}"}, "fields.kind.refund_when"),
        ({"encoding": "big-6"}, "encoding, there is no encoding big-6"),
        ({"reads": "stars"}, "reads, Input should be 'members', 'purchases' or 'events'"),
        ({"order_id": "{column: [}"}, "line "),
    ],
)
def test_a_wrong_map_is_refused_saying_where_and_why(more: dict[str, str | None], where: str) -> None:
    top = {"reads": "purchases"} | {k: v for k, v in more.items() if k in {"encoding", "reads"}}
    fields = {k: v for k, v in {**GOOD, **more}.items() if v and k not in top and k != "encoding"}
    text = "\n".join([*(f"{k}: {v}" for k, v in top.items()), "fields:", *(f"  {k}: {v}" for k, v in fields.items())])
    with pytest.raises(Invalid) as refused:
        read_map(text, name="mine")
    assert where in str(refused.value)
    assert "\n" not in str(refused.value)


def test_check_shows_how_a_file_would_be_read_and_writes_nothing(desk: Desk, sessions: Sessions) -> None:
    file = desk.write("pos.csv", *POS)
    out = desk.load("purchases", file, "--map", "pos_sheet", "--check")
    assert "6 lines: 5 would be read, 1 refused. Nothing was written." in out
    assert "line 2: order_id=A1, line_no=1, member_ref=0912345678, paid_at=2026/3/1 14:05" in out
    assert "amount=1200" in out
    assert "refused, line 7: amount is 12,5" in out
    assert nets(sessions) == {}
    assert not file.with_name("pos.csv.rejected.csv").exists()
    result = desk.run("import", "purchases", desk.write("x.csv", "a,b"), "--map", "pos_sheet", "--check")
    assert "lacks the columns" in result.output


@pytest.mark.parametrize(
    ("written", "decimals", "number"),
    [
        ("1,234.50", ".", "1234.50"), ("1.234,50", ",", "1234.50"), ("12,5", ".", "12,5"), ("12,5", ",", "12.5"),
        ("(300)", ".", "-300"), ("NT$ 1,000", ".", "1000"), ("１２３元", ".", "123"), ("฿1,200.25", ".", "1200.25"),
        ("−5", ".", "-5"), ("abc", ".", "abc"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(written: str, decimals: Any, number: str) -> None:
    assert plain_number(written, decimals) == number
