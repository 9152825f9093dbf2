"""The catalog, the store, fetch and the models commands; the network is never used."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from edgehands.cli.models import app
from edgehands.errors import (
    ConfigError,
    DeviceError,
    EdgeHandsError,
    InputError,
    ModelError,
    UsageError,
)
from edgehands.models import bundles, store
from edgehands.models.bundles import read_models
from edgehands.models.catalog import SHIPPED, Catalog, read_catalog, shipped_catalog
from edgehands.models.fetch import Fetched, fetch

IDS = ("palm-lite", "palm-full", "light", "full")


def fake_model(model_id: str) -> bytes:
    """20 kB that look like a model and no compressor can shrink."""
    return b"\x1c\0\0\0TFL3" + random.Random(model_id).randbytes(20_000)  # noqa: S311


FAKES = {model_id: fake_model(model_id) for model_id in IDS}


@pytest.fixture(scope="session")
def real_models() -> Path:
    """The folder of the real models, found as a user's would be."""
    states = store.check()
    if bad := [state.problem for state in states if state.path is None or state.status != "ok"]:
        pytest.skip(f"no real models: {bad[0]}")
    assert states[0].path is not None
    return states[0].path.parent


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's models and pip settings out of the tests."""
    monkeypatch.delenv(store.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(store, "SYSTEM_FOLDER", tmp_path / "system")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # no test can reach a network


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip can see."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def catalog() -> Catalog:
    """The shipped catalog with the fakes' hashes."""
    shipped = shipped_catalog()
    models = tuple(
        msgspec.structs.replace(model, sha256=(sha256(FAKES[model.id]), "0" * 64))
        for model in shipped.models
    )
    source = msgspec.structs.replace(shipped.source, wheel_size=100_000)
    return Catalog(source=source, models=models)


@pytest.fixture
def wheel(links: Path, catalog: Catalog) -> Path:
    """A wheel that pip accepts, with the fakes where the real one has the models."""
    return make_wheel(links, catalog, FAKES)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(zipped(members))
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def make_wheel(folder: Path, catalog: Catalog, contents: dict[str, bytes]) -> Path:
    info = "mediapipe-0.10.21.dist-info"
    members = {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
        b"Tag: cp312-cp312-manylinux_2_28_x86_64\n",
        f"{info}/RECORD": b"",
        "mediapipe/__init__.py": b"raise SystemExit('the wheel is never imported')\n",
        "mediapipe/modules/face/face.tflite": fake_model("another"),
    }
    members |= {catalog.get(each).member: content for each, content in contents.items()}
    return make_zip(folder / catalog.source.wheel, members)


def put_models(folder: Path, catalog: Catalog, ids: tuple[str, ...] = IDS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for model_id in ids:
        (folder / catalog.get(model_id).file).write_bytes(FAKES[model_id])
    return folder


def is_complete(folder: Path, catalog: Catalog) -> bool:
    """Whether the folder has the four models and nothing else."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    return contents == {model.file: FAKES[model.id] for model in catalog.models}


def one_line(raised: pytest.ExceptionInfo[EdgeHandsError]) -> str:
    message = str(raised.value)
    assert "\n" not in message
    return message


def run_child(script: str, catalog: Catalog, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python that runs `script` after a preamble with `catalog`, `fetch` and `argv`."""
    preamble = """
        import os, resource, signal, sys
        import msgspec
        from edgehands.models.catalog import Catalog
        from edgehands.models.fetch import fetch
        argv = sys.argv[2:]
        catalog = msgspec.json.decode(sys.argv[1], type=Catalog)
    """
    code = textwrap.dedent(preamble) + textwrap.dedent(script)
    return subprocess.Popen(
        [sys.executable, "-c", code, msgspec.json.encode(catalog).decode(), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )


def wait_for(path: Path) -> str:
    """Return the text of a file that a child will write."""
    for _ in range(500):
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


# The catalog.


def test_shipped_catalog_has_the_four_models_and_pairs_them() -> None:
    models = shipped_catalog().models
    assert tuple(model.id for model in models) == IDS
    assert {model.id: model.palm for model in models if model.role == "landmarks"} == {
        "light": "palm-lite",
        "full": "palm-full",
    }
    hashes = [each for model in models for each in model.sha256]
    assert len(set(hashes)) == len(hashes)


def test_shipped_catalog_describes_the_real_files(real_models: Path) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    for model_id in IDS:
        model = store.load(model_id, real_models)
        runtime = interpreter.Interpreter(model_content=model.data)
        (image,) = runtime.get_input_details()
        assert tuple(image["shape"]) == (1, model.input_size, model.input_size, 3)
        found = [(each["name"], tuple(each["shape"][1:])) for each in runtime.get_output_details()]
        assert found == [(output.tensor, output.shape) for output in model.outputs]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("licence =", "license =", "unknown field `license`"),
        ('palm = "palm-full"', 'palm = "palm-fat"', "'full' has palm = 'palm-fat'"),
        ('id = "full"', 'id = "light"', "the same id"),
        ('"hand_detector.tflite"', '"hand_landmark_lite.tflite"', "the same file name"),
        ('file = "hand_landmark_full.tflite"', 'file = "../full.tflite"', "`$.model[3].file`"),
        ("11c272b8", "11C272B8", "`$.model[3].sha256[0]`"),
        ("\n[source]\n", "\n[source\n", "at line"),
    ],
)
def test_mistake_in_a_catalog_is_one_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SHIPPED.read_text()
    assert old in text
    path = tmp_path / "catalog.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        read_catalog(path)
    assert told in one_line(raised)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fulll", "did you mean 'full'? choose"),
        ("heavy", "choose palm-lite, palm-full, light, full"),
    ],
)
def test_unknown_model_is_told_the_choices(name: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        store.load(name)
    assert told in one_line(raised)


# The store.


def test_store_needs_no_heavy_import() -> None:
    code = (
        "import sys, edgehands.models.store, edgehands.models.fetch; "
        "print(*{'cv2', 'numpy', 'rich', 'typer', 'ai_edge_litert'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_models_folder_is_imported_by_one_name_only() -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", "import models"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert "'models' is edgehands.models" in done.stderr


def test_load_returns_verified_bytes(tmp_path: Path, catalog: Catalog) -> None:
    put_models(tmp_path, catalog)
    model = store.load("full", tmp_path, catalog=catalog)
    assert model.data == FAKES["full"]
    assert model.sha256 == sha256(FAKES["full"])
    assert (model.role, model.input_size) == ("landmarks", 224)
    assert [output.name for output in model.outputs] == [
        *("landmarks", "presence", "handedness", "world")
    ]


def test_search_path_order(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.ENVIRONMENT_VARIABLE, str(tmp_path / "variable"))
    explicit = tmp_path / "explicit"
    folders = [
        explicit,
        tmp_path / "variable",
        tmp_path / "system",
        tmp_path / "xdg" / "edgehands" / "models",
    ]
    assert list(store.search_path(explicit)) == folders
    for folder in reversed(folders):
        put_models(folder, catalog)
        found = store.find("light", explicit, catalog=catalog)
        assert found == folder / "hand_landmark_lite.tflite"


def test_data_folder_follows_the_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / ".local" / "share" / "edgehands" / "models"
    for useless in ("", "relative"):
        monkeypatch.setenv("XDG_DATA_HOME", useless)
        assert store.user_folder() == own
    monkeypatch.delenv("XDG_DATA_HOME")
    assert store.user_folder() == own


def test_missing_model_names_file_and_folders(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(ModelError) as raised:
        store.load("full", tmp_path / "explicit", catalog=catalog)
    message = one_line(raised)
    assert message.startswith(
        f"model 'full' (hand_landmark_full.tflite) is in none of {tmp_path / 'explicit'}, "
    )
    assert message.endswith("run `edgehands models fetch`")


def test_altered_file_is_refused_though_a_good_one_follows(
    tmp_path: Path, catalog: Catalog
) -> None:
    put_models(tmp_path / "system", catalog)
    bad = put_models(tmp_path / "explicit", catalog) / "hand_landmark_full.tflite"
    bad.write_bytes(b"bad")
    with pytest.raises(ModelError) as raised:
        store.load("full", bad.parent, catalog=catalog)
    message = one_line(raised)
    for part in (str(bad), "3 bytes", sha256(b"bad"), sha256(FAKES["full"]), "0" * 64):
        assert part in message
    assert f"`edgehands models fetch --models {bad.parent}`" in message


@pytest.mark.parametrize("model_id", IDS)
def test_single_byte_mutants_are_refused(tmp_path: Path, catalog: Catalog, model_id: str) -> None:
    refuses_mutants(tmp_path, FAKES[model_id], model_id, catalog)


@pytest.mark.parametrize("model_id", IDS)
def test_mutants_of_the_real_models_are_refused(
    tmp_path: Path, real_models: Path, model_id: str
) -> None:
    good = store.find(model_id, real_models).read_bytes()
    assert len(refusals(tmp_path, good, model_id, 60)) == 60


@pytest.mark.system
@pytest.mark.parametrize("model_id", IDS)
def test_400_mutants_of_the_real_models_are_refused_in_50_ms(
    tmp_path: Path, real_models: Path, model_id: str
) -> None:
    good = store.find(model_id, real_models).read_bytes()
    seconds = refusals(tmp_path, good, model_id, 400)
    assert len(seconds) == 400
    assert statistics.median(seconds) <= 0.05


def refusals(folder: Path, good: bytes, model_id: str, count: int) -> list[float]:
    """Show the store `count` mutants of a real model; return the seconds of each refusal."""
    path = folder / shipped_catalog().get(model_id).file
    chance = random.Random(7)  # noqa: S311
    seconds = []
    for number in range(count):
        path.write_bytes(mutated(good, number, chance))
        before = time.perf_counter()
        with pytest.raises(store.AlteredError, match="has sha256"):
            store.load(model_id, folder)
        seconds.append(time.perf_counter() - before)
    return seconds


def mutated(good: bytes, number: int, chance: random.Random) -> bytes:
    """Change one byte, cut the end off, or swap two blocks, in turn."""
    kind, place = number % 3, chance.randrange(len(good))
    if kind == 0:
        return good[:place] + bytes([good[place] ^ chance.randrange(1, 256)]) + good[place + 1 :]
    if kind == 1:
        return good[:place]
    block, half = 4096, len(good) // 2
    first = chance.randrange(half - block)
    second = chance.randrange(half, len(good) - block)
    mutant = bytearray(good)
    mutant[first : first + block] = good[second : second + block]
    mutant[second : second + block] = good[first : first + block]
    assert mutant != good
    return bytes(mutant)


def refuses_mutants(folder: Path, good: bytes, model_id: str, catalog: Catalog) -> None:
    path = folder / catalog.get(model_id).file
    chance = random.Random(7)  # noqa: S311
    for _ in range(50):
        mutant = bytearray(good)
        mutant[chance.randrange(len(good))] ^= chance.randrange(1, 256)
        path.write_bytes(mutant)
        with pytest.raises(ModelError):
            store.load(model_id, folder, catalog=catalog)
    path.write_bytes(good)
    assert store.load(model_id, folder, catalog=catalog).data == good


def test_truncated_file_is_refused(tmp_path: Path, catalog: Catalog) -> None:
    path = put_models(tmp_path, catalog) / "hand_landmark_full.tflite"
    path.write_bytes(FAKES["full"][:-1])
    with pytest.raises(ModelError, match=f"{len(FAKES['full']) - 1} bytes"):
        store.load("full", tmp_path, catalog=catalog)


@pytest.mark.parametrize("kind", ["folder", "pipe", "large", "closed"])
def test_unreadable_file_is_one_line(tmp_path: Path, catalog: Catalog, kind: str) -> None:
    path = tmp_path / "hand_landmark_full.tflite"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(store.MAX_MODEL_BYTES + 1)
    else:
        path.touch(mode=0o000)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    with pytest.raises(ModelError) as raised:
        store.load("full", tmp_path, catalog=catalog)
    assert f"cannot read {path}: " in one_line(raised)
    assert store.check(tmp_path, catalog=catalog)[3].status == "unreadable"


def test_check_tells_the_state_of_each(tmp_path: Path, catalog: Catalog) -> None:
    put_models(tmp_path, catalog, ("palm-lite", "full"))
    (tmp_path / "hand_landmark_full.tflite").write_bytes(b"")
    states = store.check(tmp_path, catalog=catalog)
    assert [(state.model.id, state.status) for state in states] == [
        ("palm-lite", "ok"),
        ("palm-full", "missing"),
        ("light", "missing"),
        ("full", "altered"),
    ]


# Sources that the user has.


def test_wheel_file_needs_no_pip(tmp_path: Path, catalog: Catalog, wheel: Path) -> None:
    fetched = fetch(tmp_path / "to", wheel, catalog=catalog, python="/nonexistent")
    assert fetched == Fetched(tmp_path / "to", installed=IDS, present=(), missing=())
    assert is_complete(tmp_path / "to", catalog)


def test_models_are_known_by_content_not_by_name(tmp_path: Path, catalog: Catalog) -> None:
    source = make_zip(tmp_path / "any.zip", {f"x/{n}": d for n, d in enumerate(FAKES.values())})
    assert read_models(source, catalog) == FAKES


def test_member_without_a_name_is_read(tmp_path: Path, catalog: Catalog) -> None:
    source = tmp_path / "x.task"
    source.write_bytes(zipped({"ABC": FAKES["light"]}).replace(b"ABC", b"\0BC"))
    assert read_models(source, catalog) == {"light": FAKES["light"]}


def test_one_file_and_a_folder(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "a").write_bytes(FAKES["light"])
    (folder / "notes.txt").write_bytes(b"PK\x03\x04 is how a zip begins")
    make_zip(folder / "b.task", {"hand_detector.tflite": FAKES["palm-full"]})
    assert read_models(folder / "a", catalog) == {"light": FAKES["light"]}
    assert read_models(folder, catalog) == {each: FAKES[each] for each in ("light", "palm-full")}


def test_task_bundle_gives_two_and_tells_the_rest(tmp_path: Path, catalog: Catalog) -> None:
    bundle = {
        "hand_detector.tflite": FAKES["palm-full"],
        "hand_landmarks_detector.tflite": FAKES["full"],
    }
    nested = {"hand_landmarker.task": zipped(bundle), "hand_gesture_recognizer.task": zipped({})}
    for name, members in (("hand_landmarker", bundle), ("gesture_recognizer", nested)):
        folder = tmp_path / name
        fetched = fetch(folder, make_zip(tmp_path / f"{name}.task", members), catalog=catalog)
        assert fetched == Fetched(folder, ("palm-full", "full"), (), ("palm-lite", "light"))
        assert sorted(path.name for path in folder.iterdir()) == [
            "hand_landmark_full.tflite",
            "palm_detection_full.tflite",
        ]


@pytest.mark.parametrize("name", ["hand_landmark_full.tflite", "hand_landmarks_detector.tflite"])
def test_known_name_with_wrong_content_keeps_nothing(
    tmp_path: Path, catalog: Catalog, name: str
) -> None:
    members = {"a.tflite": FAKES["light"], f"sub/{name}": b"bad", "z.tflite": FAKES["full"]}
    source = make_zip(tmp_path / "x.task", {"inner.task": zipped(members)})
    with pytest.raises(ModelError) as raised:
        fetch(tmp_path / "to", source, catalog=catalog)
    message = one_line(raised)
    assert message.startswith(f"{source}/inner.task/sub/{name} (3 bytes) has ")
    for part in (sha256(b"bad"), sha256(FAKES["full"]), "'full'", "nothing was kept"):
        assert part in message
    assert not (tmp_path / "to").exists()


def test_unusable_sources_are_one_line(tmp_path: Path, catalog: Catalog, wheel: Path) -> None:
    truncated = tmp_path / "truncated.whl"
    truncated.write_bytes(wheel.read_bytes()[:-1000])
    text = tmp_path / "text.tflite"
    text.write_text("not a model")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for source, told in (
        (tmp_path / "absent.whl", "No such file"),
        (truncated, "not a zip file"),
        (text, "is neither a wheel, a .task bundle nor a .tflite model"),
        (pipe, "is neither a file nor a folder"),
        (text / "below", "Not a directory"),
    ):
        with pytest.raises(InputError) as raised:
            fetch(tmp_path / "to", source, catalog=catalog)
        assert told in one_line(raised)
        assert str(source) in str(raised.value)
    stranger = tmp_path / "stranger.tflite"
    stranger.write_bytes(fake_model("stranger"))
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, told in ((stranger, sha256(fake_model("stranger"))), (empty, "holds none of")):
        with pytest.raises(ModelError) as refused:
            fetch(tmp_path / "to", source, catalog=catalog)
        assert told in one_line(refused)
    assert not (tmp_path / "to").exists()


def test_zip_bomb_is_refused(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = {"hand_landmark_full.tflite": bytes(store.MAX_MODEL_BYTES + 1)}
    with pytest.raises(InputError, match="larger than 64 MB"):
        read_models(make_zip(tmp_path / "one.task", huge), catalog)
    monkeypatch.setattr(bundles, "MAX_BYTES", 100_000)
    many = {f"{n}.tflite": fake_model(str(n)) for n in range(6)}
    with pytest.raises(InputError, match="no bundle has that"):
        read_models(make_zip(tmp_path / "many.task", many), catalog)


def test_damaged_bundles_never_give_a_wrong_model(tmp_path: Path, catalog: Catalog) -> None:
    good = zipped({"in.task": zipped({"a.tflite": FAKES["full"][:60]}), "b": FAKES["light"]})
    chance = random.Random(3)  # noqa: S311
    path = tmp_path / "damaged.task"
    messages = []
    for _ in range(300):
        mutant = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            # Half of the damage goes to the directory at the end.
            start = chance.choice([0, len(good) - 120])
            mutant[chance.randrange(start, len(good))] = chance.randrange(256)
        path.write_bytes(mutant)
        try:
            found = read_models(path, catalog)
        except EdgeHandsError as error:
            messages.append(str(error))
        else:
            assert found == {"light": FAKES["light"]}
    assert 50 < len(messages) < 300
    assert "\n" not in "".join(messages)


# Through pip.


def test_pip_download_reports_progress_and_is_done_once(
    tmp_path: Path, catalog: Catalog, wheel: Path
) -> None:
    folder = tmp_path / "to"
    reports: list[tuple[int, int]] = []
    fetched = fetch(folder, catalog=catalog, progress=lambda *report: reports.append(report))
    assert fetched == Fetched(folder, installed=IDS, present=(), missing=())
    assert is_complete(folder, catalog)
    assert reports[0] == (0, 100_000)
    assert reports[-1] == (100_000, 100_000)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o666 & ~umask()}

    wheel.unlink()  # from here on, any download would fail
    reports.clear()
    again = fetch(folder, catalog=catalog, progress=lambda *report: reports.append(report))
    assert again == Fetched(folder, installed=(), present=IDS, missing=())
    assert reports == []


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.usefixtures("wheel")
def test_altered_and_missing_files_are_replaced(tmp_path: Path, catalog: Catalog) -> None:
    put_models(tmp_path / "to", catalog, ("palm-lite", "full"))
    (tmp_path / "to" / "hand_landmark_full.tflite").write_bytes(b"bad")
    fetched = fetch(tmp_path / "to", catalog=catalog)
    assert fetched.present == ("palm-lite",)
    assert fetched.installed == ("palm-full", "light", "full")
    assert is_complete(tmp_path / "to", catalog)


@pytest.mark.usefixtures("wheel")
def test_destination_follows_the_variable_then_the_data_folder(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put_models(tmp_path / "xdg" / "edgehands" / "models", catalog)
    assert fetch(catalog=catalog).folder == folder
    monkeypatch.setenv(store.ENVIRONMENT_VARIABLE, str(tmp_path / "variable"))
    put_models(tmp_path / "variable", catalog)
    assert fetch(catalog=catalog).folder == tmp_path / "variable"


def test_altered_wheel_from_pip_keeps_nothing(
    tmp_path: Path, catalog: Catalog, links: Path
) -> None:
    make_wheel(links, catalog, {**FAKES, "full": b"bad"})
    with pytest.raises(ModelError, match=sha256(b"bad")):
        fetch(tmp_path / "to", catalog=catalog)
    assert list((tmp_path / "to").iterdir()) == []


def test_failed_download_is_one_line_with_the_other_way(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(DeviceError) as raised:
        fetch(tmp_path / "to", catalog=catalog)
    message = one_line(raised)
    assert "ERROR: No matching distribution found for mediapipe==0.10.21" in message
    assert f"`edgehands models fetch --from {catalog.source.wheel}`" in message
    assert list((tmp_path / "to").iterdir()) == []


def test_no_network_is_told_as_such(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(DeviceError, match=r"no connection: .*Connection refused"):
        fetch(tmp_path / "to", catalog=catalog)


def test_no_pip_is_one_line_with_the_other_way(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)  # it may lead to a pip
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    for python in (str(bare / "bin" / "python"), str(tmp_path / "absent"), ""):
        with pytest.raises(DeviceError) as raised:
            fetch(tmp_path / "to", catalog=catalog, python=python)
        message = one_line(raised)
        assert "has no pip: run `" in message
        assert f"{python or 'python3'} -m ensurepip" in message
        assert f"--from {catalog.source.wheel}" in message


@pytest.fixture
def slow_pip(tmp_path: Path, wheel: Path) -> Path:
    """A Python whose pip writes half the wheel, then waits for the file `go`, 10 s at most."""
    script = tmp_path / "slow-python"
    script.write_text(
        "#!/bin/sh\n"
        f'echo $$ > "{tmp_path}/pid.new"; mv "{tmp_path}/pid.new" "{tmp_path}/pid"\n'
        f'head -c 50000 "{wheel}" > "$TMPDIR/half"\n'
        f'for i in $(seq 500); do [ -e "{tmp_path}/go" ] && break; sleep 0.02; done\n'
        f'cp "{wheel}" "$TMPDIR/"\n'
    )
    script.chmod(0o755)
    return script


def test_progress_shows_what_has_arrived(tmp_path: Path, catalog: Catalog, slow_pip: Path) -> None:
    reports: list[int] = []

    def report(done: int, _total: int) -> None:
        reports.append(done)
        if done == 50_000:
            (tmp_path / "go").touch()

    fetch(tmp_path / "to", catalog=catalog, progress=report, python=str(slow_pip))
    assert 50_000 in reports
    assert reports[-1] == 100_000


FETCH = """
    try:
        fetched = fetch(argv[0], catalog=catalog, python=argv[1])
        print(len(fetched.installed), len(fetched.present))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.mark.usefixtures("wheel")
def test_two_at_once_download_once(tmp_path: Path, catalog: Catalog, slow_pip: Path) -> None:
    folder = tmp_path / "to"
    first = run_child(FETCH, catalog, folder, slow_pip)
    wait_for(tmp_path / "pid")
    second = run_child(FETCH, catalog, folder, "/nonexistent")  # it must not need its pip
    said = second.stderr
    assert said is not None
    assert said.readline() == f"another fetch works in {folder}: waiting for it\n"
    (tmp_path / "go").touch()
    assert first.communicate(timeout=10)[0] == "4 0\n"
    assert second.communicate(timeout=10)[0] == "0 4\n"
    assert is_complete(folder, catalog)


def test_many_at_once_with_the_real_pip(tmp_path: Path, catalog: Catalog, wheel: Path) -> None:
    assert wheel.exists()
    children = [run_child(FETCH, catalog, tmp_path / "to", sys.executable) for _ in range(3)]
    assert sorted(child.communicate(timeout=20)[0] for child in children) == [
        *("0 4\n", "0 4\n", "4 0\n")
    ]
    assert is_complete(tmp_path / "to", catalog)


def test_ctrl_c_leaves_nothing_and_ends_pip(
    tmp_path: Path, catalog: Catalog, slow_pip: Path
) -> None:
    folder = tmp_path / "to"
    script = """
        def report(done, _total):
            if done:  # from here on, it waits for pip
                print("at work", flush=True)
        fetch(argv[0], catalog=catalog, python=argv[1], progress=report)
    """
    child = run_child(script, catalog, folder, slow_pip)
    assert child.stdout is not None
    assert child.stdout.readline() == "at work\n"
    pip = int(wait_for(tmp_path / "pid"))
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=10)[1]
    assert list(folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pip, 0)


DIE = """
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)
    calls = {"fsync": os.fsync, "rename": os.rename}
    count = int(argv[3])
    def dying(real):
        def call(*arguments):
            global count
            count -= 1
            return die() if count < 0 else real(*arguments)
        return call
    if argv[2] == "write":  # the kernel kills in the middle of a write beyond the limit
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))
    else:
        os.fsync = dying(os.fsync)
    fetch(argv[0], argv[1], catalog=catalog)
"""


@pytest.mark.parametrize(
    ("moment", "count"), [("write", 12_000), *[("fsync", count) for count in (0, 1, 2, 7)]]
)
def test_kill_leaves_no_wrong_file(
    tmp_path: Path, catalog: Catalog, wheel: Path, moment: str, count: int
) -> None:
    folder = tmp_path / "to"
    child = run_child(DIE, catalog, folder, wheel, moment, count)
    child.communicate(timeout=10)
    assert child.returncode == (-signal.SIGXFSZ if moment == "write" else -signal.SIGKILL)
    assert [path for path in folder.iterdir() if path.is_dir()] != []  # it died at work
    states = store.check(folder, catalog=catalog)
    assert {state.status for state in states} <= {"ok", "missing"}
    assert fetch(folder, wheel, catalog=catalog).missing == ()
    assert is_complete(folder, catalog)


def test_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, catalog: Catalog, wheel: Path
) -> None:
    script = """
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))
        try:
            fetch(argv[0], argv[1], catalog=catalog)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    """
    output, errors = run_child(script, catalog, tmp_path / "to", wheel).communicate(timeout=10)
    assert errors == ""
    assert output.startswith(f"ModelError: cannot keep models in {tmp_path / 'to'}: File too large")
    assert output.count("\n") == 1
    assert list((tmp_path / "to").iterdir()) == []


def test_folder_that_cannot_be_used_is_one_line(
    tmp_path: Path, catalog: Catalog, wheel: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "to" / "hand_landmark_full.tflite").mkdir(parents=True)
    for folder in (file, file / "below", Path("/proc/edgehands"), tmp_path / "to"):
        with pytest.raises(ModelError) as raised:
            fetch(folder, wheel, catalog=catalog)
        assert one_line(raised).startswith(f"cannot keep models in {folder}: ")


# The commands.


def test_list_command(real_models: Path) -> None:
    result = CliRunner().invoke(app, ["list", "--models", str(real_models)])
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    row = "full landmarks 224×224 2.72 M 331 M hand_landmark_full.tflite ok"
    assert row in [" ".join(line) for line in rows]


def test_list_command_without_models_and_as_json() -> None:
    result = CliRunner().invoke(app, ["list", "--json"])
    assert result.exit_code == 0
    listed = json.loads(result.stdout)
    assert [(each["id"], each["state"], each["path"]) for each in listed] == [
        (model_id, "missing", None) for model_id in IDS
    ]
    assert listed[3]["paper"]["params"] == 1_980_000


def test_fetch_and_check_commands(tmp_path: Path, real_models: Path) -> None:
    folder = str(tmp_path / "to")
    fetched = CliRunner().invoke(app, ["fetch", "--models", folder, "--from", str(real_models)])
    assert fetched.exit_code == 0
    assert [line.split() for line in fetched.stdout.splitlines()] == [[i, "fetched"] for i in IDS]
    pruned = {path.name.partition("-")[0] for path in Path(folder, "derived").glob("*-pruned-*")}
    assert pruned == {"light", "full"}
    assert CliRunner().invoke(app, ["check", "--models", folder]).exit_code == 0
    again = CliRunner().invoke(app, ["fetch", "--models", folder])
    assert again.exit_code == 0
    assert f"nothing to do: {folder} has all the models" in again.stderr

    light = tmp_path / "to" / "hand_landmark_lite.tflite"
    light.write_bytes(b"bad")
    checked = CliRunner().invoke(app, ["check", "--models", folder])
    assert isinstance(checked.exception, ModelError)
    assert [line.split()[:2] for line in checked.stdout.splitlines()] == [
        *(["palm-lite", "ok"], ["palm-full", "ok"], ["light", "altered"], ["full", "ok"])
    ]
    assert f"1 of 4 models cannot be used: model 'light': {light} (3 bytes)" in str(
        checked.exception
    )


def test_fetch_command_says_one_line_where_there_is_no_terminal(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fetch", "--models", str(tmp_path / "to")])
    assert isinstance(result.exception, DeviceError)
    assert result.stderr == "edgehands: downloading mediapipe==0.10.21, 36 MB, through pip\n"
    assert result.stdout == ""
