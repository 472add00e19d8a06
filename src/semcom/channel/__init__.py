"""Wireless channels at the level of complex channel uses.

Conventions: a complex channel use is two real dimensions; symbols have average power 1 per channel use
and *sample* (`power.normalise`); SNR = Es/N0, so that noise of variance n0 per complex channel use, n0/2
per real dimension, is n0 = 10^(-snr_db/10). Channels take n0, never decibels.

What a channel is called with, returns and says of itself is written in `semcom.params.protocols.Channel`.
"""

CHANNELS = {
    "awgn": "semcom.channel.awgn:AWGN",
    "rayleigh": "semcom.channel.fading:Rayleigh",
    "rician": "semcom.channel.fading:Rician",
}
