"""What each kind of happening is called on a person's page."""

from domain.wording import mark

EVENT_WORDS = {
    "followed": mark("Added the account on LINE"),
    "unfollowed": mark("Blocked the account on LINE"),
    "registered": mark("Became a member"),
    "consented": mark("Agreed to news and offers"),
    "refused": mark("Refused news and offers"),
    "clicked": mark("Opened a link: %(thing)s"),
    "postback": mark("Pressed a button in the chat"),
    "texted": mark("Wrote in the chat"),
    "opened_app": mark("Opened the mini-app: %(thing)s"),
    "conversion_started": mark("Began: %(type)s %(thing)s"),
    "conversion_completed": mark("Finished: %(type)s %(thing)s"),
    "conversion_cancelled": mark("Cancelled: %(type)s %(thing)s"),
    "visited": mark("Was in %(thing)s, %(how)s"),
    "coupon_redeemed": mark("Used the coupon %(thing)s"),
    "participated": mark("Took part: %(thing)s"),
    "enrolled": mark("Entered the automation %(thing)s"),
    "tagged": mark("Tagged: %(thing)s"),
    "untagged": mark("No longer tagged: %(thing)s"),
    "invoice_registered": mark("Registered the invoice %(thing)s"),
    "browsed": mark("Looked at %(thing)s"),
    "favourited": mark("Marked %(thing)s as a favourite"),
    "carted": mark("Put %(thing)s in the cart"),
    "checkout_started": mark("Opened the checkout: %(thing)s"),
    "picked_up": mark("Collected the order %(thing)s"),
    "answered": mark("Answered the form %(thing)s"),
    "referred": mark("Brought a new member"),
    "merged": mark("Staff joined two records"),
    "unmerged": mark("Staff parted two records"),
}

# The `type` of a conversion.
TYPES = {
    "booking": mark("booking"),
    "coupon_claim": mark("taking a coupon"),
    "form": mark("form"),
    "registration": mark("becoming a member"),
    "check_in": mark("check-in"),
    "order": mark("order"),
}

MESSAGE_STATES = {
    "queued": mark("Waiting to be sent"),
    "claimed": mark("Being sent"),
    "ready": mark("Waiting to be sent"),
    "sent": mark("We sent"),
    "failed": mark("Could not be sent"),
    "unsure": mark("Not known whether it arrived"),
    "withheld": mark("Kept back"),
    "held_out": mark("Left out on purpose, to compare"),
    "cancelled": mark("Not sent after all"),
}

REASONS = {
    "no_line_id": mark("They are not on LINE."),
    "blocked": mark("They have blocked the account."),
    "erased": mark("They asked to be forgotten."),
    "opted_out": mark("They did not agree to news and offers."),
    "care_open": mark("They were unhappy, and staff had not closed that yet."),
    "sold_out": mark("The coupon it speaks of had run out."),
    "coupon_ended": mark("The coupon it speaks of had ended."),
    "switched_off": mark("It was switched off before it was sent."),
    "cap": mark("They had enough messages this week."),
    "expired": mark("It would have come too late."),
    "repeated": mark("It had been said already."),
    "stopped": mark("The send was stopped."),
    "held_out": mark("One in ten gets nothing, so that we can tell whether the message helps."),
}

TIER_WORDS = {
    "joined": mark("Began as %(tier)s"),
    "upgraded": mark("Rose to %(tier)s"),
    "renewed": mark("Kept %(tier)s for another year"),
    "held": mark("Kept %(tier)s, as it was given"),
    "grace": mark("Keeps %(tier)s for 30 days more"),
    "fell": mark("Fell to %(tier)s"),
    "taken_back": mark("Back to %(tier)s after a refund"),
    "granted": mark("Was given %(tier)s"),
    "by_hand": mark("Staff gave %(tier)s"),
    "by_hand_ended": mark("Staff took back what was given by hand: %(tier)s"),
    "recomputed": mark("Now %(tier)s, after late data"),
}
