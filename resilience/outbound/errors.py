"""What can go wrong between Breakwater and an upstream. Each docstring is the sentence that a person reads.

    OutboundError
    ├── TransportFailure           nothing can be said about the upstream's data
    │   ├── ConnectFailed            (never sent)
    │   ├── NameNotFound             (never sent)
    │   ├── TlsFailed                (never sent)
    │   ├── TimedOut                 `sent` tells whether the request may have arrived
    │   ├── Reset                    (may have arrived)
    │   └── BadAnswer                (may have arrived)
    ├── AddressRefused             (never sent)
    ├── RedirectRefused            (answered, with a redirect that is not followed)
    │   └── TooManyRedirects
    ├── AnswerTooLarge             (answered; only ever found as an Answer's `fault`)
    └── Unsendable                 (never sent: the address or a header cannot be written)

They are values of a delivery rather than problems of a request, so they are no `portal.kit.errors.Error`.
"""

from inspect import cleandoc
from typing import ClassVar


class OutboundError(Exception):
    """The request to the upstream failed."""

    code: ClassVar[str] = "outbound"
    few_words: ClassVar[str] = "Request failed"
    """The start of `brief()`."""
    sent = False
    """True when the request may have reached the upstream."""

    def __init__(self, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        """Of the answer, where one came (a redirect that was refused)."""
        self.seconds = 0.0
        """How long it took until it failed; the client sets it."""

    def sentence(self) -> str:
        """What happened, for people: the first line of the docstring and what it was this time."""
        first = cleandoc(type(self).__doc__ or "").split("\n")[0]
        return f"{first.removesuffix('.')} ({self.detail})." if self.detail else first

    def brief(self) -> str:
        """The same in a few words, for lists, cards and results: "Host name not found: db.example.org."."""
        return f"{self.few_words}: {self.detail}." if self.detail else f"{self.few_words}."


class TransportFailure(OutboundError):
    """The connection to the upstream failed."""

    code = "transport"
    few_words = "Connection failed"


class ConnectFailed(TransportFailure):
    """The upstream did not accept the connection."""

    code = "connect-failed"
    few_words = "No connection"

    def brief(self) -> str:
        """What the system said, which says all of it: "Connection refused."."""
        return f"{self.detail[0].upper()}{self.detail[1:]}." if self.detail else super().brief()


class NameNotFound(TransportFailure):
    """The upstream's host name could not be resolved."""

    code = "name-not-found"
    few_words = "Host name not found"


class TlsFailed(TransportFailure):
    """No secure connection could be made to the upstream: its certificate or its TLS settings are not accepted."""

    code = "tls-failed"
    few_words = "No secure connection"


class TimedOut(TransportFailure):
    """The upstream did not answer in time."""

    code = "timed-out"
    few_words = "No answer in time"

    def __init__(self, detail: str = "", *, sent: bool = True) -> None:
        super().__init__(detail)
        self.sent = sent


class Reset(TransportFailure):
    """The upstream closed the connection before its answer was complete."""

    code = "reset"
    few_words = "Connection closed early"
    sent = True


class BadAnswer(TransportFailure):
    """What the upstream answered is not HTTP."""

    code = "bad-answer"
    few_words = "Answer is not HTTP"
    sent = True


class AddressRefused(OutboundError):
    """The upstream's address is private or reserved, and this portal does not allow such addresses.

    `opening` is the network whose allowing would open it; empty where nobody is advised to. It is told to those who give or test an
    address, not to everybody who reads results.
    """

    code = "address-refused"
    few_words = "Address not allowed"

    def brief(self) -> str:
        """Which address, and why; without a second colon, since the detail has one."""
        return f"{self.few_words}, {self.detail}." if self.detail else super().brief()

    def __init__(self, detail: str = "", *, status: int | None = None, opening: str = "") -> None:
        super().__init__(detail, status=status)
        self.opening = opening


class RedirectRefused(OutboundError):
    """The upstream answered with a redirect that is not followed."""

    code = "redirect-refused"
    few_words = "Redirect not followed"


class TooManyRedirects(RedirectRefused):
    """The upstream redirects in a loop, or more often than is followed."""

    code = "too-many-redirects"
    few_words = "Too many redirects"


class AnswerTooLarge(OutboundError):
    """The upstream's answer is longer than is read; the rest was cut off."""

    code = "answer-too-large"
    few_words = "Answer too long"
    sent = True


class Unsendable(OutboundError):
    """The request cannot be written as it stands."""

    code = "unsendable"
    few_words = "Request cannot be written"
