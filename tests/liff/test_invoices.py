"""Registering e-invoices in the mini-app."""

from datetime import UTC, datetime
from typing import Any

from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from models.session import Sessions
from tests.liff.conftest import Phone

MEI, KEN = "U" + "1" * 32, "U" + "2" * 32


def join(phone: Phone, user: str, digits: str) -> None:
    phone.open_as(user)
    card = {"name": "Mei", "phone": digits, "consent": False}
    assert phone.post("/registration", card).status_code in {200, 201, 204}


def test_an_invoice_waits_for_the_shops_file_and_is_then_worth_something(phone: Phone, sessions: Sessions) -> None:
    join(phone, MEI, "0912345678")
    assert phone.get("/invoices").json == {"invoices": []}
    told = phone.post("/invoices", {"number": "ab-12345678"})
    assert told.status_code == 200
    assert [(each["number"], each["amount"]) for each in told.json["invoices"]] == [("AB-12345678", None)]
    with sessions.writing() as session:
        now = datetime.now(UTC)
        row = PurchaseRow("AB12345678", "", now, "pos", "", Line(1, "tea", 600))
        import_purchases(session, [row], source="file", is_history=True, now=now)
        session.commit()
    assert phone.get("/invoices").json["invoices"][0]["amount"] == "NT$ 600"


def test_refusals_say_what_to_do_and_not_whose_it_is(phone: Phone, another_phone: Phone) -> None:
    join(phone, MEI, "0912345678")
    join(another_phone, KEN, "0987654321")
    assert phone.post("/invoices", {"number": "AB12345678"}).status_code == 200
    answers: list[Any] = [each.post("/invoices", {"number": "AB12345678"}) for each in (phone, another_phone)]
    assert {(each.status_code, each.json["code"], each.json["detail"]) for each in answers} == {
        (409, "already_registered", answers[0].json["detail"])
    }
    wrong = phone.post("/invoices", {"number": "12345678"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "number")


def test_only_members_register_invoices(phone: Phone) -> None:
    phone.open_as(MEI)
    assert phone.get("/invoices").json["code"] == "not_registered"
    assert phone.post("/invoices", {"number": "AB12345678"}).json["code"] == "not_registered"
