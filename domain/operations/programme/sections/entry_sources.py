"""`entry_sources:` where friends come from. One the file no longer names stays: its posters still hang."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Key, Texts
from models import programme
from models.store import Store


class EntrySource(Listed):
    table = programme.EntrySource

    name: str
    store: Key | None = None
    welcome: Texts = {}

    @classmethod
    def more_from_row(cls, session: Session, row: Any) -> dict[str, Any]:
        store = session.get(Store, row.store_id) if row.store_id else None
        return {"store": store.key if store else None}

    def to_columns(self, session: Session) -> dict[str, Any]:
        values = self.model_dump()
        key = values.pop("store")
        return {**values, "store_id": session.scalar(select(Store.id).where(Store.key == key)) if key else None}
