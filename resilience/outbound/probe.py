"""The connection test: what the button "Test the connection" finds out. It only reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.kit.masking import mask_text
from resilience.outbound.client import Answer, Client, Request
from resilience.outbound.errors import OutboundError
from resilience.outbound.headers import private_headers


@dataclass(frozen=True, slots=True)
class Place:
    """Where the test goes, and as whom."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How the test went: `sentence` is for people, `status` is None when no answer came."""

    ok: bool
    status: int | None
    seconds: float
    sentence: str


async def probe(client: Client, place: Place) -> ProbeResult:
    """Whether the upstream answers at its address and takes the credentials; never raises for what it does."""
    private = private_headers(place.headers, place.credentials)
    request = Request("GET", place.address, private, private, timeout=place.timeout, most_bytes=65_536)
    try:
        answer = await client.send(request)
    except OutboundError as error:
        return ProbeResult(False, error.status, error.seconds, mask_text(error.sentence()))
    ok, sentence = _verdict(answer)
    return ProbeResult(ok, answer.status, answer.seconds, sentence)


def _verdict(answer: Answer) -> tuple[bool, str]:
    """A missing page is no fault: an API's base address often has none."""
    status = answer.status
    if answer.ok:
        return True, f"The upstream answers ({status})."
    if status in (401, 403, 407):
        return False, f"The upstream answers, but refuses the credentials ({status})."
    if status in (404, 405, 410):
        return (
            True,
            f"The upstream answers. It has no page at the address itself ({status}), which is common for an API.",
        )
    if status == 429:
        return True, "The upstream answers, and asks to send less (429)."
    if status >= 500:
        return False, f"The upstream answers with an error of its own ({status})."
    return False, f"The upstream answers with {status}, which is unexpected here."
