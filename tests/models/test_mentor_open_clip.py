"""Mentors of open_clip: on files that open_clip itself wrote, the features that open_clip itself gives."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from semcom.files.errors import SemcomError
from semcom.models.mentor_open_clip import OpenClip
from semcom.training.randomness import seeded

open_clip = pytest.importorskip("open_clip", reason="needs the extra mentors, which dev has: make setup")
from open_clip.push_to_hf_hub import save_for_hf  # noqa: E402 (there is none without open_clip)

TEXT = {"context_length": 8, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1}
KINDS = {
    "tiny-vit": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
        "text_cfg": TEXT,
    },
    "tiny-resnet": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16},
        "text_cfg": TEXT,
    },
    "tiny-coca": {
        "embed_dim": 24,
        "vision_cfg": {
            "image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 8,
            "attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True,
        },
        "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": {**TEXT, "dim_head": 16},
        "custom_text": True,
    },
}  # fmt: skip


class NoTokenizer:
    """What `save_for_hf` writes beside the weights is not looked at here."""

    def save_pretrained(self, folder: Path) -> None: ...


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Two photographs, 427×640, as they are."""
    return np.stack(load_sample_images().images)


@pytest.fixture(scope="module", autouse=True)
def known(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the small models known to open_clip, by name."""
    folder = tmp_path_factory.mktemp("configs")
    for name, config in KINDS.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def written(name: str, folder: Path, **preprocess: object) -> dict[str, Path]:
    """A model's weights in every form in which open_clip writes them."""
    with seeded(0, name):
        model = open_clip.create_model(name, force_preprocess_cfg=preprocess)
        for key, value in model.state_dict().items():
            if "running" in key:
                value.uniform_(0.5, 1.5)
    save_for_hf(model, NoTokenizer(), KINDS[name], str(folder), safe_serialization="both")
    # What open_clip_train writes after an epoch of several processes.
    optimiser = torch.optim.AdamW(model.parameters())
    checkpoint = {
        "epoch": 1,
        "name": "run",
        "state_dict": {f"module.{key}": value for key, value in model.state_dict().items()},
        "optimizer": optimiser.state_dict(),
    }
    torch.save(checkpoint, folder / "epoch_1.pt")
    names = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "epoch_1.pt")
    return {file.rpartition(".")[2]: folder / file for file in names}


@pytest.mark.parametrize("kind", KINDS)
def test_features_and_pixels_are_open_clips_own(kind: str, pictures: np.ndarray, tmp_path: Path) -> None:
    for file in written(kind, tmp_path).values():
        model, _, preprocess = open_clip.create_model_and_transforms(kind, pretrained=str(file))
        pixels = torch.stack([preprocess(Image.fromarray(image)) for image in pictures])
        with torch.inference_mode():
            expected = model.eval().encode_image(pixels, normalize=False)
        mentor = OpenClip(name=kind, weights=str(file))
        with torch.inference_mode():
            found = mentor(mentor.prepare(pictures))
        assert torch.equal(mentor.prepare(pictures), pixels)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        assert (mentor.dim, mentor.file) == (24, file)
        assert not any(module.training for module in mentor.train().modules())


def test_a_folder_says_how_pixels_are_scaled(pictures: np.ndarray, tmp_path: Path) -> None:
    scaled = {
        "mean": (0.5, 0.4, 0.3),
        "std": (0.2, 0.3, 0.4),
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    file = written("tiny-vit", tmp_path, **scaled)["safetensors"]
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    pixels = torch.stack([preprocess(Image.fromarray(image)) for image in pictures])
    mentor = OpenClip(name=f"local-dir:{tmp_path}", weights=str(file))
    assert torch.equal(mentor.prepare(pictures), pixels)
    usual = OpenClip(name="tiny-vit", weights=str(file))
    assert not torch.equal(usual.prepare(pictures), pixels)
    with torch.inference_mode():
        torch.testing.assert_close(mentor(pixels), model.eval().encode_image(pixels), rtol=1e-5, atol=1e-5)


def test_a_tag_is_a_file_and_how_its_pixels_are_scaled(
    pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag of our own in open_clip's list, whose file is here already; as OpenAI's, it wants QuickGELU."""
    file = written("tiny-vit", tmp_path)["bin"]
    tag = {**open_clip.pretrained.get_pretrained_cfg("ViT-B-16-SigLIP", "webli"), "quick_gelu": True}
    tags = {"ours": {**tag, "file": str(file)}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-vit", tags)
    model, _, preprocess = open_clip.create_model_and_transforms(
        "tiny-vit", pretrained="ours", force_quick_gelu=True
    )
    pixels = torch.stack([preprocess(Image.fromarray(image)) for image in pictures])
    with torch.inference_mode():
        expected = model.eval().encode_image(pixels)
        for mentor in (
            OpenClip(name="tiny-vit", weights="ours"),
            OpenClip(name="tiny-vit", weights=str(file), pixels="ours"),
        ):
            assert torch.equal(mentor.prepare(pictures), pixels)
            torch.testing.assert_close(mentor(pixels), expected, rtol=1e-5, atol=1e-5)
            assert mentor.file == file
    usual = OpenClip(name="tiny-vit", weights=str(file))
    assert not torch.equal(usual.prepare(pictures), pixels)
    with pytest.raises(SemcomError, match="pixels: 'webli' is no tag of tiny-vit; tags: ours"):
        OpenClip(name="tiny-vit", weights=str(file), pixels="webli")


def test_a_tag_out_of_reach_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(open_clip.pretrained, "download_pretrained", away)
    with pytest.raises(SemcomError, match=r"cannot get the weights openai of RN50 \(no network\); get"):
        OpenClip(name="RN50", weights="openai")


def test_another_size_than_the_models_own(tmp_path: Path, pictures: np.ndarray) -> None:
    """Positions are stretched, as open_clip does it."""
    file = written("tiny-vit", tmp_path)["bin"]
    model, _, preprocess = open_clip.create_model_and_transforms(
        "tiny-vit", pretrained=str(file), force_image_size=48
    )
    pixels = torch.stack([preprocess(Image.fromarray(image)) for image in pictures])
    mentor = OpenClip(name="tiny-vit", weights=str(file), size=48)
    assert mentor.size == (48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(
            mentor(mentor.prepare(pictures)), model.eval().encode_image(pixels), rtol=1e-5, atol=1e-5
        )


def test_what_is_refused(tmp_path: Path) -> None:
    vit = written("tiny-vit", tmp_path / "vit")
    resnet = written("tiny-resnet", tmp_path / "resnet")
    for file in resnet.values():
        with pytest.raises(SemcomError, match="not hold the weights of tiny-vit but of another archit"):
            OpenClip(name="tiny-vit", weights=str(file))
    with pytest.raises(SemcomError, match="open_clip has no model 'tiny-vitt'; did you mean 'tiny-vit'"):
        OpenClip(name="tiny-vitt", weights="random")
    with pytest.raises(SemcomError, match="weights 'openai' of tiny-vit are no file and no tag; tags: none"):
        OpenClip(name="tiny-vit", weights="openai")
    with pytest.raises(SemcomError, match=r"no file and no tag; did you mean 'openai'\?; tags: openai, yf"):
        OpenClip(name="RN50", weights="openaii")
    with pytest.raises(TypeError, match="weights"):
        OpenClip(name="tiny-vit")  # type: ignore[call-arg]
    short = tmp_path / "short.bin"
    short.write_bytes(vit["bin"].read_bytes()[:5000])
    with pytest.raises(SemcomError, match=r"short\.bin is no file of weights that torch\.save wrote"):
        OpenClip(name="tiny-vit", weights=str(short))
    short = tmp_path / "short.safetensors"
    short.write_bytes(vit["safetensors"].read_bytes()[:5000])
    with pytest.raises(SemcomError, match=r"short\.safetensors does not hold the weights of tiny-vit .* dam"):
        OpenClip(name="tiny-vit", weights=str(short))


class Trap:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"state_dict": {"visual.proj": Trap(mark)}}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps({"visual.proj": Trap(mark)}))
    for file in ("a.pt", "b.pt"):
        with pytest.raises(SemcomError, match=rf"{file[0]}\.pt is no file of plain weights but a pickle"):
            OpenClip(name="tiny-vit", weights=str(tmp_path / file))
    assert not mark.exists()
