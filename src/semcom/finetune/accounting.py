"""What training sends over the link.

One round = one mini-batch: every device sends the symbols of a batch of frames up, the server sends their
gradients down. Pre-training runs on the devices alone and exchanges nothing with the server. The first
download of models is not counted (papers.md 1.7).

Pilots are channel uses of the uplink, and carry no bits: bits are those of the real values that are sent, two
a channel use. A downlink without noise carries the gradients as they are; over noise each sample's and
device's is sent at power 1, and its scale beside it as one exact real number, which costs bits and no
channel uses of the count here.
"""

BITS_PER_REAL = 32
"""Symbols and gradients are float32."""


def communication(
    *,
    rounds: int,
    batch_size: int,
    devices: int,
    channel_uses: int,
    pilots: int = 0,
    noisy_downlink: bool = False,
) -> dict[str, int]:
    """Rounds, complex channel uses and bits of one training, up and down.

    Args:
        rounds: number of mini-batches.
        batch_size: frames a round.
        devices: number of devices.
        channel_uses: complex channel uses k a device and frame.
        pilots: channel uses beside them, up, from which the server estimates the channel.
        noisy_downlink: whether gradients go over noise, each with its scale as one real number.
    """
    sent = rounds * batch_size * devices
    bits = 2 * BITS_PER_REAL * sent * channel_uses
    return {
        "rounds": rounds,
        "uplink_uses": sent * (channel_uses + pilots),
        "downlink_uses": sent * channel_uses,
        "uplink_bits": bits,
        "downlink_bits": bits + BITS_PER_REAL * sent * noisy_downlink,
        "pretrain_uses": 0,
    }
