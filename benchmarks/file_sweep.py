"""Image files over an adaptive link: a sweep that looks up, beside one that encodes at every Es/N0.

Frames are encoded once at all qualities, as a rule of its own does. Then both ways send them at 12 Es/N0 in
3 draws over three LDPC schemes in 1,728 channel uses, PSNR and SSIM included: ours by `SentFiles`, the other
by a bisection for the best quality that fits, frame by frame, at each Es/N0, on fewer frames, and told for
as many. CPU time, one thread.

    python benchmarks/file_sweep.py PREPARED [--frames 654] [--plain 32] [--codec webp]

PREPARED is a prepared file of 96×72 pixels, such as results/data/nyuv2_rgb_96x72.h5; frames are gone through
again where it has fewer.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read
from semcom.codecs.budget import within
from semcom.codecs.images import decode
from semcom.codecs.ladder import Ladder
from semcom.evaluate.imagefiles import OverLink, SentFiles
from semcom.evaluate.judge import Judge
from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.params.crlsc.images import ImageFiles

BOUND_S = 60.0
"""Of our sweep of 654 frames."""
USES = 1728
SCHEMES = ("qpsk_ldpc_1-2", "16qam_ldpc_1-2", "64qam_ldpc_2-3")
SNRS_DB = (-4, -2, 0, 2, 4, 6, 8, 10, 12, 14, 16, 20)
DRAWS = 3


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Exit 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--frames", type=int, default=654)
    parser.add_argument("--plain", type=int, default=32)
    parser.add_argument("--codec", default="webp")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rgb = Prepared.open(options.prepared).rgb
    frames = np.ascontiguousarray(rgb[np.arange(options.frames) % len(rgb)])
    tables = Path("results/reference/links")
    link = DigitalLink(
        tuple(read(tables / f"{scheme}_{USES}_awgn.csv") for scheme in SCHEMES),
        objective="reliable",
        outside="bound",
    )
    way, judge, mean = OverLink(link, USES), Judge(frames), frames.mean(0).astype(np.uint8)

    made: list[Ladder] = []
    encoding = seconds(lambda: made.append(Ladder.build(frames, codec=options.codec)))

    def ours() -> None:
        sent = SentFiles(made[0], way, ImageFiles(codec=options.codec), mean=mean, judge=judge)
        for snr_db in SNRS_DB:
            draws = torch.Generator().manual_seed(0)
            for _ in range(DRAWS):
                sent.send(snr_db, draws)

    few = Judge(frames[: options.plain])

    def plain() -> None:
        for snr_db in SNRS_DB:
            draws, room = torch.Generator().manual_seed(0), way.room(snr_db)
            whole = few.sent.copy()
            fits = np.ones(len(whole), bool)
            for place, frame in enumerate(few.sent):
                try:
                    fitted = within(frame, codec=options.codec, budget_bytes=room)
                except SemcomError:
                    fits[place] = False
                else:
                    whole[place] = decode(fitted.data)
            for _ in range(DRAWS):
                gone = way.lost(len(whole), snr_db, draws) | ~fits
                few(np.where(gone[:, None, None, None], mean, whole))

    looked_up = seconds(ours)
    anew = seconds(plain) * len(frames) / len(few.sent)
    print(f"{len(frames)} frames as {options.codec}: {encoding:.1f} s to encode once at all qualities")
    print(
        f"a sweep of {len(SNRS_DB)} Es/N0 × {DRAWS} draws: {looked_up:.1f} s (at most {BOUND_S:.0f}), "
        f"encoding at each {anew:.1f} s: ratio {looked_up / anew:.3f}"
    )
    raise SystemExit(looked_up > BOUND_S)


if __name__ == "__main__":
    main()
