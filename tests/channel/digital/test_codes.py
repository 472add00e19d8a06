import subprocess
import sys

import pytest
import torch
from sionna.phy.channel import AWGN
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
from sionna.phy.mapping import Demapper, Mapper

from semcom.channel.digital import codes
from semcom.channel.digital.transceiver import Transceiver
from semcom.params.scheme import Scheme, parse

EDGES = [
    ("qpsk_ldpc", 12, 7),
    ("qpsk_ldpc", 12, 30),
    ("64qam_ldpc", 144, 32),
    ("16qam_ldpc", 608, 160),
    ("qpsk_polar", 12, 9),
    ("qpsk_polar", 12, 144),
    ("qpsk_polar", 20, 16),
    ("qpsk_polar", 57, 544),
    ("16qam_polar", 1013, 272),
    ("64qam_uncoded", 12, 2),
]


@pytest.mark.parametrize(("family", "payload", "uses"), EDGES)
def test_what_the_limits_allow_can_be_built_and_comes_back(family: str, payload: int, uses: int) -> None:
    scheme = parse(family, channel_uses=uses, payload_bits=payload)
    code = codes.build(scheme)
    bits = torch.randint(0, 2, (20, payload), generator=torch.Generator().manual_seed(0)).float()
    coded = code.encode(bits)
    assert coded.shape == (20, scheme.code_bits)
    decoded, passed = code.decode(20 * coded - 10)
    assert torch.equal(decoded, bits)
    assert passed.all()


@pytest.mark.parametrize("name", ["qpsk_ldpc_1/2", "qpsk_polar_1/2"])
def test_checks_fail_for_most_lost_blocks_and_hold_for_good_ones(name: str) -> None:
    transceiver = Transceiver(parse(name, channel_uses=32))
    draws = torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, (500, 32), generator=draws).float()
    decoded = transceiver.send(bits, snr_db=0.0, channel="awgn", generator=draws)
    lost = (decoded.bits != bits).any(-1)
    assert 0.3 < lost.float().mean() < 0.95
    assert decoded.passed[~lost].float().mean() > 0.85  # a good payload can come with wrong parity bits
    assert decoded.passed[lost].float().mean() < 0.1


def test_block_error_rate_is_that_of_sionna_run_by_itself() -> None:
    """Their mapper, channel, demapper and code, put together here without ours."""
    blocks, snr_db, n0 = 800, 7.0, torch.tensor(10**-0.7)
    encoder = LDPC5GEncoder(64, 128, num_bits_per_symbol=4, device="cpu")
    decoder = LDPC5GDecoder(encoder, num_iter=codes.LDPC_ITERATIONS, device="cpu")
    draws = torch.Generator().manual_seed(1)
    bits = torch.randint(0, 2, (blocks, 64), generator=draws).float()
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(5)
        received = AWGN(device="cpu")(Mapper("qam", 4, device="cpu")(encoder(bits)), n0)
        odds = Demapper("app", "qam", 4, device="cpu")(received, n0)
        theirs = (decoder(odds) != bits).any(-1).float().mean().item()
    transceiver = Transceiver(Scheme("16qam", "ldpc", 64, 32))
    decoded = transceiver.send(bits, snr_db=snr_db, channel="awgn", generator=draws)
    ours = (decoded.bits != bits).any(-1).float().mean().item()
    assert 0.05 < theirs < 0.9
    deviation = (2 * theirs * (1 - theirs) / blocks) ** 0.5
    assert abs(ours - theirs) < 4 * deviation


def test_stopping_when_the_checks_hold_decides_as_all_iterations_do() -> None:
    """About 1 block in 2000 is decided otherwise, for better or worse: 3 of 1000 have probability 0.2 %."""
    code = codes.LDPC(Scheme("qpsk", "ldpc", 32, 32))
    draws = torch.Generator().manual_seed(3)
    bits = torch.randint(0, 2, (1000, 32), generator=draws).float()
    coded = code.encode(bits)
    odds = (2 * coded - 1) * 3 + 6**0.5 * torch.randn(coded.shape, generator=draws)
    encoder = LDPC5GEncoder(32, 64, num_bits_per_symbol=2, device="cpu")
    straight = LDPC5GDecoder(encoder, num_iter=codes.LDPC_ITERATIONS, device="cpu")
    with torch.inference_mode():
        decoded, passed = code.decode(odds)
        differ = (decoded != straight(odds)).any(-1)
    assert 0.1 < (decoded != bits).any(-1).float().mean() < 0.5
    assert differ.sum() < 3
    assert not (differ & ~passed).any()  # what never passes goes through all iterations


def test_tables_and_bounds_never_load_sionna() -> None:
    code = (
        "import sys\n"
        "from semcom.channel.digital import adaptive, averaged, bounds, finite, link, simulate, table\n"
        "assert not any(name.partition('.')[0] == 'sionna' for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_snakefile_may_ask_for_schemes() -> None:
    """What checks a params file imports nothing that computes."""
    code = "import sys; from semcom.params import scheme; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
