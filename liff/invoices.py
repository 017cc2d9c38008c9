"""E-invoices: a member registers the invoice of what they bought, and sees what became of it."""

from apiflask import APIBlueprint
from pydantic import Field

import door
from domain.calendar import calendar_of
from domain.operations import invoicing
from domain.operations.invoicing import Registered
from domain.wording import date_words, money_words
from liff import session
from liff.screens import Shape, api_blueprint
from models.programme import the_brand

invoices: APIBlueprint = api_blueprint("invoices", __name__)


class InvoiceIn(Shape):
    number: str = Field(max_length=40, description="Two letters and eight digits; spaces and hyphens do not matter")


class InvoiceOut(Shape):
    number: str
    registered_on: str
    amount: str | None = Field(description="What it came to; null until the shop's file told of it")


class InvoicesOut(Shape):
    invoices: list[InvoiceOut]


@invoices.get("/invoices")
@invoices.output(InvoicesOut)
def show_invoices() -> InvoicesOut:
    """The invoices this member registered, newest first."""
    return _shape()


@invoices.post("/invoices")
@invoices.input(InvoiceIn)
@invoices.output(InvoicesOut)
def register(json_data: InvoiceIn) -> InvoicesOut:
    """Register one; it counts once, for whoever registered it first."""
    invoicing.register(door.session(), session.member(), number=json_data.number, source="liff", now=door.now())
    door.session().commit()
    return _shape()


def _shape() -> InvoicesOut:
    mine = invoicing.registered_by(door.session(), session.member())
    return InvoicesOut(invoices=[_invoice(each) for each in mine])


def _invoice(each: Registered) -> InvoiceOut:
    calendar, currency = calendar_of(door.session()), the_brand(door.session()).currency
    told = each.net_amount is not None
    return InvoiceOut(
        number=f"{each.number[:2]}-{each.number[2:]}",
        registered_on=date_words(door.language(), calendar.day_of(each.at), calendar.day_of(door.now())),
        amount=money_words(door.language(), each.net_amount or 0, currency) if told else None,
    )
