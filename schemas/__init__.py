"""The contracts between the services: events, topics, envelope and object keys.

Only pydantic and the standard library are used here, so that anything may depend on it.
"""
