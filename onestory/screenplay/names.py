"""
Which names may a script use, and how does a title become an episode's identity?

Any letters of any language are welcome. A name is refused only if it could be taken for a
path, or if it holds characters that nobody can see or that reorder what is seen.
"""

import hashlib
import re
import unicodedata

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.refusal import printable, refuse

MAX_NAME_LENGTH = 100
"""Longest name of a person, place or title, in characters."""

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that reorder their neighbours on screen, so that a name reads as another."""

_PATHLIKE = re.compile(r"\.\.[/\\]|[/\\]\.\.|^[/\\~]|^\.{1,2}$|^[A-Za-z]:[/\\]")


def fault_of_name(name: str) -> tuple[str, str] | None:
    """What is wrong with `name`, and what to do about it; None if nothing is."""
    if not name.strip():
        return "is empty", "give it a name"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters, over the limit {MAX_NAME_LENGTH}", "shorten it"
    if _PATHLIKE.search(name):
        return "looks like a path", "write it without leading slashes and ../"
    for character in name:
        code = f"U+{ord(character):04X}"
        if character in BIDI_CONTROLS:
            return f"holds the bidirectional control {code}", "delete the invisible character"
        if unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp"):
            return f"holds the control character {code}", "delete the invisible character"
    return None


def check_name(path: str, source: SourceSpan, what: str, name: str) -> str:
    """
    Let a safe name pass.

    Args:
        path: The script, for the message.
        source: Where the name stands.
        what: What it names: "character", "set", "title".
        name: Any text.

    Returns:
        The name in Unicode's composed form, spaces squeezed.

    Raises:
        ScriptError: If the name is empty, too long, like a path, or holds controls.
    """
    fault = fault_of_name(name)
    if fault:
        refuse(path, source, f'{what} name "{printable(name)}" {fault[0]}', hint=fault[1])
    return " ".join(unicodedata.normalize("NFC", name).split())


def slug_of(text: str) -> str:
    """
    Turn any text into an identity of `[a-z0-9-]`, the same on every machine.

    Latin letters lose their accents. What no Latin letter stands for goes into a short hash,
    so that two Chinese titles do not meet in one slug.
    """
    composed = unicodedata.normalize("NFC", text).casefold().strip()
    plain = unicodedata.normalize("NFKD", composed.replace("ß", "ss").replace("ø", "o"))
    ascii_only = "".join(character for character in plain if character.isascii())
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only.replace("'", "")).strip("-")
    lost = [c for c in plain if not c.isascii() and c.isalnum()]
    if lost or not slug or len(slug) > 64:
        tail = hashlib.sha256(composed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        slug = f"{slug[:40].strip('-')}-{tail}".strip("-")
    return slug
