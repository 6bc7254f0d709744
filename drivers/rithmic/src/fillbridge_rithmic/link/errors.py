"""What can go wrong with one request."""

from fillbridge_hooks import RetryableError
from fillbridge_rithmic.wire.codes import ResponseCode

NO_DATA = "no data"
_LONGEST = 300


class RequestRefused(RetryableError):
    """Rithmic answered a request with a code that is not 0; the connection goes on."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        """What kind of refusal it is; some are in ``wire.codes.ResponseCode``."""
        self.text = text
        """Rithmic's own words; may be empty."""

    def __str__(self) -> str:
        return f"Rithmic refused the request: {self.code} {self.text}".rstrip()


def code_and_text(message: object) -> tuple[str, str]:
    """The two parts of a response's ``rp_code``, on one line and of bounded length."""
    parts = list(message.rp_code)  # type: ignore[attr-defined]
    code = " ".join(parts[0].split())[:_LONGEST] if parts else ""
    return code, " ".join(" ".join(parts[1:]).split())[:_LONGEST]


def is_no_data(code: str, text: str) -> bool:
    """Whether there is nothing to answer with; the same code with other words is an error."""
    return code == ResponseCode.NO_DATA and text.lower() == NO_DATA
