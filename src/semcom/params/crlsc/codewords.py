"""Into how many code words the channel uses of an image file are cut: no code has any length."""

from semcom.files.errors import SemcomError
from semcom.params.scheme import Scheme, parse


def code_words(name: str, *, channel_uses: int, words: int | None = None) -> tuple[int, Scheme]:
    """How many equal code words of a scheme fill channel uses, and one of them.

    Args:
        name: of the scheme, such as `qpsk_ldpc_1/2`.
        channel_uses: complex channel uses of a file.
        words: how many; None: the fewest that the code can have, as longer code words are better ones.

    Raises:
        SemcomError: no such scheme, or none of this length.
    """
    if words is not None:
        if channel_uses % words:
            raise SemcomError(
                f"{channel_uses} channel uses of a file cannot be cut into {words} equal code words; take a "
                "number that divides them"
            )
        return words, parse(name, channel_uses=channel_uses // words)
    fault: SemcomError | None = None
    for count in (count for count in range(1, channel_uses + 1) if channel_uses % count == 0):
        try:
            return count, parse(name, channel_uses=channel_uses // count)
        except SemcomError as error:
            fault = fault or error
    assert fault is not None
    raise fault
