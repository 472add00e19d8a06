from semcom.finetune.accounting import communication


def test_one_round_by_hand() -> None:
    # 32 frames from 2 devices in 16 complex uses each: 1,024 uses up; each use is two 32-bit reals.
    assert communication(rounds=1, batch_size=32, devices=2, channel_uses=16) == {
        "rounds": 1,
        "uplink_uses": 1024,
        "downlink_uses": 1024,
        "uplink_bits": 65536,
        "downlink_bits": 65536,
        "pretrain_uses": 0,
    }


def test_pilots_are_uses_without_bits_and_a_noisy_downlink_bits_without_uses() -> None:
    plain = communication(rounds=3, batch_size=32, devices=2, channel_uses=16)
    sent = 3 * 32 * 2
    assert communication(
        rounds=3, batch_size=32, devices=2, channel_uses=16, pilots=4, noisy_downlink=True
    ) == {
        **plain,
        "uplink_uses": plain["uplink_uses"] + 4 * sent,
        "downlink_bits": plain["downlink_bits"] + 32 * sent,
    }
