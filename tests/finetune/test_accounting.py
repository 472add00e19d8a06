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
