"""What the lines of the audit are called."""

import door
from domain.wording import mark

DEEDS = {
    "signed_in": mark("Signed in"),
    "password_set": mark("Chose a password"),
    "second_factor_on": mark("Switched the second factor on"),
    "second_factor_off": mark("Switched the second factor off"),
    "signed_out_everywhere": mark("Ended all sessions"),
    "invited": mark("Invited"),
    "link_renewed": mark("Made a new link"),
    "disabled": mark("Ended access"),
    "enabled": mark("Gave access back"),
    "opened": mark("Opened a person"),
    "found_nobody": mark("Looked for a person and found nobody"),
    "checked_in": mark("Checked in"),
    "undid_check_in": mark("Took a check-in back"),
    "arrived": mark("Marked as arrived"),
    "no_show": mark("Marked as not come"),
    "undid_arrived": mark("Took an arrival back"),
    "undid_no_show": mark("Took “did not come” back"),
    "cancelled_booking": mark("Cancelled a booking"),
    "codes_added": mark("Added codes to a coupon"),
    "voided_coupon": mark("Took a coupon back"),
    "reissued_coupon": mark("Gave a coupon anew"),
    "assigned_note": mark("Said who sees to a case"),
    "redeemed_coupon": mark("Redeemed a coupon"),
    "undid_redeeming": mark("Took a redemption back"),
    "sold": mark("Recorded a purchase"),
    "undid_sale": mark("Took a purchase back"),
    "spent_points": mark("Used points"),
    "undid_points": mark("Took a use of points back"),
    "adjusted_points": mark("Gave or took points"),
    "mended_points": mark("Made lots of points again"),
    "verified_phone": mark("Verified a phone"),
    "sent_code": mark("Sent a code to a phone"),
    "registered": mark("Made someone a member"),
    "noted": mark("Wrote a note"),
    "closed_note": mark("Closed a note"),
    "event_retried": mark("Tried an event again"),
    "event_let_go": mark("Gave an event up"),
    "case_retried": mark("Tried an automation's case again"),
    "case_let_go": mark("Gave an automation's case up"),
    "report_noted": mark("Noted a decision beside a report"),
    "list_kept": mark("Kept a list as a segment"),
    "review_counted": mark("Asked for a month to be counted again"),
    "message_settled": mark("Settled an unsure message"),
    "exported": mark("Exported data"),
    "mission_on": mark("Switched a mission on"),
    "mission_off": mark("Switched a mission off"),
    "mission_owed": mark("Tried a mission's owed rewards again"),
    "draw_retried": mark("Tried a draw's prizes again"),
    "took_referral_back": mark("Took a friend's joining back"),
    "marked": mark("Marked as test or staff"),
    "tag_given": mark("Gave a tag"),
    "tag_taken": mark("Took a tag away"),
    "import_asked": mark("Asked for a file to be loaded"),
    "imported_members": mark("Loaded a file of members"),
    "imported_purchases": mark("Loaded a file of purchases"),
    "imported_events": mark("Loaded a file of events"),
    "source_added": mark("Added an entry source"),
    "programme_applied": mark("Applied a programme"),
    "programme_planned": mark("Planned a programme for a day"),
    "programme_cancelled": mark("Cancelled a planned programme"),
    "tier_set": mark("Set a tier by hand"),
    "campaign_drafted": mark("Began a campaign"),
    "campaign_copied": mark("Copied a campaign"),
    "campaign_edited": mark("Changed a campaign"),
    "campaign_tested": mark("Sent a campaign to testers"),
    "campaign_approved": mark("Approved a campaign"),
    "campaign_event": mark("Wrote down a campaign's days and heads"),
    "campaign_take-back": mark("Took a campaign back to draft"),
    "campaign_pause": mark("Paused a campaign"),
    "campaign_resume": mark("Resumed a campaign"),
    "campaign_stop": mark("Stopped a campaign"),
    "campaign_cancel": mark("Cancelled a campaign"),
}


def deed_words(action: str) -> str:
    """The words of an action; one of another page's making is shown as it is written."""
    return door.words(DEEDS[action]) if action in DEEDS else action.replace("_", " ")


# How a person was opened, as `data["by"]` of the line says it.
OPENED_BY = {
    "page": mark("on the page"),
    "code": mark("by code"),
    "number": mark("by card number or phone"),
}


def detail_words(key: str, value: object) -> str:
    """One detail of a line, in words where it has some."""
    if key == "by" and value in OPENED_BY:
        return door.words(OPENED_BY[str(value)])
    return f"{key}: {value}"
