"""Does a message bring people back? Everyone it was meant for against those held out by chance, who got nothing:
how many of each bought within 14 days, and for how much.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.metrics._intervals import GREY, Difference
from domain.metrics._shape import Figure, first_paragraph
from domain.reports.campaign_result import result
from domain.reports.effect import ARMS, Arm, Effect, effect_of, people_of, subjects
from domain.reports.review_words import points
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told, chosen
from domain.wording import mark, pick
from models.automation import Automation
from models.campaign import Campaign
from models.people_set import read_set

ARM_WORDS = {"sent": mark("Meant to get it"), "held_out": mark("Held out")}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [subject_choice(session, given, say)]


def subject_choice(session: Session, given: Mapping[str, str], say: Teller) -> Choice:
    """Which automation or send it is of."""
    options = [(key, _name(name, say) or key.partition(":")[2]) for key, name in subjects(session)]
    return Choice("of", say("Of"), options, chosen(options, given.get("of")))


def _name(name: object, say: Teller) -> str:
    return pick(name, say.language) if isinstance(name, dict) else str(name)


def count(session: Session, asked: Asked, now: datetime) -> Document:
    if not asked["of"]:
        return {}
    found = effect_of(session, asked["of"], now=now)
    answered = _answered(session, asked["of"], now)
    return {"sent": asdict(found.sent), "held_out": asdict(found.held), "answered": [answered.who, answered.of]}


def _answered(session: Session, subject: str, now: datetime) -> Figure:
    """Whom it reached, and who of them answered."""
    kind, _, key = subject.partition(":")
    campaign = select(Campaign).where(Campaign.ref == key)
    if kind == "automation":
        campaign = select(Campaign).join(Automation, Automation.campaign_id == Campaign.id).where(Automation.key == key)
    found = session.scalar(campaign)
    return result(session, found, now=now).answered if found else Figure(0, 0)


def read(document: Document) -> Effect:
    """The counted arms again."""
    return Effect(*(Arm(**document[arm]) for arm in ARMS))


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    if not document:
        return Told(say("There is no automation and no campaign yet. Switch one on, or send one."), has_data=False)
    found = read(document)
    if not found.sent.n and not found.held.n:
        return Told(_nothing_yet(found, say), has_data=False)
    return Told(verdict(found, say), more=_more(found, document, say), chart=_chart(found, say),
                tables=[_arms(found, say), _differences(found, say)])  # fmt: skip


def _nothing_yet(found: Effect, say: Teller) -> str:
    waiting = found.sent.pending + found.held.pending
    if waiting:
        return say.many(
            "Too early to tell: the 14 days of %(n)s person have not passed.",
            "Too early to tell: the 14 days of %(n)s people have not passed.", waiting,
        )  # fmt: skip
    return say("Nobody has been due yet. Once people are, those held out are compared with the others here.")


def verdict(found: Effect, say: Teller) -> str:
    """Proven, harmful, or not shown yet, in a sentence (definitions §8)."""
    if not found.held.n:
        return say(
            "Nobody was held out, so what it did cannot be told from what would have happened anyway. "
            "Give it a hold-out of 10 percent."
        )
    if found.uplift is None:
        return say(
            "Not shown yet: %(held)s people were held out and %(sent)s were not; ten on each side are the least.",
            held=found.held.n, sent=found.sent.n,
        )  # fmt: skip
    shares = {"sent": say.whole(found.sent.bought, found.sent.n), "held": say.whole(found.held.bought, found.held.n)}
    if found.is_proven and found.extra_buyers:
        about, low, high = found.extra_buyers
        return say(
            "Proven: %(sent)s of those it was meant for bought within 14 days, %(held)s of those held out. That is "
            "about %(about)s buyers who would not have come, between %(low)s and %(high)s.",
            **shares, about=f"{about:,}", low=f"{low:,}", high=f"{high:,}",
        )  # fmt: skip
    if found.harms:
        return say(
            "It keeps people away: %(sent)s of those it was meant for bought within 14 days, %(held)s of those held "
            "out. Switch it off, or change it.", **shares,
        )  # fmt: skip
    return _not_shown(found, shares, say)


def _not_shown(found: Effect, shares: Mapping[str, str], say: Teller) -> str:
    said = say(
        "Not shown yet: %(sent)s of those it was meant for bought within 14 days, %(held)s of those held out; by "
        "chance alone it may be anything between %(range)s points.", **shares, range=range_words(found.uplift, say),
    )  # fmt: skip
    wanted = found.needed
    if wanted is None:
        return said
    more = say("To see a difference of this size, about %(n)s people on each side are needed.", n=f"{wanted:,}")
    return f"{said} {more}"


def range_words(difference: Difference | None, say: Teller) -> str:
    """The ends of the interval of a difference of shares, in points."""
    if difference is None:
        return ""
    low, high = difference.interval.low, difference.interval.high
    return say("%(low)s and %(high)s", low=_signed(low), high=_signed(high))


def _signed(value: float) -> str:
    return ("+" if value > 0 else "−" if value < 0 else "") + points(abs(value))


def _more(found: Effect, document: Document, say: Teller) -> list[str]:
    lines = []
    if found.is_proven and found.uplift and found.held.n >= GREY and found.held.bought:
        base = found.held.share
        times = [(base + each) / base for each in (
            found.uplift.value, found.uplift.interval.low, found.uplift.interval.high)]  # fmt: skip
        lines.append(say(
            "%(times)s times as many buyers as without it (between %(low)s and %(high)s times).",
            times=f"{times[0]:.1f}", low=f"{times[1]:.1f}", high=f"{times[2]:.1f}",
        ))  # fmt: skip
    who, of = document["answered"]
    if of:
        said = say("Of %(of)s messages that reached someone, %(who)s were answered.", of=f"{of:,}", who=f"{who:,}")
        lines.append(said)
    if found.sent.pending + found.held.pending:
        waiting = found.sent.pending + found.held.pending
        lines.append(say.many("%(n)s person is too early to tell.", "%(n)s people are too early to tell.", waiting))
    return lines


def _chart(found: Effect, say: Teller) -> Bars | None:
    if min(found.sent.n, found.held.n) == 0:
        return None
    arms = (("sent", found.sent), ("held_out", found.held))
    bars = [(say(ARM_WORDS[name]), arm.share * 100, say.whole(arm.bought, arm.n)) for name, arm in arms]
    return Bars(say("Bought within 14 days"), bars)


def _arms(found: Effect, say: Teller) -> Table:
    rows = []
    for name, arm in (("sent", found.sent), ("held_out", found.held)):
        rows.append([
            Cell(say(ARM_WORDS[name])),
            Cell(f"{arm.n:,}", people=f"{name}:all" if arm.n else ""),
            Cell(f"{arm.bought:,}", people=f"{name}:bought" if arm.bought else ""),
            Cell(say.share(arm.bought, arm.n) or "–", note=say.between(arm.bought, arm.n)),
            Cell(say.money(arm.amount / arm.n) if arm.n else "–"),
            Cell(f"{arm.pending:,}" if arm.pending else "·", people=f"{name}:pending" if arm.pending else ""),
        ])  # fmt: skip
    columns = (
        say("Who"),
        say("Due"),
        say("Bought"),
        say("Share"),
        say("Spent each, on average"),
        say("Too early to tell"),
    )
    return Table(say("The two groups"), columns, rows, about=say(
        "By intention: whoever was due counts, also those whom the message did not reach; each person once."
    ))  # fmt: skip


def _differences(found: Effect, say: Teller) -> Table:
    rows, amount = [], found.amount
    if found.uplift:
        ends = range_words(found.uplift, say)
        difference = [Cell(_signed(found.uplift.value)), Cell(ends), Cell(_clear(found.uplift, say))]
        rows.append([Cell(say("Buyers of 100")), *difference])
    if amount:
        low, high = (say.money(each) for each in (amount.interval.low, amount.interval.high))
        ends = say("%(low)s and %(high)s", low=low, high=high)
        rows.append([Cell(say("Spent each")), Cell(say.money(amount.value)), Cell(ends), Cell(_clear(amount, say))])
    columns = (say("What"), say("Difference"), say("Between, 19 times in 20"), say("Is it clear?"))
    return Table(say("The difference"), columns, rows, empty=say("Too few people on a side to compare them."))


def _clear(difference: Difference, say: Teller) -> str:
    return say("Clear") if difference.interval.leaves_out_zero else say("Not shown yet")


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    arm, _, which = name.partition(":")
    if arm not in ARM_WORDS or which not in ("all", "bought", "pending"):
        raise NotFound(mark("There is no such list. Open it from the report."))
    words = {"all": say("due"), "bought": say("bought within 14 days"), "pending": say("too early to tell")}[which]
    ids = people_of(session, asked["of"], arm, which, now=now)
    subject = dict(subject_choice(session, asked, say).options).get(asked["of"], "")
    return Listed(read_set(session, ids), f"{subject}: {say(ARM_WORDS[arm])}, {words}")


PAGE = Page(
    key="effect",
    place=30,
    group="effect",
    title=mark("Effect against the hold-out"),
    about=first_paragraph(__doc__),
    rests_on=mark("who was due, who was held out by chance, and what either bought in the 14 days after"),
    trust=mark(
        "Only a hold-out shows effect: how many used a coupon says nothing, since some would have come without it. "
        "With a small hold-out a real effect stays unseen for long. Orders nobody is known for are in neither group."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
)
