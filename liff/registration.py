"""Joining: a known person gives a name, a way to reach them, and their decision about marketing."""

from datetime import date

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

import door
from domain.operations import joining
from liff import session
from liff.screens import Shape, api_blueprint
from models.programme import the_brand

registration: APIBlueprint = api_blueprint("registration", __name__)


class Registration(Shape):
    name: str = Field(min_length=1, max_length=100)
    phone: str | None = Field(None, max_length=40)
    email: str | None = Field(None, max_length=255)
    birth_date: date | None = None
    consent: bool = Field(description="To marketing; joining does not depend on it")


class InvitationOut(Shape):
    """What the joining page shows: the wording they may agree to, and a name to begin with."""

    registered: bool
    name: str
    consent_wording: str


@registration.get("/registration")
@registration.output(InvitationOut)
def show_invitation() -> InvitationOut:
    """What joining asks for."""
    me = session.person()
    shown = me.name or (me.friend.display_name if me.friend else None) or ""
    return InvitationOut(registered=me.is_member, name=shown, consent_wording=_wording())


@registration.post("/registration")
@registration.input(Registration)
@registration.output({}, status_code=204)
def register(json_data: Registration) -> Response:
    """Become a member. The answer is the same whether or not the phone or e-mail is known already."""
    me = session.person()
    joining.register(
        door.session(), me, name=json_data.name, phone=json_data.phone or None, email=json_data.email or None,
        birth_date=json_data.birth_date, consent=json_data.consent, consent_wording=_wording(),
        method="liff", trace=session.trace(), now=door.now(),
    )  # fmt: skip
    door.session().commit()
    return Response(status=204)


def _wording() -> str:
    """In the language the page was shown in: what is recorded is what was read."""
    return joining.consent_wording(the_brand(door.session()), door.language())
