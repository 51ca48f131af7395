"""
The production: from an order to a delivered film, one verb a step, all state in the vault.

Refuses to know who calls the verbs, in which process, and how often: each may be repeated.
Entry point: `onestory.production.unit.Unit`.
"""
