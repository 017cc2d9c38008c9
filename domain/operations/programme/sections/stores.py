"""`stores:` where people come to."""

from typing import Any

from pydantic import Field

from domain.operations.programme.sections._section import Listed
from models import store


class Store(Listed):
    table = store.Store

    name: str
    address: str = ""
    phone: str = ""
    is_open: bool = True
    change_deadline_minutes: int = Field(120, ge=0)

    @classmethod
    def is_retired(cls, row: Any) -> bool:
        return not row.is_open
