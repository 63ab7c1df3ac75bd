"""The HTTP API and the review desk: one FastAPI application in a process of its own.

Belongs here: routes, who may call them, what they answer. Every route works through a `Caller`, which holds one tenant's
catalog and lake and nothing of any other.
Does not belong here: doing the work (`operations`, `pipeline`), or the command line (`cli`).
"""
