"""`entry_sources:` where friends come from. One the file no longer names stays: its posters still hang."""

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed, Whole
from domain.operations.programme.sections._words import Key, Texts, wrong
from models import programme
from models.store import Store


class EntrySource(Listed):
    table = programme.EntrySource

    name: str
    store: Key | None = None
    welcome: Texts = {}
    kind: Literal["store", "staff", "ad", "event"] = "store"
    campaign: Annotated[str, Field(min_length=1, max_length=64)] | None = None  # whom an event's people take part in

    @classmethod
    def more_from_row(cls, session: Session, row: Any) -> dict[str, Any]:
        store = session.get(Store, row.store_id) if row.store_id else None
        return {"store": store.key if store else None, "campaign": row.campaign_ref}

    def check(self, where: str, whole: Whole) -> None:
        if self.kind == "event" and not self.campaign:
            wrong(where, "an event names the campaign that people take part in")

    def to_columns(self, session: Session) -> dict[str, Any]:
        values = self.model_dump()
        key, campaign = values.pop("store"), values.pop("campaign")
        values["campaign_ref"] = campaign
        return {**values, "store_id": session.scalar(select(Store.id).where(Store.key == key)) if key else None}
