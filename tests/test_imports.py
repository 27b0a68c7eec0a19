"""The arrows of the design, and what a public name owes."""

import ast
import inspect
import pathlib

import pytest

import keras_gan

ROOT = pathlib.Path(keras_gan.__file__).parent
LEAVES = {"checks", "files", "layer_walk", "replicas", "version"}
ARROWS = {
    "__init__": None,
    "cli": None,
    "follower": {"callbacks", "run_folder"},
    "run_folder": None,
    "evaluation": None,
    "presets": {
        "architectures",
        "tasks",
        "gan",
        "penalties",
        "latents",
        "schedules",
    },
    "gan": {
        "losses",
        "penalties",
        "latents",
        "schedules",
        "distribution",
        "gradients",
        "optimizers",
        "players",
        "seeds",
        "saving",
        "trackers",
        "half_step",
        "reach",
        "resuming",
        "sampling",
        "updates",
    },
    "tasks": {
        "distribution",
        "shares",
        "gan",
        "latents",
        "layers",
        "players",
        "truncation",
    },
    "augmentation": {"datasets", "metrics", "players"},
    "sampling": {"serving", "truncation"},
    "walks": {"callbacks", "directions", "latents", "sampling", "truncation"},
    "directions": {"layers", "truncation"},
    "inversion": {"gradients", "players", "sampling", "truncation"},
    "resuming": {"distribution", "saving", "seeds"},
    "distribution": {"seeds", "shares"},
    "saving": {"seeds"},
    "trackers": {"losses"},
    "serving": {"players", "seeds", "truncation"},
    "half_step": {"gradients", "losses", "players", "seeds", "truncation"},
    "updates": {"gradients", "losses", "players"},
    "reach": {"gradients", "penalties"},
    "optimizers": {"adam", "schedules"},
    "adam": {"schedules"},
    "penalties": {"gradients", "losses", "schedules", "seeds"},
    "layers": {"schedules", "seeds"},
    "architectures": {"backbones", "layers"},
    "backbones": {"layers"},
    "perceptual": {"backbones", "layers"},
}
FILES = sorted(ROOT.rglob("*.py"))


def part_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows(path):
    part = part_of(path)
    allowed = ARROWS.get(part, set())
    names = [n for n in imports(path) if n.split(".")[0] == "keras_gan"]
    assert "keras_gan" not in names, "import the part, not the package"
    own = {name.split(".")[1] for name in names}
    if allowed is not None:
        wrong = own - allowed - LEAVES - {part}
        assert not wrong, f"{part} must not import {sorted(wrong)}"
    private = [name for name in imports(path) if ".src" in name]
    assert not private, f"private modules: {private}"


def test_the_tape_has_one_room():
    with_tape = [p.name for p in FILES if "GradientTape" in p.read_text()]
    assert with_tape == ["gradients.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_sizes(path):
    """Files of at most 300 and functions of at most 50 code lines."""
    tree = ast.parse(path.read_text())
    texts = set()
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node):
            first = node.body[0]
            texts.update(range(first.lineno, first.end_lineno + 1))
    code = {
        number
        for number, line in enumerate(path.read_text().split("\n"), 1)
        if line.strip() and number not in texts
        if not line.strip().startswith("#")
    }
    assert len(code) <= 300
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            span = set(range(node.lineno, node.end_lineno + 1))
            assert len(code & span) <= 50, node.name


def test_front_door():
    for name in keras_gan.__all__:
        assert getattr(keras_gan, name) is not None
    assert keras_gan.__version__.count(".") == 2


def public_things():
    for module in (
        keras_gan.constraints,
        keras_gan.losses,
        keras_gan.latents,
        keras_gan.schedules,
    ):
        for thing in vars(module).values():
            own = getattr(thing, "__module__", None) == module.__name__
            if own and isinstance(thing, type):
                yield thing
    yield from (
        getattr(keras_gan.presets, n) for n in keras_gan.presets.__all__
    )
    for module in (
        keras_gan.architectures,
        keras_gan.callbacks,
        keras_gan.datasets,
        keras_gan.layers,
        keras_gan.metrics,
        keras_gan.metrics.features,
        keras_gan.penalties,
        keras_gan.tasks,
        keras_gan.walks,
    ):
        things = [getattr(module, name) for name in module.__all__]
        yield from (thing for thing in things if callable(thing))
    yield keras_gan.optimizers.Adam
    yield keras_gan.augment_dataset
    yield keras_gan.Perceptual
    yield keras_gan.backbones.pyramid
    yield keras_gan.GAN
    yield keras_gan.invert
    yield keras_gan.latents.interpolate


@pytest.mark.parametrize(
    "thing", list(public_things()), ids=lambda t: t.__qualname__
)
def test_docstrings(thing):
    """Public things say what they do and show an example that runs."""
    text = inspect.getdoc(thing)
    assert text and text.splitlines()[0].endswith(".")
    assert "Example:\n>>> " in text
    if "Raises" not in text and isinstance(thing, type):
        assert len(inspect.signature(thing).parameters) < 3
