"""What the processes say of themselves: a sign of life each, and what they counted, added up over all hosts."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Short, UtcDateTime


class Process(Base):
    """One process that is running, or was a moment ago. `seen_at` is database time where hosts share one."""

    __tablename__ = "process"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)  # host:pid
    kind: Mapped[Short]  # web | worker | clock
    version: Mapped[Short]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Tally(Base):
    """A figure that only grows, such as answers given to LINE; every process adds to it every few seconds."""

    __tablename__ = "tally"

    name: Mapped[Short] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(String(255), primary_key=True)  # status="200",endpoint="push"
    value: Mapped[float]
