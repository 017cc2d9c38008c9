"""What can be the matter, in words: what it is, what to do now, and the page that helps."""

from domain.wording import mark

STUCK = "console.stuck.page"

# kind: what is the matter, what to do, where
FINDINGS = {
    "channel_out_of_quota": (
        mark("This month's messages are used up, so LINE takes no more. Answers to what people write still go out."),
        mark("Choose a larger plan in LINE Official Account Manager, or wait for next month. Nothing is lost."),
        None,
    ),
    "channel_locked_out": (
        mark("LINE does not accept our access token any more, so nothing is sent."),
        mark("Issue a new one in LINE Developers, put it into LINE_CHANNEL_ACCESS_TOKEN and restart. Nothing is lost."),
        None,
    ),
    "no_worker": (
        mark("No worker is running: what people write is kept but not read, and nothing is sent."),
        mark("Start the worker (flask worker), and look into its log for why it ended."),
        None,
    ),
    "no_clock": (
        mark("No clock is running: the nightly work and automations stand still."),
        mark("Start the clock (flask clock). It makes up for what it missed."),
        None,
    ),
    "inbox_behind": (
        mark("What people write is read %(minutes)s minutes late."),
        mark("Look into the worker's log. If it works without a pause, start a second worker."),
        None,
    ),
    "outbox_behind": (
        mark("Messages leave %(minutes)s minutes late."),
        mark("Look into the worker's log: is LINE slow, or refusing? What waits is sent when it can be."),
        None,
    ),
    "not_begun": (
        mark("Campaigns that should have begun and have not: %(n)s."),
        mark("Look into the worker's log for why the audience could not be drawn up."),
        "console.campaigns.page",
    ),
    "abandoned_chunks": (
        mark("Parts of campaigns that were begun and that nobody goes on with: %(n)s."),
        mark("A running worker takes them up by itself. If this stays, look into its log."),
        "console.campaigns.page",
    ),
    "parked_events": (
        mark("Events from LINE that could not be read after five tries: %(n)s."),
        mark("See the reason; try again once it is mended, or give them up."),
        STUCK,
    ),
    "parked_bodies": (
        mark("Requests from LINE that could not be read: %(n)s."),
        mark("See the reason; try again once it is mended, or give them up."),
        STUCK,
    ),
    "unsure_letters": (
        mark("Messages that may or may not have arrived: %(n)s."),
        mark("Look in the chat and say what you saw. We never send them again by ourselves."),
        STUCK,
    ),
    "unsure_chunks": (
        mark("Parts of campaigns that may or may not have arrived: %(n)s."),
        mark("Ask one of their people, or look at a tester's phone, and say what you saw."),
        STUCK,
    ),
    "failed_cases": (
        mark("People an automation could not act for: %(n)s."),
        mark("See the reason; try again once it is mended, or give them up."),
        STUCK,
    ),
    "failed_programmes": (
        mark("Programmes planned for a day that could not be applied: %(n)s. Nothing was changed."),
        mark("See why, correct and plan them again, or cancel them."),
        "console.programme_versions.page",
    ),
    "open_care": (
        mark("Unhappy people who wait to hear from us: %(n)s. Until then no marketing goes to them."),
        mark("Call or write to each, then close the case with a few words."),
        "console.care.page",
    ),
    "paused_campaigns": (
        mark("Campaigns that wait because LINE stopped them: %(n)s."),
        mark("Open each, see what is left of the month, and resume or stop it."),
        "console.campaigns.page",
    ),
    "points_differ": (
        mark("People whose points do not add up: %(n)s."),
        mark("See who, and make their lots again from the ledger. The next night does it by itself."),
        "console.points.page",
    ),
    "job_failed": (
        mark("“%(job)s” failed the last time."),
        mark("It is tried again by itself. If it fails again, the clock's and the worker's logs say why."),
        None,
    ),
    "job_late": (
        mark("“%(job)s” was due and has not run."),
        mark("Is the clock running? It makes up for what it missed."),
        None,
    ),
    "disk_short": (
        mark("The database's disk is nearly full: %(megabytes)s MB are left."),
        mark("Make room before it is full; until then nothing is lost."),
        None,
    ),
}
STOPPED = (
    mark("LINE has stopped our sending (%(reason)s)."),
    mark("Run flask line check --call on the server; it says what is wrong."),
    None,
)
JOBS = {
    "automations": mark("Automations"),
    "close_month": mark("Closing the month"),
    "draws": mark("Draws"),
    "expire": mark("What runs out"),
    "doubles": mark("Records that may be one person"),
    "missions": mark("Missions"),
    "programme": mark("Programmes planned for a day"),
    "reports": mark("Reports counted in the night"),
    "points": mark("Points"),
    "retag": mark("Tags by rule"),
    "rollups": mark("Figures of the months not closed yet"),
    "scores": mark("Scores"),
    "snapshot": mark("Where everyone stands at the month's end"),
    "sweep": mark("Waitlist seats passed on"),
    "tiers": mark("Tiers"),
}
STATES = {
    "done": mark("All right"),
    "failed": mark("Failed"),
    "running": mark("Running"),
    "waiting": mark("Not run yet"),
}
KINDS = {"web": mark("Web"), "worker": mark("Worker"), "clock": mark("Clock")}
