"""
Engines: whatever turns a recipe into footage, behind one small Protocol.

Refuses to know about episodes, ledgers, gates and queues: a recipe comes in, frames go out.
Entry point: `onestory.engines.protocol.Engine`.
"""
