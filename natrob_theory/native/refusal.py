"""The exception by which a field says that it stays in Python."""


class NotNativeError(Exception):
    """A field, a state or a moment that the compiled loop does not take; the message is the reason in words."""
