"""Measures an error table: blocks are coded, sent, decoded and counted until enough of them were lost.

From a start that the normal approximation guesses, SNRs are added downwards until nearly every block is lost
and upwards until the target is reached; on AWGN, one SNR beyond it says how few are lost past the waterfall.
A step aims at the next of `LEVELS` along the line through the two highest points. What is next depends on the
counts alone, and each batch draws from a generator of its own: a resumed run ends like one never killed.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from scipy.optimize import brentq

from semcom.channel.digital import table
from semcom.channel.digital.bounds import Floats, outage, uncoded_bler
from semcom.channel.digital.finite import estimated_bler
from semcom.channel.digital.table import Tally
from semcom.channel.digital.transceiver import Transceiver
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest
from semcom.params.entries import TableEntry, to_json
from semcom.params.scheme import Scheme
from semcom.progress import log
from semcom.training.randomness import generator

FIRST = 0.97
"""Block error rate with which a table begins, at least: below it "all lost" is then nearly true."""
LEVELS = (0.5, 0.2, 0.05)
"""Block error rates to aim at on the way from there to the target."""
GRID_DB = {"awgn": 0.25, "rayleigh": 1.0}
STEP_DB = {"awgn": 1.0, "rayleigh": 4.0}
"""While no slope is known yet."""
LONGEST_DB = {"awgn": 1.5, "rayleigh": 10.0}
LEAST_DB = -40.0
SAY_EVERY_S = 10.0


def run(entry: TableEntry, *, output: Path, state: Path) -> None:
    """Measure the table of `entry` and write it to `output`, in one thread.

    Args:
        entry: scheme, channel, and when an SNR is done.
        output: the CSV file.
        state: folder for the counts of a run under way.

    Raises:
        SemcomError: the scheme cannot be, another process measures the same table, or a file cannot be
            written.
    """
    torch.set_num_threads(1)
    scheme = entry.block
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SemcomError(f"cannot make the folder of {output}: {error.strerror}") from error
    log.info("%s: %d payload bits in %d code bits", scheme, scheme.payload_bits, scheme.code_bits)
    path = state / f"{digest(to_json(entry))}.jsonl"
    with _journal(path) as (journal, counts):
        batches = _Batches(entry, journal)
        while (snr_db := next_snr(list(counts.values()), entry)) is not None:
            counts[snr_db] = batches.count(counts.get(snr_db, Tally(snr_db)))
        table.write(output, scheme, entry.channel, list(counts.values()))
        path.unlink()
    log.info("%d SNRs written to %s", len(counts), output)


def next_snr(counts: Sequence[Tally], entry: TableEntry) -> float | None:
    """The SNR in dB to measure next, given what is counted; None if the table is done.

    An SNR that is under way comes first, so that a killed run takes it up again.
    """
    for tally in counts:
        if not _done(tally, entry):
            return tally.snr_db
    grid = GRID_DB[entry.channel]
    if not counts:
        return grid * round(_start(entry.block, entry.channel) / grid)
    points = sorted(counts, key=lambda tally: tally.snr_db)
    if _rate(points[0]) < FIRST:
        return points[0].snr_db - STEP_DB[entry.channel]
    reached = [tally for tally in points if _rate(tally) <= entry.target]
    if len(reached) > (entry.channel == "awgn"):
        return None
    now = _rate(points[-1])
    levels = (*LEVELS, 0.8 * entry.target, entry.target / 10)
    aim = levels[-1] if reached else next(level for level in levels if level < 0.8 * now)
    step = STEP_DB[entry.channel]
    if len(points) > 1 and _rate(points[-2]) > now:
        a, b = (_line(tally, entry.channel) for tally in points[-2:])
        slope = (b - a) / (points[-1].snr_db - points[-2].snr_db)
        step = (float(table.straight(aim, entry.channel)) - b) / slope
    step = grid * max(1, round(min(step, LONGEST_DB[entry.channel]) / grid))
    return points[-1].snr_db + step


def _rate(tally: Tally) -> float:
    return tally.block_errors / tally.blocks


def _line(tally: Tally, channel: str) -> float:
    least = 0.25 / tally.blocks
    return float(table.straight(np.clip(_rate(tally), least, 1 - least), channel))


def _done(tally: Tally, entry: TableEntry) -> bool:
    return tally.block_errors >= entry.errors or tally.blocks >= entry.enough


def _start(scheme: Scheme, channel: str) -> float:
    """Where the best code would lose `FIRST` of the blocks; for none, where uncoded transmission does."""

    def guess(snr_db: float) -> Floats:
        if scheme.code == "uncoded":
            return uncoded_bler(snr_db, scheme=scheme, channel=channel)
        if channel == "rayleigh":
            return outage(snr_db, rate=scheme.efficiency)
        return estimated_bler(2 * scheme.channel_uses, scheme.payload_bits, snr_db)

    if float(guess(LEAST_DB)) < FIRST:
        raise SemcomError(
            f"{scheme}: so short a block loses less than {100 * FIRST:.0f} % even at {LEAST_DB:g} dB, and "
            "its table would have no beginning; take more channel uses"
        )
    return float(brentq(lambda snr_db: float(guess(snr_db)) - FIRST, LEAST_DB, 80.0))


class _Batches:
    """Sends batches of blocks at one SNR after another, and notes each one's counts."""

    def __init__(self, entry: TableEntry, journal: TextIO) -> None:
        self.entry, self.journal = entry, journal
        self.transceiver = Transceiver(entry.block)
        self.said = time.monotonic()

    def count(self, tally: Tally) -> Tally:
        """Go on counting until this SNR is done."""
        while not _done(tally, self.entry):
            one = self._batch(tally.snr_db, first=tally.blocks)
            self.journal.write(json.dumps(asdict(one)) + "\n")
            self.journal.flush()
            tally += one
            done = _done(tally, self.entry)
            if done or time.monotonic() - self.said > SAY_EVERY_S:
                self.said = time.monotonic()
                log.info(
                    "%g dB: %d of %d blocks lost%s",
                    tally.snr_db,
                    tally.block_errors,
                    tally.blocks,
                    "" if done else f" (until {self.entry.errors} or {self.entry.enough} blocks)",
                )
        return tally

    def _batch(self, snr_db: float, *, first: int) -> Tally:
        scheme, channel = self.transceiver.scheme, self.entry.channel
        draws = generator(self.entry.seed, "links", scheme.name, scheme.channel_uses, channel, snr_db, first)
        size = self.transceiver.batch
        bits = torch.randint(0, 2, (size, scheme.payload_bits), generator=draws).float()
        decoded = self.transceiver.send(bits, snr_db=snr_db, channel=channel, generator=draws)
        wrong = (decoded.bits != bits).sum(-1)
        lost = wrong > 0
        return Tally(
            snr_db,
            size,
            int(lost.sum()),
            int(wrong.sum()),
            int(wrong.square().sum()),
            int((lost & decoded.passed).sum()),
        )


@contextmanager
def _journal(path: Path) -> Iterator[tuple[TextIO, dict[float, Tally]]]:
    """Hold the file of counts; yield it, open to append a line a batch, and the sums of what it has."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (held until the table is done)
    except OSError as error:
        raise SemcomError(f"cannot write {path}: {error.strerror}; make its folder writable") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SemcomError(
                f"another process measures this very table ({path} is held); wait for it, or stop it and "
                "run the "
                "same command again: at most one batch is lost"
            ) from error
        counts: dict[float, Tally] = {}
        file.seek(0)
        whole = 0
        for line in file.read().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # torn by a kill
            try:
                one = Tally(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise SemcomError(
                    f"{path} is damaged ({error}); remove it and run the same command again: the table is "
                    "measured from its beginning"
                ) from error
            counts[one.snr_db] = counts.get(one.snr_db, Tally(one.snr_db)) + one
            whole += len(line)
        file.truncate(whole)
        if counts:
            log.info("goes on from %d blocks at %d SNRs", sum(t.blocks for t in counts.values()), len(counts))
        yield file, counts
