"""Every blueprint of the mini-app, one a line."""

from liff.bookings import bookings
from liff.card import card
from liff.coupons import coupons
from liff.login import login
from liff.pages import files, pages
from liff.registration import registration
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
)
