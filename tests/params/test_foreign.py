"""Classes of a user's own package as components: what is taken, what is refused, what re-runs."""

import importlib
import inspect
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from semcom.files.errors import SemcomError
from semcom.params import component, foreign, options, stagecode
from semcom.params.codehash import code_hash
from semcom.params.component import family
from semcom.params.families import FAMILIES
from semcom.params.jobs import Jobs
from semcom.params.protocols import PROTOCOLS
from semcom.params.schema import load
from semcom.params.start import check_own_classes

LOSS = """
import math
from typing import Annotated
from annotated_types import Gt, Le
from semcom.params.ranges import Positive
from mylab.helpers import half

class Base:
    def __init__(self, *, temperature: Positive = 0.5, share: Annotated[float, Gt(0), Le(1)] = 1.0):
        self.temperature = temperature

class MyLoss(Base):
    def __call__(self, views):
        return sum((a - b).square().mean() for a, b in views.values()), {}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Path:
    """A folder `mylab` in the working directory: no package by `__init__.py`, two modules."""
    folder = tmp_path / "mylab"
    folder.mkdir()
    (folder / "losses.py").write_text(LOSS)
    (folder / "helpers.py").write_text("def half(x):\n    return x / 2\n")
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("mylab", "elsewhere"):
            del sys.modules[name]
    for cached in (options.options, options.modalities):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def fresh():
    """Options are remembered for a process; here files change within one."""
    options.options.cache_clear()
    options.modalities.cache_clear()


def with_loss(config: dict[str, Any], use: str, **given: Any) -> dict[str, Any]:
    config["methods"]["mmssl"]["pretrain"]["loss"] = {"use": use, **given}
    return config


def fault(config: dict[str, Any]) -> str:
    """The one fault, which names its place in the params file."""
    with pytest.raises(SemcomError) as caught:
        load(config)
    (line,) = str(caught.value).splitlines()[1:]
    place = "  methods.mmssl.pretrain.loss."
    assert line.startswith(place)
    return line.removeprefix(place)


@pytest.mark.parametrize(("name", "member"), [(n, m) for n in FAMILIES for m in family(n)])
def test_our_own_classes_have_the_form_of_their_family(name, member):
    foreign.check(name, family(name)[member])


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("LOSSES", ["BACKBONES", "SENDERS", "HEADS", "NETWORKS", "CHANNELS", "VIEWS"]),
        ("GUIDES", ["LOSSES", "BACKBONES", "HEADS", "VIEWS", "OPTIMISERS"]),
        ("BACKBONES", ["LOSSES", "CHANNELS", "VIEWS", "OPTIMISERS"]),
        ("MENTORS", ["LOSSES", "BACKBONES", "HEADS", "CHANNELS", "VIEWS"]),
        ("SENDERS", ["LOSSES", "BACKBONES", "HEADS", "CHANNELS", "VIEWS", "OPTIMISERS"]),
        ("HEADS", ["LOSSES", "CHANNELS", "VIEWS", "OPTIMISERS"]),
        ("NETWORKS", ["LOSSES", "BACKBONES", "SENDERS", "HEADS", "CHANNELS", "VIEWS", "OPTIMISERS"]),
        ("CHANNELS", ["LOSSES", "BACKBONES", "SENDERS", "HEADS", "OPTIMISERS"]),
        ("OPTIMISERS", ["LOSSES", "BACKBONES", "SENDERS", "HEADS", "CHANNELS", "VIEWS"]),
    ],
)
def test_a_class_of_another_family_is_refused(name, others):
    """Where the two differ in more than the names of arguments; for channels and views do not."""
    for other in others:
        for reference in family(other).values():
            with pytest.raises(SemcomError, match=r"see docs/extending\.md"):
                foreign.check(name, reference)


def test_options_are_checked_and_completed_without_an_import(lab, config):
    study = load(with_loss(config, "mylab.losses:MyLoss", temperature="0.1"))
    assert study.methods["mmssl"].pretrain.loss == {
        "use": "mylab.losses:MyLoss", "temperature": 0.1, "share": 1.0
    }  # fmt: skip
    assert "mylab.losses" not in sys.modules


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"temprature": 1},
            "temprature: no such key (its value is 1); did you mean 'temperature'?; keys here",
        ),
        ({"temperature": 0}, "temperature: 0 is not a number > 0"),
        ({"share": 1.5}, "share: 1.5 is not a number > 0 and ≤ 1"),
    ],
)
def test_a_wrong_option_is_named(lab, config, given, said):
    assert fault(with_loss(config, "mylab.losses:MyLoss", **given)).startswith(said)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("mylab.losses.MyLoss", "'mylab.losses.MyLoss' names no class; write package.module:Class"),
        ("mylab/losses:MyLoss", "names no class; write package.module:Class"),
        ("otherlab.losses:MyLoss", "there is no module otherlab; put it beside the Snakefile, into "),
        ("mylab.loses:MyLoss", "there is no module mylab.loses: mylab has no loses; did you mean 'losses'?"),
        (
            "mylab.losses:MyLos",
            "mylab.losses has no class MyLos; did you mean 'MyLoss'?; classes there: Base,",
        ),
        ("mylab.losses:half", "mylab.losses has no class half"),
        ("os:system", "os:system: os belongs to Python's standard library, which has no components; name a"),
        ("os.path:join", "os.path belongs to Python's standard library"),
        ("sys:exit", "sys belongs to Python's standard library"),
    ],
)
def test_a_name_that_leads_nowhere(lab, config, use, said):
    text = fault(with_loss(config, use))
    assert text.startswith("use: ")
    assert said in text


def test_a_package_may_be_called_as_one_of_pythons(lab, config):
    """Where Python finds the user's first: `python -m semcom` looks in the working directory first of all."""
    folder = lab.rename(lab.parent / "code")
    (folder / "losses.py").write_text(LOSS.replace("mylab", "code"))
    with pytest.raises(SemcomError, match=r"code\.losses belongs to Python's standard library"):
        load(with_loss(config, "code.losses:MyLoss"))  # a folder without __init__.py comes last
    (folder / "__init__.py").touch()
    load(with_loss(config, "code.losses:MyLoss"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nolib\n", "No module named 'nolib' (mylab/losses.py, line 1: import nolib); install"),
        ("from nolib.deep import x\n", "No module named 'nolib.deep' (mylab/losses.py, line 1: from"),
        ("from mylab.gone import x\n", "No module named 'mylab.gone' (mylab/losses.py, line 1: from"),
        ("from . import helpers\nfrom .gone import x\n",
         "No module named 'mylab.gone' (mylab/losses.py, line 2"),
        ("from mylab import gone\n", "No module named 'mylab.gone' (mylab/losses.py, line 1: from mylab"),
        ("x = (\n", "does not import: SyntaxError: '(' was never closed (mylab/losses.py, line 1: x ="),
        ("from .wrong import x\n",
         "mylab.wrong does not import: SyntaxError: invalid syntax (mylab/wrong.py, line 1"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_import_is_refused_with_its_error_and_line(lab, config, source, said):
    (lab / "losses.py").write_text(source)
    (lab / "wrong.py").write_text("class = 3\n")
    assert said in fault(with_loss(config, "mylab.losses:MyLoss"))


def test_an_import_that_may_fail_is_left_to_the_module(lab, config):
    guarded = "try:\n    import nolib\nexcept ImportError:\n    nolib = None\n"
    (lab / "losses.py").write_text(guarded + "if False:\n    import nolib\n" + LOSS)
    load(with_loss(config, "mylab.losses:MyLoss"))


INIT = "class MyLoss:\n    def __init__(self, {}): ...\n    def __call__(self, {}): ...\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (INIT.format("*", "views").replace("(self, *)", "(self, scale=1.0)"),
         "scale can be no option unless it stands behind a `*`: write `*, scale: …`; see docs/extending.md"),
        (INIT.format("scale, *, rate: float = 1.0", "views"), "a loss is made with (), and options"),
        (INIT.format("*, rate=1.0", "views"), "option rate: it needs a type annotation, such as rate: float"),
        (INIT.format("*, rate: float = 1.0", "a, b"),
         "has __call__(self, a, b); a loss is called with (views)"),
        (INIT.format("*, rate: float = 1.0", "*, views"), "a loss is called with (views)"),
        ("class MyLoss: ...", "has no __call__(views), as a loss must"),
        ("from torch import nn\nclass MyLoss(nn.Module):\n    pass", "has no __call__(views), as a loss"),
        ("from dataclasses import dataclass\n@dataclass\nclass MyLoss:\n    a: float = 1.0",
         "is a dataclass; write its __init__ out, options behind a `*`"),
    ],
)  # fmt: skip
def test_a_class_of_another_form_is_refused(lab, config, source, said):
    (lab / "losses.py").write_text(source)
    assert said in fault(with_loss(config, "mylab.losses:MyLoss"))


def test_a_network_must_be_a_module_and_an_optimiser_has_a_rate(lab):
    (lab / "nets.py").write_text(
        "class Head:\n    def __init__(self, features, classes): ...\n    def forward(self, received): ...\n"
        "class Optimiser:\n    def __init__(self, *, rate: float): ...\n    def __call__(self, module): ...\n"
    )
    with pytest.raises(SemcomError, match=r"mylab.nets:Head is no torch\.nn\.Module, which a head must be"):
        foreign.check("HEADS", "mylab.nets:Head")
    with pytest.raises(SemcomError, match="has no option lr, which an optimiser must have"):
        foreign.check("OPTIMISERS", "mylab.nets:Optimiser")


def test_what_a_base_from_elsewhere_brings_is_not_judged(lab):
    (lab / "nets.py").write_text("from torch import nn\nclass Head(nn.Linear):\n    pass\n")
    foreign.check("HEADS", "mylab.nets:Head")


@pytest.mark.parametrize(
    "text",
    [
        "from mylab.losses import MyLoss",
        "from .losses import MyLoss as Other\nMyLoss = Other",
        "from .losses import *",
        "import mylab.losses\nclass MyLoss(mylab.losses.MyLoss): ...",
        "from mylab import losses as l\nclass MyLoss(l.MyLoss): ...",
        "from semcom.losses.intra import Intra\nclass MyLoss(Intra):\n    def __call__(self, views): ...",
    ],
)
def test_a_class_is_found_behind_imports_and_bases(lab, text):
    (lab / "__init__.py").write_text(text)
    foreign.check("LOSSES", "mylab:MyLoss")
    expected = {"lambd"} if "Intra" in text else {"temperature", "share"}
    assert set(options.options("mylab:MyLoss")) == expected


def test_modalities_that_a_loss_needs(lab, config):
    (lab / "losses.py").write_text(LOSS + '\nMODALITIES = ("rgb", "depth")\n')
    config["methods"]["mmssl"]["modalities"] = ["depth"]
    with pytest.raises(SemcomError, match="the loss mylab.losses:MyLoss needs rgb, depth"):
        load(with_loss(config, "mylab.losses:MyLoss"))


def test_python_path_and_installed_packages_are_searched(lab, tmp_path, monkeypatch):
    (tmp_path / "site/elsewhere").mkdir(parents=True)
    (tmp_path / "site/elsewhere/__init__.py").write_text(LOSS.replace("from mylab.helpers import half\n", ""))
    monkeypatch.syspath_prepend(tmp_path / "site")
    foreign.check("LOSSES", "elsewhere:MyLoss")
    assert component.load("elsewhere:MyLoss").__name__ == "MyLoss"


def test_the_class_is_made_from_the_working_directory(lab, monkeypatch):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if Path(p or ".").resolve() != lab.parent])
    made = component.build({}, {"use": "mylab.losses:MyLoss", "temperature": 0.1})
    assert made.temperature == 0.1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import math\n\nx = 1 / 0\n", r"losses.py, line 3: x = 1 / 0\)"),
        (
            "from math import nothing\n",
            r"ImportError: cannot import name 'nothing' from 'math'.*line 1: from",
        ),
        ("from pathlib import Path\nPath(3)\n", r"TypeError: .*losses.py, line 2: Path\(3\)\)"),
        ("x = (\n", "SyntaxError: '.' was never closed"),
    ],
)
def test_a_job_shows_the_error_of_a_module_and_its_line(lab, source, said):
    (lab / "losses.py").write_text(source)
    with pytest.raises(SemcomError, match="^mylab.losses:MyLoss: mylab.losses does not import: .*" + said):
        component.load("mylab.losses:MyLoss")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1 / 0\n", "^1 fault in the params:\n  methods.mmssl.pretrain.loss.use: mylab.losses:MyLoss: "
         "mylab.losses does not import: ZeroDivisionError: division by zero .*losses.py, line 1: x = 1 / 0"),
        ("import sys\nsys.exit('enough')\n", r"does not import: SystemExit: enough \(.*line 2: sys.exit"),
        ("import os\nos._exit(3)\n", r"ended Python with exit code 3 \(nothing was said\); a module"),
        ("print('hello')\n", None),
    ],
)  # fmt: skip
def test_before_the_first_job_the_classes_are_imported(lab, config, source, said):
    (lab / "losses.py").write_text(source + LOSS)
    study = load(with_loss(config, "mylab.losses:MyLoss"))
    if said is None:
        check_own_classes(study)
        return
    with pytest.raises(SemcomError, match=said):
        check_own_classes(study)


def test_a_study_of_our_classes_starts_no_process(config, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    check_own_classes(load(config))


def entries(config: dict[str, Any]) -> dict[str, str]:
    jobs = Jobs(load(config), "md5")
    return {
        "mmssl": jobs.pretrain("mmssl", 0),
        "intra": jobs.pretrain("intra_only", 0),
        "finetune": jobs.finetune("mmssl", "awgn_k32", "all", 0),
        "report": jobs.report(),
    }


def test_an_edit_of_the_package_concerns_what_uses_it(lab, config):
    with_loss(config, "mylab.losses:MyLoss")
    before = entries(config)
    (lab / "other.py").write_text("x = 1\n")
    (lab / "losses.py").write_text('"""Text."""\n# A comment.\n' + LOSS)
    assert entries(config) == before
    (lab / "helpers.py").write_text("def half(x):\n    return x / 3\n")
    stagecode._code.cache_clear()
    after = entries(config)
    assert {name for name in before if before[name] != after[name]} == {"mmssl"}


def test_a_hash_covers_the_users_package_and_semcom_but_no_other(lab, tmp_path):
    (lab / "losses.py").write_text("import elsewhere\nfrom semcom.losses.correlation import EPS\n" + LOSS)
    (tmp_path / "elsewhere.py").write_text("x = 1\n")

    def now() -> str:
        return code_hash(stagecode.STAGES["prepare"], "mylab.losses")

    before = now()
    assert before != code_hash(stagecode.STAGES["prepare"])
    (tmp_path / "elsewhere.py").write_text("x = 22\n")
    assert now() == before
    (lab / "__init__.py").write_text("x = 1\n")
    assert now() != before


def test_a_study_with_own_classes_imports_nothing_heavy(lab, config, tmp_path):
    (lab / "losses.py").write_text("import torch\n" + LOSS)
    code = (
        "import sys; from semcom.params import foreign, options\n"
        "foreign.check('LOSSES', 'mylab.losses:MyLoss'); options.options('mylab.losses:MyLoss')\n"
        "print([name for name in ('torch', 'numpy', 'mylab', 'mylab.losses') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_forms_are_those_of_the_families():
    assert set(PROTOCOLS) == set(FAMILIES)
    for name, protocol in PROTOCOLS.items():
        for reference, call in product(family(name).values(), foreign.methods(name)):
            module, _, cls = reference.partition(":")
            ours = inspect.signature(getattr(getattr(importlib.import_module(module), cls), call))
            assert list(ours.parameters) == list(inspect.signature(getattr(protocol, call)).parameters)
