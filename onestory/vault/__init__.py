"""
The vault: blobs by content, takes by recipe, and the ledger of every episode, in MinIO.

Refuses to know how a take is rendered or judged, and who asks for it.
Entry point: `onestory.vault.store.Vault`.
"""
