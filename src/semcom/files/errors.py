"""The exceptions that users are meant to read."""


class SemcomError(ValueError):
    """A fault of input or surroundings; its message names the value, the limit and the way out."""


class Stopped(Exception):
    """A job did as SIGTERM asked: what it had done is kept, and the same command goes on there."""
