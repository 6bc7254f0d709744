"""Where a password could stand, and how it would look there."""

import traceback

from tests.drivers.rithmic.ground import PASSWORD

FORMS = (
    PASSWORD,
    PASSWORD.encode().hex(),
    PASSWORD.encode().hex(" "),
    repr(bytearray(PASSWORD.encode()))[11:-2],
)


def says_password(*texts):
    return [text for text in texts if any(form in text for form in FORMS)]


def logged(caplog):
    return [caplog.text, *(repr(record.__dict__) for record in caplog.records)]


def with_locals(error):
    """An error as tools write it that show the variables of every frame."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(found.format(chain=True))


def last_frames(trace):
    """The part of a traceback that lies in the driver."""
    while trace is not None and "fillbridge_rithmic" not in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return trace
