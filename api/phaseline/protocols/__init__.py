"""uvicorn's two protocols, with an end to how long a caller may take to say something or to read what it is told.

The middle of a connection is the only place for this: an ASGI application can neither write past a full buffer nor
abort a connection, and it is told of a request when its head is there, and of a message when it is whole.
"""
