"""Where an order was bought: in a store, or online."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func

from models.purchase import Purchase

# What sources call a sale at the counter when they name no store.
COUNTER = ("store", "pos", "counter", "retail", "offline")


def is_online(order: Any = Purchase) -> ColumnElement[bool]:
    """An order that names no store, and whose channel is no counter."""
    return and_(order.store_id.is_(None), func.lower(order.channel).not_in(COUNTER))
