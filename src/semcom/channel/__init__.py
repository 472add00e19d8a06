"""Wireless channels at the level of complex channel uses.

Conventions: a complex channel use is two real dimensions; symbols have average power 1 per channel use
and *sample* (`power.normalise`); SNR = Es/N0, so that noise of variance n0 per complex channel use, n0/2
per real dimension, is n0 = 10^(-snr_db/10). Channels take n0, never decibels.

A channel is called `channel(symbols, n0, generator)` and returns what is received; `channel.pilots` are
the channel uses that it needs for each sample and device beside the symbols' own, `channel.k_factor` (linear;
0 is Rayleigh, infinity no fading) and `channel.csi` what calibration holds it to.
"""

CHANNELS = {
    "awgn": "semcom.channel.awgn:AWGN",
    "rayleigh": "semcom.channel.fading:Rayleigh",
    "rician": "semcom.channel.fading:Rician",
}
