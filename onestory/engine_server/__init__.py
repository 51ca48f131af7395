"""
The engine server: one resident process per GPU that holds an engine and shoots takes.

Refuses to know about episodes and queues: a recipe comes in over a unix socket, a take lies
in the vault afterwards. Entry points: `onestory.engine_server.client.EngineClient` and
`python -m onestory.engine_server.server`.
"""
