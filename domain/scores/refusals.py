"""Why a model is not used, in words: what it would need, or what is wrong with what it found (definitions §9)."""

from domain.wording import mark

REFUSALS = {
    "few_buyers": mark("There are fewer than 300 buyers. Below that, what it finds is mostly chance."),
    "few_repeaters": mark("Fewer than 100 people came back to buy again, so there is too little to learn from."),
    "too_young": mark("Most buyers have been known for less than 90 days. Wait until there is more history."),
    "no_maximum": mark("No parameters fit these purchases best, so none can be trusted."),
    "bound": mark("The best fit lies at the edge of what is possible: the buyers are too much alike for this model."),
    "no_dropout": mark("It finds nobody who ever leaves. That is rarely so: look for missing or doubled orders."),
    "few_values": mark("Fewer than 100 people have a purchase after their first, so values cannot be told apart."),
    "correlated": mark(
        "Who buys more often also spends clearly more, or less, each time. This model needs the two apart."
    ),
    "no_mean": mark("A few purchases are so large that an average says nothing."),
    "no_difference": mark("In the months it was not shown, it told who came back no better than a coin."),
}
