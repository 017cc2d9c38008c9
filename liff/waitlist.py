"""The waitlist of full times: join, look, leave, and take the seat that is held for you."""

import door
from domain.calendar import calendar_of
from domain.operations import waiting
from liff import session
from liff.bookings import Wanted, my_waitlist
from liff.screens import Shape, api_blueprint
from liff.shapes import BookingShape, Waiting, booking_shape, waiting_shape

waitlist = api_blueprint("waitlist", __name__)


class MyWaitlist(Shape):
    waitlist: list[Waiting]


@waitlist.get("/waitlist")
@waitlist.output(MyWaitlist)
def mine() -> MyWaitlist:
    """Where you wait, your place in each line, and seats held for you."""
    return MyWaitlist(waitlist=my_waitlist(session.member(), calendar_of(door.session())))


@waitlist.post("/waitlist")
@waitlist.input(Wanted)
@waitlist.output(Waiting, status_code=201)
def join(json_data: Wanted) -> Waiting:
    """Wait for a seat of a full time. Asking again answers the same place."""
    entry = waiting.join(door.session(), session.member(), slot_id=json_data.slot_id, now=door.now())
    place = waiting.places(door.session(), [entry])[entry.id]
    door.session().commit()
    return waiting_shape(calendar_of(door.session()), entry, place)


@waitlist.post("/waitlist/<int(max=2147483647):entry_id>/acceptance")
@waitlist.output(BookingShape, status_code=201)
def accept(entry_id: int) -> BookingShape:
    """Take the seat that is held for you. Asking again answers the same booking."""
    made = waiting.accept(door.session(), entry_id, session.member(), trace=session.trace(), now=door.now())
    door.session().commit()
    return booking_shape(calendar_of(door.session()), made)


@waitlist.delete("/waitlist/<int(max=2147483647):entry_id>")
@waitlist.output({}, status_code=204)
def leave(entry_id: int) -> str:
    """Step out of the line. Twice is once."""
    waiting.leave(door.session(), session.member(), entry_id=entry_id, now=door.now())
    door.session().commit()
    return ""
