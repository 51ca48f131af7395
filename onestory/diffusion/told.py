"""Whom are the words of a caption about?"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A caption, and whom its words are about."""

    caption: str
    first: str = ""
    """Its words for the first person of the shot; as everywhere, nothing if there are none."""
    others: tuple[str, ...] = ()
    """Its words for each of the others."""
    setting: str = ""
    """Its words for the set."""
