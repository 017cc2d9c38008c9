"""People: one row per person from first touch, their identities, and their LINE friendship."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.arithmetic import machine_time
from models.base import Base, BigInt, Json, Key, Short, Text, UtcDateTime, where
from models.card import grouped, new_card_number

# Who is in no figure. Written out, so that a query with the same words finds these few by their index.
LEFT_OUT = "erased_at IS NOT NULL OR merged_into_id IS NOT NULL OR is_test OR is_staff"


class Member(Base):
    """A person. A *member* in the sense of the definitions has `registered_at` set.

    `id` never leaves the house; `ref` does, and `card_number` is what people read, type and scan.
    """

    __tablename__ = "member"
    __table_args__ = (
        Index("ix_member_registered_at", "registered_at"),
        Index("ix_member_birth", "birth_month", "birth_day"),
        Index("ix_member_changed", "changed_at", **where("changed_at IS NOT NULL")),
        Index("ix_member_left_out", "id", sqlite_where=text(LEFT_OUT), postgresql_where=text(LEFT_OUT)),
    )

    id: Mapped[Key]
    ref: Mapped[Short] = mapped_column(unique=True)
    card_number: Mapped[Short] = mapped_column(unique=True, default=new_card_number)
    name: Mapped[Text | None]
    # As shown and as claimed; what is verified and what may link people is in Identity.
    phone: Mapped[Short | None]
    email: Mapped[Text | None]
    birth_date: Mapped[date | None] = mapped_column(Date)
    birth_month: Mapped[int | None]
    birth_day: Mapped[int | None]
    gender: Mapped[Short | None]
    language: Mapped[Short | None]
    home_store_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("store.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    registered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # None = never asked; what was agreed to, word for word, is in the `consented` event.
    marketing_consent: Mapped[bool | None]
    marketing_consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    entry_source: Mapped[Short | None]
    is_test: Mapped[bool] = mapped_column(default=False)
    is_staff: Mapped[bool] = mapped_column(default=False)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    merged_into_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("member.id"))
    tier_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("tier.id"))
    tier_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tier_until: Mapped[date | None] = mapped_column(Date)  # last day of the period, local
    # When a file of the past last told us something about them: for two days nothing begins from what it moved.
    history_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    custom: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # When anything of the row last changed, in machine time, whoever changed it: the night re-tags whom it names.
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=machine_time(), onupdate=machine_time())

    friend: Mapped["Friend | None"] = relationship(back_populates="member")

    @property
    def is_member(self) -> bool:
        return self.registered_at is not None and self.erased_at is None and self.merged_into_id is None

    @property
    def number(self) -> str:
        """The card number as printed, in groups of four."""
        return grouped(self.card_number)


class Identity(Base):
    """Something that names a person: kind `line`, `phone`, `email`, `card` or `shop`.

    Only a verified identity is unique and may find a person; a claimed one links nothing.
    """

    __tablename__ = "identity"
    __table_args__ = (
        Index(
            "uq_identity_verified",
            "kind",
            "value",
            unique=True,
            sqlite_where=text("verified_at IS NOT NULL"),
            postgresql_where=text("verified_at IS NOT NULL"),
        ),
        UniqueConstraint("member_id", "kind", "value"),
        Index("ix_identity_kind_value", "kind", "value"),
        Index("ix_identity_seen", "id", **where("seen_at IS NOT NULL")),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"))
    kind: Mapped[Short]
    value: Mapped[Text]
    source: Mapped[Short] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When it was shown to be theirs although another record holds it: both are most likely one person.
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Friend(Base):
    """A person's LINE identity and follow state. `state_at` is LINE's timestamp of the latest change."""

    __tablename__ = "friend"
    __table_args__ = (UniqueConstraint("channel_id", "user_id"), Index("ix_friend_following", "is_following"))

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(BigInt, ForeignKey("channel.id"))
    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), unique=True)
    user_id: Mapped[Short]
    # None: has a LINE id (opened the mini-app, wrote) but was never seen to follow.
    is_following: Mapped[bool | None]
    state_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_followed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    display_name: Mapped[Text | None]
    picture_url: Mapped[str | None]
    profile_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    menu_key: Mapped[Short | None]

    member: Mapped[Member] = relationship(back_populates="friend")
