"""The words of the plain pages: the programme's own where it has them, else ours."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations.joining import consent_wording
from domain.wording import pick, say
from models.programme import Brand, the_brand
from models.store import Store


@dataclass(frozen=True)
class Passage:
    """A heading, its paragraphs, and where a person may turn."""

    title: str
    lines: tuple[str, ...] = ()
    phone: str = ""


def of(session: Session, page: str, language: str) -> tuple[Passage, ...]:
    """The passages of `news`, `contact` or `privacy`; nothing for other pages."""
    brand = the_brand(session)
    if page == "news":
        return _own(brand, page, language)
    if page == "contact":
        return _own(brand, page, language) + _stores(session)
    if page == "privacy":
        return _own(brand, page, language) or _privacy(brand, language)
    return ()


def _own(brand: Brand, page: str, language: str) -> tuple[Passage, ...]:
    """The programme's wording: paragraphs apart by an empty line, a first line in `# ` is a heading."""
    text = pick(brand.wording.get(page), language).strip()
    return tuple(_passage(block) for block in text.split("\n\n") if block.strip())


def _passage(block: str) -> Passage:
    first, *rest = block.strip().splitlines()
    if first.startswith("# "):
        return Passage(first.removeprefix("# "), tuple(rest))
    return Passage("", (first, *rest))


def _stores(session: Session) -> tuple[Passage, ...]:
    stores = session.scalars(select(Store).where(Store.is_open).order_by(Store.id))
    return tuple(Passage(each.name, (each.address,) if each.address else (), each.phone) for each in stores)


def _privacy(brand: Brand, language: str) -> tuple[Passage, ...]:
    _ = partial(say, language)
    name = brand.name
    return (
        Passage(
            _("What we keep"),
            (
                _("What you give us: your name, your phone or e-mail, and your birthday if you like."),
                _("What happens between us: visits, purchases, bookings, coupons, answers, messages you open."),
                _("What LINE tells us: your LINE name and picture, and whether you follow us."),
            ),
        ),
        Passage(
            _("What for"),
            (
                _("To run your card, your bookings and your points, and to answer you.", brand=name),
                _("To send offers and news only if you agree: “%(wording)s”", wording=consent_wording(brand, language)),
                _("To see, over all members together, whether people come back."),
            ),
        ),
        Passage(
            _("Who sees it"),
            (_("%(brand)s and its staff, each only what their work needs. It is not sold or passed on.", brand=name),),
        ),
        Passage(
            _("What you decide"),
            (
                _("Under “My data” you can see it, take a copy, stop offers at once, or have it all erased."),
                _("After erasing, what you bought stays in our books without your name."),
            ),
        ),
    )
