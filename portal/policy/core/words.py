"""How values stand in a sentence about a fault."""

from difflib import get_close_matches

LONGEST = 40


def short(text: str) -> str:
    """A piece of the file as a sentence quotes it: on one line, printable, not long."""
    plain = "".join(letter if letter.isprintable() else "·" for letter in text[: LONGEST + 1])
    return f"{plain[:LONGEST]}…" if len(plain) > LONGEST else plain


def plain(value: float) -> str:
    """A number with grouped thousands and no needless places: "30,000", "0.5"."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6f}".rstrip("0")


def near(word: str, known: tuple[str, ...]) -> str:
    """The known word that is meant, or "" when none comes near."""
    if len(word) > LONGEST:
        return ""
    folded = {_folded(name): name for name in reversed(known)}
    asked = _folded(word)
    if asked in folded:
        return folded[asked]
    close = get_close_matches(asked, folded, n=1, cutoff=0.7)
    if close:
        return folded[close[0]]
    longer = [
        name for key, name in folded.items() if len(asked) >= 3 and (key.startswith(asked) or asked.startswith(key))
    ]
    return longer[0] if len(longer) == 1 else ""


def _folded(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")


def listed(words: tuple[str, ...], last: str = "or") -> str:
    """ "a, b or c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
