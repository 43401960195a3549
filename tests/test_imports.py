"""What importing the package costs and offers, and that no modules need each other in a circle."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from pkgutil import walk_packages

import pytest

from mecsim.cli import LEFT_OUT

HEAVY = {
    "torch", "matplotlib", "pandas", "pint", "ray", "numba", "simpy", "scipy", "pymoo", "tensorboard",
    "stable_baselines3", "mo_gymnasium", "polars",
}  # fmt: skip


def _public() -> list[str]:
    """Packages that list public names."""
    roots = [importlib.import_module(root) for root in ("mecsim", "mecsim_agents")]
    below = [info.name for root in roots for info in walk_packages(root.__path__, f"{root.__name__}.") if info.ispkg]
    names = [root.__name__ for root in roots] + below
    return [name for name in names if hasattr(importlib.import_module(name), "__all__")]


PUBLIC = _public()
REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"


def imported_by(code: str) -> set[str]:
    """Top-level modules present after running `code` in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint('\\n'.join(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_is_light() -> None:
    loaded = imported_by("import mecsim")
    assert "mecsim" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_reading_a_scenario_compiles_nothing() -> None:
    """It needs pint for the units (which looks for parts of SciPy), but neither Numba nor torch."""
    loaded = imported_by("import mecsim; mecsim.load_scenario('gmorl')")
    assert loaded.isdisjoint(HEAVY - {"pint", "scipy"})


def test_the_simulator_does_not_need_the_learner() -> None:
    loaded = imported_by("import mecsim; mecsim.make_vec('quickstart').reset()")
    assert {"numba", "numpy"} <= loaded
    assert loaded.isdisjoint({"torch", "matplotlib", "pandas", "ray", "tensorboard", "stable_baselines3"})


def test_a_simulation_without_learning_needs_no_library_of_learning() -> None:
    """The second `mecsim simulate` should answer at once; PyTorch alone takes longer to import than the rest."""
    command = ["simulate", "quickstart", "--policy", "greedy", "--episodes", "1", "--num-threads", "1"]
    loaded = imported_by(f"from mecsim.cli import main\ntry:\n    main({command})\nexcept SystemExit:\n    pass")
    assert {"numba", "rich"} <= loaded
    assert loaded.isdisjoint({"torch", "matplotlib", "tensorboard", "stable_baselines3", "pandas"})


def without_the_left_out(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` where nothing is installed that a light installation leaves out."""
    missing = [name.replace("-", "_") for name in LEFT_OUT]
    script = f"import sys\nfor name in {missing}: sys.modules[name] = None\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


def test_environments_need_nothing_that_may_be_left_out() -> None:
    done = without_the_left_out(
        "import gymnasium, mecsim\n"
        "env = gymnasium.make('mecsim/offload-v0', scenario='quickstart')\n"
        "env.reset(seed=0)\n"
        "while not any(env.step(0)[2:4]): pass\n"
        "vector = mecsim.make_vec('quickstart', num_envs=2)\n"
        "vector.reset(seed=0)\n"
        "vector.step(vector.action_space.sample())\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "validate quickstart personalized-quick",
        "simulate quickstart --episodes 1 --num-threads 1",
        "dataset personalized-quick --users 2 --days 2 --out log.csv",
        "policies",
    ],
)
def test_commands_need_nothing_that_may_be_left_out(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = without_the_left_out(f"from mecsim.cli import main\nmain({command.split()})")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("train quickstart --out run", "torch"),
        ("simulate quickstart --policy nsga2 --episodes 1 --num-threads 1", "pymoo"),
        ("sweep greedy --scenario quickstart --out front", "matplotlib"),
    ],
)
def test_what_is_missing_is_named(command: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = without_the_left_out(f"from mecsim.cli import main\nmain({command.split()})")
    assert done.returncode == 1
    assert done.stderr == f"mecsim: this needs {package}, which is not installed: pip install {package}\n"
    assert not [*tmp_path.iterdir()]


def test_a_light_installation_is_documented_as_it_is() -> None:
    """Its list of packages is that of all dependencies without those that are left out."""
    root = REFERENCE.parents[1]
    wanted = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split("[<>=]", entry)[0] for entry in wanted]
    assert set(LEFT_OUT) <= set(names)
    listed = " ".join(name for name in names if name not in LEFT_OUT)
    assert f"pip install {listed}\n" in REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "simulate nowhere",
        "simulate gmorl-e6 --policy nobody",
        "simulate gmorl-e6 --context nothing=1",
        "train nowhere --out run",
        "train gmorl-e6 --out run --set nothing=1",
        "train gmorl-e6 --out run --set learning_rate=fast",
        "train gmorl-e6 --out run --agent nobody",
        "train gmorl-e6 --out run --device nowhere",
        "sweep nobody --scenario gmorl-e6 --out front",
        "sweep nobody greedy --out front",
        "bound gmorl-e6 nobody",
        "compare nobody greedy",
        "choose nowhere",
        "report nowhere",
        "plot nowhere --out front.pdf",
        "export nowhere",
        "settings --agent nobody",
    ],
)
def test_what_is_told_at_once_imports_nothing_heavy(command: str) -> None:
    call = f"from mecsim.cli import main\ntry:\n    main({command.split()})\nexcept SystemExit:\n    pass"
    assert imported_by(call).isdisjoint({"torch", "matplotlib", "numba", "pymoo", "polars", "pint"})


def test_the_environment_is_registered_by_the_import() -> None:
    code = "import mecsim, gymnasium; assert {'mecsim/offload-v0', 'mecsim/cells-v0'} <= set(gymnasium.registry)"
    assert "mecsim" in imported_by(code)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_exist(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(module, "no_such_name")  # noqa: B009


@pytest.mark.parametrize("name", PUBLIC[1:])
def test_all_lists_every_public_name(name: str) -> None:
    """What a package's head imports from its own modules is public."""
    module = importlib.import_module(name)
    own = {
        public
        for public, value in vars(module).items()
        if not public.startswith("_") and getattr(value, "__module__", "").startswith(name)
    }
    assert own <= set(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    section = REFERENCE.read_text(encoding="utf-8").partition("\n## Python API\n")[2]
    assert set(importlib.import_module(name).__all__) <= set(re.findall(r"\w+", section))


def test_public_names_of_the_package() -> None:
    import mecsim
    from mecsim.envs.vector import make_vec
    from mecsim.scenario import Scenario, load_scenario

    assert set(mecsim.__all__) == set(mecsim._PLACES) | {"__version__", "sweep"}
    assert all(getattr(mecsim, name).__name__ == name for name in mecsim._PLACES)
    assert mecsim.make_vec is make_vec
    assert mecsim.load_scenario is load_scenario
    assert mecsim.Scenario is Scenario
    assert mecsim.__version__.count(".") == 2


def imports_of(path: Path, name: str) -> set[str]:
    """The names that a module imports anywhere: on top, in functions, and for type checkers only."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            place = ".".join(part for part in (above, node.module) if part)
            found |= {f"{place}.{alias.name}" for alias in node.names}
    return found


def imports_between(root: Path, package: str) -> dict[str, set[str]]:
    """Module to the modules of the same package that it imports."""
    paths = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (root / package).rglob("*.py")
    }

    def module_of(name: str) -> str:
        """The module that an imported name is, or is in."""
        while name and name not in paths:
            name = name.rpartition(".")[0]
        return name

    return {
        name: {module for found in imports_of(path, name) if (module := module_of(found))} - {name}
        for name, path in paths.items()
    }


@pytest.mark.parametrize("package", ["mecsim", "mecsim_agents"])
def test_no_circles(package: str) -> None:
    """Also none that only type checkers see, or that only a call closes."""
    root = Path(importlib.import_module(package).__path__[0]).parent
    imports = imports_between(root, package)
    assert any(imports.values())
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_circles_are_found(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").write_text("")
    (tmp_path / "house" / "one.py").write_text("def f():\n    from . import two\n")
    (tmp_path / "house" / "two.py").write_text("if TYPE_CHECKING:\n    from house.one import f\n")
    imports = imports_between(tmp_path, "house")
    assert imports["house.one"] == {"house.two"}
    assert imports["house.two"] == {"house.one"}
    with pytest.raises(CycleError):
        TopologicalSorter(imports).prepare()
