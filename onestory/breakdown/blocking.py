"""
Where does the camera stand? Decided by what the shot holds, never by its number.

A rule that counted ("every second speech is a close-up") would re-frame a whole scene when a
line is inserted; these rules look at one shot at a time.
"""

import re

from onestory.breakdown import vocabulary

_LONG_SPEECH = 48
"""From this many characters on, a speech is framed wider than a face."""


def _has_stem(text: str, stems: tuple[str, ...]) -> bool:
    return any(word.startswith(stems) for word in re.findall(r"[^\W_]+", text.lower()))


def prop_in(text: str) -> str | None:
    """The first thing in an action line that can be held."""
    words = re.findall(r"[^\W_]+", text.lower())
    return next((word for word in words if word in vocabulary.PROPS), None)


def framing_of_action(text: str, num_people: int) -> str:
    """How much of an action the frame holds."""
    if re.match(r"\s*(INSERT|CLOSE ON|CLOSE UP)\b", text):
        return "insert shot" if num_people == 0 else "close-up"
    if num_people == 0:
        return "insert shot" if prop_in(text) else "wide shot"
    if num_people > 1:
        return "two-shot" if num_people == 2 else "wide shot"
    if _has_stem(text, vocabulary.WHOLE_BODY):
        return "full shot"
    return "medium close-up" if _has_stem(text, vocabulary.FACE) else "medium shot"


def framing_of_speech(text: str, *, has_listener: bool) -> str:
    """How a speech is framed."""
    if text.rstrip(" \"'”’)").endswith(("?", "？")):
        return "over-the-shoulder shot" if has_listener else "medium close-up"
    if len(text) >= _LONG_SPEECH:
        return "medium shot"
    if len(text) <= _LONG_SPEECH // 3 or text.rstrip().endswith(("!", "！", "…", "...")):
        return "close-up"
    return "two-shot" if has_listener else "medium close-up"


def move_of(text: str, framing: str) -> str:
    """What the camera does meanwhile."""
    if framing in ("wide shot", "insert shot", "two-shot", "over-the-shoulder shot"):
        return "static"
    if _has_stem(text, ("run", "ran", "fall", "chas", "flee")):
        return "hand-held"
    if framing == "full shot" and _has_stem(text, ("walk", "cross", "follow")):
        return "tracking shot"
    if framing == "close-up" and text.rstrip().endswith(("…", "...", "!", "！")):
        return "slow push-in"
    return "static"
