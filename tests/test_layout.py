"""The house keeps its order: who may import whom, what is lazy, and that the links are links."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "edgehands"

# From the bottom up. A module may import its own layer and those below, never one above.
LAYERS = (
    {
        "_version",
        "errors",
        "closing",
        "folders",
        "hand",
        "frame",
        "settings",
        "health",
        "control",
        "masking",
        "redaction",
        "messages",
        "logs",
        "passwords",
        "notify",
        "pulse",
        "heat",
    },
    {
        "geometry",
        "palm",
        "landmarks",
        "smoothing",
        "detection",
        "report",
        "vitals",
        "views",
        "tracks",
        "search",
        "stillness",
        "tiles",
    },
    {"inference", "selection", "isolated", "probe", "probe_child", "verdict"},
    {"models", "imaging", "drawing"},
    {"stages", "gestures"},
    {"tracker", "events"},
    {"cameras", "outputs", "mqtt", "synthetic", "interpreter", "recording", "monitor"},
    {
        *("schema", "steering", "toml_places", "toml_text", "toml_edit", "web_settings"),
        *("summary", "agreement"),
    },
    {"config_secrets", "config_text", "config_tables", "config_mistakes"},
    {"config", "config_files", "config_schema", "config_shown", "network"},
    {
        *("replay", "explain", "verify", "tuning", "doctor", "web"),
        *("calibration", "int8_gate", "quantising"),
    },
    {"service", "learning", "compat", "support", "installation", "setup"},
    {"cli", "__main__", "benchmarks"},
)
# Each library, and the only places that may import it when they are imported themselves.
HOMES = {
    "cv2": (
        *("imaging", "cameras.", "synthetic.", "benchmarks.films."),
        *("drawing.", "outputs.video", "outputs.contact_sheet", "web.pictures"),
    ),
    "ai_edge_litert": (),
    "ai_edge_quantizer": (),
    "tflite_runtime": (),
    "openvino": (),
    "onnx": (),
    "onnxruntime": (),
    "flatbuffers": (),
    "paho": ("mqtt.connection",),
    "aiohttp": ("web.server", "web.viewers"),
    "prometheus_client": ("monitor.metrics",),
    "typer": ("cli.", "benchmarks."),
    "rich": ("cli.", "benchmarks."),
}


# One of our own modules in a string, alone or with what is wanted of it; edgehands.toml is a file.
WRITTEN = re.compile(r"edgehands(\.(?!toml\b)\w+)+(:\w+)?")


def modules() -> list[tuple[str, Path]]:
    """Every module of the package by its dotted name below `edgehands`."""
    found = []
    for folder in (PACKAGE, *(PACKAGE / name for name in linked_folders())):
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(PACKAGE)
            found.append((".".join(inside.with_suffix("").parts), path))
    return sorted(set(found))


def linked_folders() -> list[str]:
    return [path.name for path in PACKAGE.iterdir() if path.is_symlink()]


def top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def layer(module: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if top(module) in names)


def imports(path: Path, *, at_import_time: bool) -> set[str]:
    """Absolute names that a file imports; with `at_import_time`, only outside functions.

    A name that is only written down, for `import_module` or as "module:function", counts as an
    import inside a function.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set() if at_import_time else {written.partition(":")[0] for written in by_name(tree)}

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if at_import_time and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(child, ast.Import):
                names.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                names.add(child.module)
                names.update(f"{child.module}.{alias.name}" for alias in child.names)
            visit(child)

    visit(tree)
    return names


def by_name(tree: ast.AST) -> set[str]:
    """The modules that a file names in strings: for `import_module`, or as "module:function"."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if WRITTEN.fullmatch(node.value):
                found.add(node.value)
        elif isinstance(node, ast.Call) and node.args and "import_module" in ast.dump(node.func):
            (name, *_) = node.args
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value)
    return found


def test_every_module_has_a_layer() -> None:
    known = set().union(*LAYERS) | {"backends", "__init__"}
    assert {top(name) for name, _ in modules()} <= known


def test_no_module_imports_from_a_layer_above() -> None:
    wrong = []
    for name, path in modules():
        if top(name) in {"__init__", "backends"}:
            continue
        for imported in imports(path, at_import_time=False):
            inside = imported.removeprefix("edgehands.")
            if inside == imported or top(inside) == "backends":
                continue
            if not any(top(inside) in names for names in LAYERS):
                continue  # a name of the package itself, such as edgehands.open_camera
            if layer(inside) > layer(name):
                wrong.append(f"{name} imports {imported}")
    assert not wrong


def test_what_is_imported_by_name_is_there() -> None:
    wrong = []
    for name, path in modules():
        for written in by_name(ast.parse(path.read_text(encoding="utf-8"))):
            module, _, attribute = written.partition(":")
            if top(module) != "edgehands":
                continue
            if importlib.util.find_spec(module) is None:
                wrong.append(f"{name} names {written}, and there is no such module")
            elif attribute and not hasattr(importlib.import_module(module), attribute):
                wrong.append(f"{name} names {written}, and {module} has no such thing")
    assert not wrong


# The contract and the errors; where a cache may lie; the try in another process, without which some
# are not opened; and tflite, whose relatives share its interpreter and its delegates.
FOR_BACKENDS = ("errors.", "folders.", "inference.", "selection.", "probe.", "backends.tflite.")


def test_a_backend_imports_only_the_contract_and_its_helpers() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules()
        if top(name) == "backends"
        for imported in imports(path, at_import_time=False)
        if imported.startswith("edgehands.")
        and imported != "edgehands.backends"  # as in: from edgehands.backends import tflite
        and not f"{imported.removeprefix('edgehands.')}.".startswith(FOR_BACKENDS)
    ]
    assert not wrong


def test_libraries_are_imported_only_where_they_live() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in modules()
        for imported in imports(path, at_import_time=True)
        if top(imported) in HOMES
        and not any(
            name == home or (home.endswith(".") and f"{name}.".startswith(home))
            for home in HOMES[top(imported)]
        )
    ]
    assert not wrong


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = python("import sys, edgehands; print(*sys.modules)").split()
    heavy = {"numpy", "cv2", "msgspec", "typer", "rich", "paho", "aiohttp", "ai_edge_litert"}
    assert not heavy & {top(name) for name in loaded}
    assert [name for name in loaded if name.startswith("edgehands.")] == ["edgehands._version"]


def test_every_public_name_can_be_reached() -> None:
    python("import edgehands; [getattr(edgehands, name) for name in edgehands.__all__]")


def test_importing_tracker_and_config_loads_no_runtime_and_no_broker() -> None:
    loaded = python(
        "import sys, edgehands.tracker, edgehands.config, edgehands.service; print(*sys.modules)"
    ).split()
    assert not {"ai_edge_litert", "tflite_runtime", "paho", "aiohttp", "typer"} & {
        top(name) for name in loaded
    }


@pytest.mark.parametrize("name", ["backends", "models", "benchmarks"])
def test_a_linked_folder_refuses_any_other_name(name: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", f"import {name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert f"'{name}' is edgehands.{name}: import it by that name" in answer.stderr


def test_the_linked_folders_are_relative_links() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    for name in ("backends", "models", "benchmarks", "systemd"):
        link = PACKAGE / name
        assert link.is_symlink(), f"{link} became a file: clone with git's core.symlinks on"
        assert link.readlink() == Path("..") / name


def test_a_checkout_whose_links_became_text_says_so(tmp_path: Path) -> None:
    package = tmp_path / "edgehands"
    package.mkdir()
    for name in ("__init__.py", "_version.py"):
        (package / name).write_bytes((PACKAGE / name).read_bytes())
    (package / "models").write_text("../models")
    answer = subprocess.run(
        [sys.executable, "-c", "import edgehands"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert "links became text files: clone again with `git -c core.symlinks" in answer.stderr


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
