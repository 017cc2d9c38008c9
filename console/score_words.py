"""Each score in words: what it says, on what it rests, and when not to trust it."""

from dataclasses import dataclass

from domain.wording import mark


@dataclass(frozen=True)
class About:
    title: str
    says: str
    rests: str
    beware: str


ABOUT = {
    "rfm": About(
        mark("Recency, frequency, amount: fixed thresholds"),
        mark("How lately, how often and how much someone bought in the last 365 days, and the group the three make."),
        mark("Thresholds that do not move: 30, 60, 90 and 180 days; 2, 3, 5 and 8 purchase days; 1,000, 5,000, 15,000 "
             "and 30,000. A score means the same next month."),
        mark("In a shop with very different prices or seasons, most people may fall into one group."),
    ),
    "rfm_quintiles": About(
        mark("Recency, frequency, amount: fifths of the buyers"),
        mark("The same three, but against the other buyers: the best fifth of each scores 5."),
        mark("Cut points among those who bought in the last 365 days, from 100 of them up. Equal values score the "
             "same, so the fifths need not be of one size."),
        mark("A score can fall although somebody did nothing else, because the others bought more. "
             "Do not compare it between months."),
    ),
    "napl": About(
        mark("Life cycle by activity"),
        mark("New, active, loyal or passed out. Nobody is asleep who wrote, tapped or booked in the last 90 days."),
        mark("Joining, purchases and people's own actions. Loyal: 4 purchase days and 5,000, or 15,000, or 3 referrals "
             "and a purchase, in 365 days."),
        mark("What we send is no sign of life, so who only reads looks asleep."),
    ),
    "napl_purchases": About(
        mark("Life cycle by purchases alone"),
        mark("N bought once lately, A bought repeatedly and lately, P repeatedly but not lately, L once and not "
             "lately. Here L is the opposite of loyal."),
        mark("Purchase days alone; lately is the last 90 days."),
        mark("The letters are those of the other definition and mean something else. Say which one you speak of."),
    ),
    "churn": About(
        mark("Risk of being lost"),
        mark("How unlikely they are to buy within 90 days. Low risk: half or more would; high: less than a fifth."),
        mark("How often and how lately people bought in three years (the model MBG/NBD), fitted once a month."),
        mark("It knows no season, no price and no campaign. In the first 30 days after a first purchase it "
             "says nothing."),
    ),
    "value": About(
        mark("Expected value of the next 12 months"),
        mark("Expected purchases times what one is worth to them, each month counting a hundredth less. "
             "A is the top fifth, B the next three tenths."),
        mark("The model above and the amounts people spent after their first purchase (Gamma-Gamma)."),
        mark("For who bought once it takes everyone's mean. It is expected revenue, or what the margin leaves of it: "
             "no promise, and nothing of what was bought before."),
    ),
    "cycle": About(
        mark("Repurchase clock"),
        mark("Early, due soon, late or very late in people's own rhythm of buying."),
        mark("The gaps between purchase days of 730 days, pulled towards everyone's median the fewer there are."),
        mark("Gaps exist only of those who came back: it says nothing of those who left."),
    ),
    "second": About(
        mark("First buyers who will come back"),
        mark("Of people who bought once in the last 90 days: more, as or less likely than most to buy again."),
        mark("The first order: amount, category, channel, store, weekday, season, how they found us. "
             "The latest months are held back to set it right."),
        mark("What was never tried it cannot know: a new store or a first promotion is no better than a guess."),
    ),
    "funnel": About(
        mark("How far on the way to buying"),
        mark("The furthest step of the last 30 days: looked, put in the cart, ordered, collected, bought again."),
        mark("Steps the shop tells us of, and purchase days."),
        mark("A shop that sends no browsing and carts shows orders alone."),
    ),
}  # fmt: skip
MODEL_WORDS = {
    "mbg_nbd": mark("Buying again (MBG/NBD)"),
    "gamma_gamma": mark("What a purchase is worth (Gamma-Gamma)"),
    "first_buyer": mark("First buyers (logistic regression)"),
}
FACT_WORDS = {
    "buyers": mark("Buyers"),
    "repeaters": mark("Bought again"),
    "t90": mark("Days 9 of 10 are known for at most"),
    "people": mark("People"),
    "correlation": mark("Correlation of how often and how much"),
    "held_back": mark("Held back"),
    "auc": mark("Told apart when held back (0.5 is a coin)"),
    "usual": mark("Came back, of all"),
}
