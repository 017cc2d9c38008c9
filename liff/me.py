"""My data: what we keep of a person, their language, their decision about marketing, a copy, and being forgotten."""

from datetime import date
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

import door
from domain.operations import entering, joining, leaving
from domain.reports import copy_of_data
from liff import session
from liff.screens import Shape, api_blueprint
from models.member import Member
from models.programme import the_brand

me: APIBlueprint = api_blueprint("me", __name__)


class MeOut(Shape):
    registered: bool
    name: str
    phone: str | None
    email: str | None
    birth_date: date | None
    language: str
    marketing_consent: bool | None = Field(description="null: never asked")
    consent_wording: str


class Changes(Shape):
    language: Literal["zh-Hant", "ja", "th", "en"] | None = None
    marketing_consent: bool | None = None
    birth_date: date | None = Field(None, description="Once; later only staff change it")


class Erasure(Shape):
    sure: Literal[True]


class CopyOut(Shape):
    copy_of_data: dict[str, Any]


@me.get("/me")
@me.output(MeOut)
def show_me() -> MeOut:
    """What the person gave us and decided."""
    return _shape(session.person())


@me.patch("/me")
@me.input(Changes)
@me.output(MeOut)
def change_me(json_data: Changes) -> MeOut:
    """Change the language, the decision about marketing, or add the birthday."""
    person, db = session.person(), door.session()
    if json_data.language is not None:
        entering.speak(db, person, language=json_data.language)
    if json_data.marketing_consent is not None:
        joining.decide(
            db, person, agrees=json_data.marketing_consent, wording=_wording(), source="liff", now=door.now()
        )
    if json_data.birth_date is not None:
        joining.set_birth_date(db, session.member(), json_data.birth_date, now=door.now())
    db.commit()
    return _shape(person)


@me.get("/me/copy")
@me.output(CopyOut)
def show_copy() -> CopyOut:
    """Everything we keep of the person, as data."""
    return CopyOut(copy_of_data=copy_of_data.make(door.session(), session.person(), now=door.now()))


@me.post("/me/erasure")
@me.input(Erasure)
@me.output({}, status_code=204)
def erase(json_data: Erasure) -> Response:
    """Forget the person. What they bought stays as a nameless line."""
    leaving.erase(door.session(), session.person(), by="member", now=door.now())
    door.session().commit()
    return session.sign_out(Response(status=204))


def _shape(person: Member) -> MeOut:
    return MeOut(
        registered=person.is_member, name=person.name or "", phone=person.phone, email=person.email,
        birth_date=person.birth_date, language=person.language or door.language(),
        marketing_consent=person.marketing_consent, consent_wording=_wording(),
    )  # fmt: skip


def _wording() -> str:
    return joining.consent_wording(the_brand(door.session()), door.language())
