import pytest

from semcom.channel.ratio import cbr, uses
from semcom.files.errors import SemcomError


def test_the_ratios_of_deepjscc_on_cifar_10():
    assert cbr(512, channels=3, size=(32, 32)) == pytest.approx(1 / 6)
    assert uses(1 / 6, channels=3, size=(32, 32)) == 512
    assert uses(1 / 12, channels=3, size=(32, 32)) == 256
    assert cbr(96 * 72, channels=1, size=(96, 72)) == 1


def test_part_of_a_channel_use_is_refused():
    with pytest.raises(SemcomError, match="0.1 is 307.2 channel uses for 32×32 pixels of 3 values; take 307"):
        uses(0.1, channels=3, size=(32, 32))
    with pytest.raises(SemcomError, match="take 1 channel uses"):
        uses(1e-9, channels=1, size=(8, 8))
