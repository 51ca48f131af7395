"""A control for whoever films by hand."""


class Silent:
    """A control that says nothing, never stops anything, and knows no bigger device."""

    has_bigger_device = False

    def progress(self, share: float) -> None:
        """Say nothing."""

    def check(self) -> None:
        """Go on."""
