"""What a digital link costs: our whole chain beside Sionna's decoder alone, and losses drawn from a table.

Alternating in one process, one thread, CPU time, best of several rounds. The chain is encoder, mapping, AWGN,
demapping, decoder and parity checks; it stops when they hold, Sionna's decoder after all iterations.

    python benchmarks/links.py [--rounds 3]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

from semcom.channel.digital.codes import LDPC_ITERATIONS
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import Curve
from semcom.channel.digital.transceiver import Transceiver
from semcom.params.scheme import parse

SCHEMES = (
    ("qpsk_ldpc_1/2", 32, 4.0),
    ("16qam_ldpc_1/2", 32, 8.75),
    ("16qam_ldpc_1/2", 64, 8.0),
    ("16qam_ldpc_1/2", 256, 7.5),
)
"""Name, channel uses, and an Es/N0 in dB at which few blocks are lost, where a table spends its time."""
BLOCKS = 100
CHAIN_BOUND = 1.0
"""Share of all iterations' time over which the chain around the decoder is to blame."""
FRAMES, DRAWN_BOUND_MS = 10_000, 20.0


def seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def main() -> None:
    """Print one line a scheme and one for drawn losses; exit 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    draws = torch.Generator().manual_seed(0)
    missed = False
    for name, uses, snr_db in SCHEMES:
        scheme = parse(name, channel_uses=uses)
        ours = Transceiver(scheme)
        bits = torch.randint(0, 2, (BLOCKS, scheme.payload_bits), generator=draws).float()
        peer = LDPC5GDecoder(
            LDPC5GEncoder(scheme.payload_bits, scheme.code_bits, device="cpu"),
            num_iter=LDPC_ITERATIONS,
            device="cpu",
        )
        odds = 4 * torch.randn(len(bits), scheme.code_bits, generator=draws)
        pairs = []
        with torch.inference_mode():
            for _ in range(rounds):
                alone = seconds(lambda peer=peer, odds=odds: peer(odds))
                chain = seconds(
                    lambda ours=ours, bits=bits, snr_db=snr_db: ours.send(
                        bits, snr_db=snr_db, channel="awgn", generator=draws
                    )
                )
                pairs.append((alone, chain))
        alone, chain = (1e3 * min(times) / len(bits) for times in zip(*pairs, strict=True))
        missed |= chain > CHAIN_BOUND * alone
        print(
            f"{scheme} (n = {scheme.code_bits}): chain {chain:.2f} ms a block, decoder alone {alone:.2f} ms"
        )
    table = Curve(scheme, "awgn", np.array([0.0, 10.0]), np.full(2, 1e4), np.array([9e3, 1e2]))
    link, payload = DigitalLink((table,)), torch.zeros(FRAMES, scheme.payload_bits)
    drawn = 1e3 * min(seconds(lambda: link.send(payload, snr_db=5.0, generator=draws)) for _ in range(rounds))
    print(f"losses of {FRAMES} frames of {scheme.payload_bits} bits drawn: {drawn:.1f} ms")
    raise SystemExit(missed or drawn > DRAWN_BOUND_MS)


if __name__ == "__main__":
    main()
