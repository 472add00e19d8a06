"""The one exception that users are meant to read."""


class SemcomError(ValueError):
    """A fault of input or surroundings; its message names the value, the limit and the way out."""
