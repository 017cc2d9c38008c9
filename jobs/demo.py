"""`flask demo-fill`: a practice town's files become a running shop, by the product's own commands and jobs.

Only in practice mode. Each part looks first at what is there, so that a second run changes nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import booking, controlling, drafting, granting, opening, staffing
from domain.operations.opening import WeeklyHours
from door import service
from jobs.runner import run_by_hand
from models.campaign import Campaign
from models.member import Friend, Member
from models.staff import Staff
from models.store import Booking, Slot, open_stores, slots_between

PROGRAMME = Path(__file__).parent.parent / "domain" / "presets" / "taiwan.yaml"
IMPORTS = (("members", "members.csv"), ("purchases", "purchases.csv"), ("events", "events.jsonl"))
# What a night would do, in its order, as far as it concerns history.
JOBS = ("scores", "retag", "tiers", "snapshot", "close_month")
OPEN_DAYS = 21
BOOKED_A_STORE = 9
# Coupons in the hands of the named people (line/simulator/town/personas.py).
GIVEN = {"P03": "gold_ware", "P04": "gold_ware", "P05": "welcome_100", "P08": "birthday", "P13": "welcome_100"}
DRAFT = {
    "name": "新器上架：鐵釉茶海",
    "content": {
        "title": "{name}，鐵釉茶海到了",
        "text": "這一窯只有四十件。週末到店，先為您留一件細看。",
        "button_label": "預約看器",
        "button_url": "/book",
        "fallback": {"name": "您好"},
    },
    "audience_rule": {"condition": "has_tag", "tag": "ware_lover"},
    "compare_segments": ["regulars", "drifting"],
}
LIVE = {
    "name": "冬茶試飲：這個週末",
    "content": {
        "title": "冬茶到店，試飲一杯",
        "text": "週六、週日下午，三店都為您留了座位。",
        "button_label": "預約座位",
        "button_url": "/book",
    },
    "audience_rule": {"condition": "has_tag", "tag": "tea_lover"},
    "compare_segments": ["regulars", "sweet_tooth"],
}


@click.command("demo-fill")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def demo_fill(folder: Path) -> None:
    """Fill an empty practice database with the town written to FOLDER."""
    if not service().practice:
        raise click.ClickException("this fills a practice database only: LINE_API_BASE is not set")
    with _told("programme"):
        _command("programme", "apply", str(PROGRAMME), quiet=True)
    for what, name in IMPORTS:
        with _told(what):
            _command("import", what, str(folder / name))
    for job in JOBS:
        with _told(job):
            run_by_hand(service().sessions, job, now=_now())
    with _told("staff, seats, bookings, campaigns"):
        _in_one_go(lambda session, now: _hire(session, folder / "staff.txt", now=datetime.now(UTC)))
        for step in (_open_slots, _book, _give_coupons, _write_campaigns):
            _in_one_go(step)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Says what is being done and how long it took."""
    began = time.monotonic()
    yield
    click.echo(f"  {what}: {time.monotonic() - began:.0f} s")


def _command(*arguments: str, quiet: bool = False) -> None:
    """Runs another command of the product, as somebody would by hand."""
    if quiet:
        done = current_app.test_cli_runner().invoke(args=arguments)
        if done.exit_code:
            raise click.ClickException(done.output)
    else:
        current_app.cli.main(args=list(arguments), prog_name="flask", standalone_mode=False)


def _now() -> datetime:
    with service().sessions.reading() as session:
        return service().clock.now(session)


def _in_one_go(step: Callable[[Session, datetime], Any]) -> None:
    with service().sessions.writing() as session:
        step(session, service().clock.now(session))
        session.commit()


def _hire(session: Session, file: Path, *, now: datetime) -> None:
    """The demo's staff, with passwords everyone may know: this database holds nobody's data."""
    for line in file.read_text(encoding="utf-8").splitlines():
        login, role, *store, password = line.split()
        if session.scalar(select(Staff.id).where(Staff.login == login)):
            continue
        _, token = staffing.invite(
            session, login=login, name=login.capitalize(), role=role, store_key=store[0] if store else None, now=now
        )
        staffing.accept_invite(session, token, password=password, now=now)


def _open_slots(session: Session, now: datetime) -> None:
    for store in open_stores(session):
        hours = WeeklyHours(opens="10:00", closes="19:00", capacity=6 if store.key == "daan" else 4)
        opening.open_slots(session, store, days=OPEN_DAYS, hours=hours, now=now)


def _book(session: Session, now: datetime) -> None:
    """Some visits in each store, and one afternoon of tomorrow without a seat left, to try the waitlist."""
    if session.scalar(select(Booking.id).limit(1)):
        return
    guests = iter(_guests(session))
    for store in open_stores(session):
        slots = slots_between(session, store.id, now, now + timedelta(days=5))
        for slot in slots[:: max(1, len(slots) // BOOKED_A_STORE)]:
            booking.book(session, next(guests), slot_id=slot.id, source="demo", now=now)
    full = _tomorrow_at_three(session, now)
    for _ in range(full.seats_left if full else 0):
        assert full is not None
        booking.book(session, next(guests), slot_id=full.id, source="demo", now=now)


def _guests(session: Session) -> list[Member]:
    """Friends who have registered, from all ages of the town."""
    friends = (
        select(Member)
        .join(Friend, Friend.member_id == Member.id)
        .where(Friend.is_following.is_(True), Member.registered_at.is_not(None), Member.ref.like("M%"))
        .order_by(Member.ref)
    )
    everyone = session.scalars(friends).all()
    return list(everyone[:: max(1, len(everyone) // 60)])


def _tomorrow_at_three(session: Session, now: datetime) -> Slot | None:
    calendar = calendar_of(session)
    at = calendar.start(calendar.day_of(now) + timedelta(days=1)) + timedelta(hours=15)
    return session.scalar(select(Slot).where(Slot.starts_at == at).order_by(Slot.store_id).limit(1))


def _give_coupons(session: Session, now: datetime) -> None:
    for ref, coupon in GIVEN.items():
        member_id = session.scalar(select(Member.id).where(Member.ref == ref))
        if member_id is not None:
            granting.grant(session, member_id=member_id, benefit={"coupon": coupon}, cause=f"demo:{ref}", now=now)


def _write_campaigns(session: Session, now: datetime) -> None:
    """A draft to look at, and one that goes out when the worker starts (or when the quiet hours end)."""
    for written, goes_out in ((DRAFT, False), (LIVE, True)):
        if session.scalar(select(Campaign.id).where(Campaign.name == written["name"])):
            continue
        campaign = drafting.create(session, name=str(written["name"]), now=now)
        changes = {name: value for name, value in written.items() if name != "name"}
        drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes=changes, now=now)
        if goes_out:
            controlling.approve(session, ref=campaign.ref, edit_version=campaign.edit_version, now=now)


COMMANDS: list[click.Command] = [demo_fill]
