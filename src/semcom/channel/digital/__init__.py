"""A digital link: payload bits in blocks, protected by a code, mapped to QAM symbols and sent over a channel.

    payload bits ─► code ─► Gray QAM ─► channel ─► soft demapping ─► decoder ─► payload bits, lost or not

A block is one code word. A `Scheme` says how a block is built; `table` has its block error rate over SNR,
measured by `simulate`; `link` sends payloads; `bounds` and `finite` say what no scheme can beat. Sionna (5G
LDPC and polar codes) is imported by `codes` alone, when a block is really coded: whoever reads tables never
loads it.
"""
