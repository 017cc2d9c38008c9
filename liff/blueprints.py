"""Every blueprint of the mini-app, one a line."""

from liff.card import card
from liff.login import login
from liff.pages import files, pages
from liff.registration import registration

BLUEPRINTS = (
    login,
    pages,
    files,
    card,
    registration,
)
