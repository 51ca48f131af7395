"""Where is a vault? Apart from its client, which takes a while to import."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class VaultAddress:
    """Where a vault is. The secret is never shown."""

    endpoint: str
    """`host:port`, without a scheme."""
    access_key: str
    secret_key: str
    bucket: str = "onestory"
    secure: bool = False

    def __repr__(self) -> str:
        return f"VaultAddress({self.endpoint}/{self.bucket})"
