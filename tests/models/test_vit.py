import math

import pytest
import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.models.cost import multiply_adds
from semcom.models.vit import Block, Mixing, ViT, positions
from semcom.training.randomness import seeded


def torchs(block: Block, *, hidden: int) -> nn.TransformerEncoderLayer:
    """torch's own layer with the weights of `block`."""
    layer = nn.TransformerEncoderLayer(
        block.out.in_features,
        block.heads,
        hidden,
        dropout=0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=torch.float64,
    )
    names = {"qkv": "self_attn.in_proj_", "out": "self_attn.out_proj.", "up": "linear1.", "down": "linear2."}
    state = {
        f"{names.get(module, f'{module}.')}{kind}": value
        for module, kind, value in ((*key.split("."), v) for key, v in block.state_dict().items())
    }
    layer.load_state_dict(state)
    return layer


def test_a_block_equals_torchs_and_its_gradients() -> None:
    with seeded(0, "test"):
        block = Block(24, 3, 40).double()
        for norm in (block.norm1, block.norm2):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
        x = torch.randn(5, 7, 24, dtype=torch.float64)
    theirs = torchs(block, hidden=40)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    outputs = [net(given) for net, given in zip((block, theirs), inputs, strict=True)]
    torch.testing.assert_close(*outputs, rtol=1e-12, atol=1e-12)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-12, atol=1e-10)
    torch.testing.assert_close(block.qkv.weight.grad, theirs.self_attn.in_proj_weight.grad)


def test_positions_are_the_sines_of_column_and_row() -> None:
    """The formula, patch by patch; rows of the image run fastest over columns."""
    table = positions(3, 2, 16)
    assert table.shape == (6, 16)
    rates = [10_000 ** (-i / 3) for i in range(4)]
    for row in range(2):
        for column in range(3):
            expected = [f(at * r) for at in (column, row) for f in (math.sin, math.cos) for r in rates]
            torch.testing.assert_close(table[3 * row + column], torch.tensor(expected))


def test_the_order_of_patches_matters_only_by_their_positions() -> None:
    with seeded(0, "test"):
        net = ViT(3, (32, 16)).eval()
        x = torch.randn(2, 3, 16, 32)
    left, right = x.split(16, dim=3)
    swapped = torch.cat([right, left], dim=3)
    assert (net(x) - net(swapped)).abs().max() > 1e-2
    net.position.zero_()
    torch.testing.assert_close(net(x), net(swapped), rtol=1e-4, atol=1e-5)


def test_a_patch_sees_its_own_pixels() -> None:
    """Before the blocks: a pixel changes the token of its patch, counted row by row."""
    net = ViT(1, (32, 16), patch=8)
    x = torch.zeros(1, 1, 16, 32)
    x[0, 0, 9, 17] = 1

    def tokens(images: Tensor) -> Tensor:
        return net.patches(images).flatten(2).transpose(1, 2)

    changed = (tokens(x) - tokens(torch.zeros_like(x))).abs().sum(2)[0].nonzero().flatten()
    assert changed.tolist() == [4 + 2]


def test_multiply_adds_include_attention() -> None:
    """Per token: patch, 4 + 2 · 2 squares of the width and 2 T widths a block, all by hand."""
    net = ViT(3, (32, 24), patch=8, width=32, depth=2, heads=4)
    tokens, width = 12, 32
    by_hand = tokens * (8 * 8 * 3 * width + 2 * (8 * width * width + 2 * tokens * width))
    assert multiply_adds(net, torch.zeros(1, 3, 24, 32)) == by_hand
    assert multiply_adds(net, torch.zeros(3, 3, 24, 32)) == 3 * by_hand
    q = torch.zeros(2, 4, 6, 8)
    assert Mixing().multiply_adds(q, q, q) == 2 * 4 * (6 * 6 * 8 + 6 * 8 * 6)


def test_tokens_keep_their_size_at_the_start_of_training() -> None:
    with seeded(0, "test"):
        net = ViT(3, (32, 32))
        x = torch.randn(8, 3, 32, 32)
    tokens = net.patches(x).flatten(2).transpose(1, 2) + net.position
    deep = net.blocks(tokens)
    assert 0.3 < (tokens.std() / net.position.std()).item() < 3
    assert 0.5 < (deep.std() / tokens.std()).item() < 3


@pytest.mark.parametrize(
    ("size", "options", "said"),
    [
        ((30, 20), {}, r"30×20 pixels do not divide into patches of 4; .* patch: 5"),
        ((48, 36), {"patch": 8}, r"48×36 .* patch: 6"),
        ((32, 32), {"heads": 5}, r"width 96 must be a multiple of 4 .* of heads 5"),
        ((32, 32), {"width": 30}, r"width 30 must be"),
    ],
)
def test_what_does_not_go_together_is_named(size, options, said) -> None:
    with pytest.raises(SemcomError, match=said):
        ViT(3, size, **options)
