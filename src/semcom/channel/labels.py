"""What to write on an axis of SNR; without torch, for those who only draw."""

LABELS = {
    "es_n0_db": "Es/N0 in dB (per complex channel use)",
    "eb_n0_db": "Eb/N0 in dB (per information bit)",
    "er_n0_db": "Er/N0 in dB (energy of a real dimension over N0)",
    "real_snr_db": "SNR per real dimension in dB (power over noise variance N0/2)",
}
"""By the names that `semcom.channel.snr` has for them."""
