"""What training sends over the link.

One round = one mini-batch: every device sends the symbols of a batch of frames up, the server sends their
gradients down. Pre-training runs on the devices alone and exchanges nothing with the server. The downlink
is free of noise, and the first download of models is not counted (papers.md 1.7).
"""

BITS_PER_REAL = 32
"""Symbols and gradients are float32."""


def communication(*, rounds: int, batch_size: int, devices: int, channel_uses: int) -> dict[str, int]:
    """Rounds, complex channel uses and bits of one training, up and down.

    Args:
        rounds: number of mini-batches.
        batch_size: frames a round.
        devices: number of devices.
        channel_uses: complex channel uses k a device and frame.
    """
    uses = rounds * batch_size * devices * channel_uses
    bits = 2 * BITS_PER_REAL * uses
    return {
        "rounds": rounds,
        "uplink_uses": uses,
        "downlink_uses": uses,
        "uplink_bits": bits,
        "downlink_bits": bits,
        "pretrain_uses": 0,
    }
