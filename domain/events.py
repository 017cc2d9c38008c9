"""The vocabulary of the journey: every kind of event, declared once.

`own` marks the person's own (inbound) actions of definitions §1: what counts as engaging again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of event: what it means, what its object is, the fields of its data, who records it."""

    name: str
    means: str
    object: str = ""
    data: tuple[str, ...] = ()
    own: bool = False
    needs_member: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind("followed", "added or unblocked the account", data=("is_unblocked", "entry_source")),
        Kind("unfollowed", "blocked the account"),
        Kind("registered", "became a known member", data=("method",)),
        Kind("consented", "agreed to marketing", data=("wording", "topic")),
        Kind("refused", "refused marketing", data=("wording", "topic")),
        Kind("sent", "a message to this person was accepted", "campaign", ("segments",)),
        Kind("withheld", "a message to this person was kept back", "campaign", ("segments", "reason")),
        Kind("clicked", "opened a tracked link", "url", ("url",), own=True, needs_member=False),
        Kind("postback", "pressed a button of a message or menu", data=("data",), own=True, needs_member=False),
        Kind("texted", "wrote to the account", own=True, needs_member=False),
        Kind("opened_app", "opened a page of the mini-app", data=("page",), own=True, needs_member=False),
        Kind("conversion_started", "began a key action", "booking:… coupon:… form:…", ("type",), own=True),
        Kind("conversion_completed", "finished a key action", "booking:… coupon:… form:…", ("type",), own=True),
        Kind("conversion_cancelled", "undid a key action", "booking:…", ("type",)),
        Kind("visited", "was in the store", "store", ("store", "how")),
        Kind("coupon_claimed", "took a coupon", "coupon", ("claim",), own=True),
        Kind("coupon_redeemed", "used a coupon", "coupon", ("claim", "order_id")),
        Kind("participated", "took part in a campaign", "campaign", own=True),
        Kind("enrolled", "entered an automation or a planned audience", "automation"),
        Kind("tagged", "was given a tag, or had it renewed", "tag", ("rule", "expires_at")),
        Kind("untagged", "lost a tag", "tag", ("rule",)),
        Kind("invoice_registered", "registered an e-invoice", "invoice:…", own=True),
        Kind("browsed", "looked at a product", "sku", needs_member=False),
        Kind("favourited", "marked a product", "sku", needs_member=False),
        Kind("carted", "put a product in the cart", "sku", needs_member=False),
        Kind("checkout_started", "opened the checkout", "order", needs_member=False),
        Kind("picked_up", "collected an order", "order"),
        Kind("answered", "answered a survey or quiz", "form", ("score", "answers"), own=True),
        Kind("referred", "brought a new member", "member_ref"),
        Kind("noted", "staff wrote about them", "text", ("text",)),
        Kind("merged", "staff joined two records", "member_ref"),
        Kind("unmerged", "staff parted two records", "member_ref"),
    )
}

OWN_ACTIONS = tuple(kind.name for kind in KINDS.values() if kind.own)
# What a shop's own site tells of whoever is there: of a member, or of a browser until we learn whose it is.
SHOP_STEPS = ("browsed", "favourited", "carted", "checkout_started")
MESSAGES = ("sent", "withheld")  # written in files as events, kept as recipient rows
CONVERSION_TYPES = ("booking", "coupon_claim", "form", "registration", "check_in", "order")
