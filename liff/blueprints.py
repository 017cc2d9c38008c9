"""Every blueprint of the mini-app, one a line."""

from liff.bookings import bookings
from liff.card import card
from liff.coupons import coupons
from liff.draws import draws
from liff.forms import forms
from liff.invoices import invoices
from liff.links import links
from liff.login import login
from liff.me import me
from liff.missions import missions_api
from liff.pages import files, pages
from liff.referral import referral
from liff.registration import registration
from liff.sources import sources
from liff.waitlist import waitlist

BLUEPRINTS = (
    login,
    pages,
    files,
    card,
    bookings,
    waitlist,
    coupons,
    registration,
    forms,
    links,
    missions_api,
    referral,
    draws,
    invoices,
    sources,
    me,
)
