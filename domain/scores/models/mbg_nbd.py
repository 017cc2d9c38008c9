"""How likely someone is to buy again, from how often and how lately they did (MBG/NBD).

Everybody buys at a rate of their own and may be gone for good after any purchase, the first included; so who
bought once is not taken for faithful. It knows purchase days only: no season, no price, no campaign.
"""

from collections.abc import Mapping

from domain.scores.models._buying import Buying, Histories
from domain.scores.models._buying import fit as fit_either
from domain.scores.models._maximum import Fit

NAME = "mbg_nbd"
FROM_FIRST = 1


def fit(of: Histories) -> Fit:
    return fit_either(FROM_FIRST, of)


def with_params(params: Mapping[str, float]) -> Buying:
    """The model with parameters found before: r, alpha (days), a, b."""
    return Buying(FROM_FIRST, params["r"], params["alpha"], params["a"], params["b"])
