"""The model most papers use for buying again (BG/NBD); here to check ours against what they published.

Nobody is ranked by it: whoever bought once is alive for certain by it, however long ago that was.
"""

from collections.abc import Mapping

from domain.scores.models._buying import Buying, Histories
from domain.scores.models._buying import fit as fit_either
from domain.scores.models._maximum import Fit

NAME = "bg_nbd"
FROM_SECOND = 0


def fit(of: Histories) -> Fit:
    return fit_either(FROM_SECOND, of)


def with_params(params: Mapping[str, float]) -> Buying:
    """The model with parameters found before: r, alpha (days), a, b."""
    return Buying(FROM_SECOND, params["r"], params["alpha"], params["a"], params["b"])
