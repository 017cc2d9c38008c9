"""What comes in over HTTP: the columns of the files, as JSON, up to a thousand at once."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST = 1_000
Text = Annotated[str, Field(max_length=255)]
Name = Annotated[str, Field(max_length=64)]
Money = Annotated[int | float | str, Field(description="The line's net amount, tax included, in currency units")]
Moment = Annotated[str, Field(max_length=64, description="ISO 8601; without a zone it is the business's local time")]
Ref = Annotated[
    str,
    Field(max_length=255, description="member_ref, phone, e-mail, LINE user id or card number; empty if not known"),
]


class Shape(BaseModel):
    """Nothing beside the named fields."""

    model_config = ConfigDict(extra="forbid")


class PurchaseItem(Shape):
    """One line of an order. The same order_id and line_no again change nothing."""

    order_id: Annotated[str, Field(min_length=1, max_length=255)]
    line_no: Annotated[int, Field(ge=0, lt=2**31)]
    member_ref: Ref = ""
    paid_at: Moment
    channel: Name = ""
    store: Name = ""
    sku: Annotated[str, Field(min_length=1, max_length=255)]
    product: Text = ""
    category: Text = ""
    quantity: Annotated[int, Field(gt=-(2**31), lt=2**31)] = 1
    amount: Money
    kind: Literal["sale", "refund"] = "sale"
    refund_of: Annotated[Text, Field(description="The order a refund takes back; empty when it names none")] = ""


class EventItem(Shape):
    """Something that happened. The same id, or without an id the same content, again changes nothing."""

    id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    kind: Name
    member_ref: Ref = ""
    visitor: Annotated[Name, Field(description="The browser it happened in, while nobody knows whose it is")] = ""
    at: Moment
    source: Name = ""
    campaign: Annotated[Name, Field(description="The send or campaign it traces to")] = ""
    object: Text = ""
    data: dict[str, Any] = Field(default_factory=dict)


class MemberItem(Shape):
    """A person; whoever is known by one of the references is updated."""

    member_ref: Name = ""
    line_user_id: Name = ""
    name: Text = ""
    phone: Name = ""
    email: Text = ""
    birth_date: Annotated[str, Field(max_length=32, description="YYYY-MM-DD")] = ""
    gender: Name = ""
    joined_at: Annotated[Moment, Field(description="When they registered; empty for who has not")] = ""
    home_store: Name = ""
    language: Name = ""
    marketing_consent: bool | None = None
    carrier: Annotated[Name, Field(description="E-invoice carrier, such as /ABC1234")] = ""
    visitor: Annotated[Name, Field(description="The browser they use in the shop, as /t.js calls it")] = ""
    custom: dict[str, str] = Field(default_factory=dict)


class Purchases(Shape):
    items: Annotated[list[PurchaseItem], Field(max_length=MOST)]


class Events(Shape):
    items: Annotated[list[EventItem], Field(max_length=MOST)]


class Members(Shape):
    items: Annotated[list[MemberItem], Field(max_length=MOST)]


class Rejected(Shape):
    """An item that was not taken; the others were."""

    index: Annotated[int, Field(description="Its place in items, from 0")]
    code: str
    reason: str


class Taken(Shape):
    """What became of a batch."""

    accepted: int
    repeated: Annotated[int, Field(description="Known already, nothing changed")]
    rounded: Annotated[int, Field(description="Amounts with more decimals than the currency is kept with")]
    rejected: list[Rejected]
