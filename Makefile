# Everything a newcomer or a developer types. `make demo` and `make test` need only Python and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Four processes, even on two cores, since many tests wait; the tests of one file stay together.
IN_TURNS := -n 4 --dist loadfile
SOURCES := backends benchmarks edgehands models tests tools

.PHONY: demo test test-mqtt test-system test-arm64 test-roots test-guest soak test-gpu check docs format build wheel lock accuracy parity clean

demo: $(VENV)/.installed
	$(BIN)/edgehands models fetch
	$(BIN)/edgehands demo --out out/demo

test: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest $(IN_TURNS) -m "not system and not gpu"

# Events over a real broker, which is killed, frozen and lied about: apt install mosquitto.
test-mqtt: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest tests/test_mqtt*.py tests/test_home_assistant.py -m "not system"

# What takes longer, or needs more of the machine than its processes. The service is installed on a
# Debian of its own: root, apt install systemd-container mmdebstrap. The long form is
# EDGEHANDS_TEST_KILLS=100 EDGEHANDS_TEST_MINUTES=10 make test-system.
test-system: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest -m system --ignore tests/test_guest.py

# The wheel on an emulated Raspberry Pi 4 and 5; root, apt install qemu-user-static mmdebstrap.
test-arm64: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest tests/test_arm64.py

# The README's words in fresh Debian roots, x86-64 and emulated; root and the same packages. Half an
# hour on a busy machine, most of it emulated.
test-roots: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest tests/test_roots.py

# A whole Debian in QEMU, whose camera is unplugged and whose power fails; root, 40 minutes:
# apt install qemu-system-x86 systemd-container mmdebstrap mosquitto.
test-guest: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m pytest -s tests/test_guest.py

# An hour of service with a fault every two minutes, into benchmarks/results/; apt install mosquitto.
soak: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m edgehands.benchmarks.soak

# The GPU backend, on the software Vulkan driver of Debian's chromium where VULKAN_DRIVER names no
# other: apt install chromium libvulkan1. An empty VULKAN_DRIVER takes the machine's own.
VULKAN_DRIVER ?= /usr/lib/chromium/vk_swiftshader_icd.json

test-gpu: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(if $(VULKAN_DRIVER),VK_ICD_FILENAMES=$(VULKAN_DRIVER)) $(BIN)/python -m pytest \
		tests/test_litert_gpu.py tests/test_backends.py tests/test_selection.py -k litert

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

# The site, into build/site: strict, so that a broken link fails.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m tools.docs

format: $(VENV)/.installed-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

build: wheel
	$(BIN)/python -m build --sdist --no-isolation

# The same bytes from the same commit, whoever builds it.
wheel: $(VENV)/.installed-dev
	$(BIN)/python -m tools.wheel dist

# What the service is installed from, by hash, and its bill of materials, into systemd/.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m tools.lock

# The accuracy table of the README and its long form, into benchmarks/results/.
accuracy: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m edgehands.benchmarks.accuracy
	$(BIN)/python -m edgehands.benchmarks.bench.accuracy_report

# How near it is to MediaPipe, and its runtimes to one another, on a real clip in $EDGEHANDS_MEDIA.
parity: $(VENV)/.installed-dev
	$(BIN)/edgehands models fetch
	$(BIN)/python -m edgehands.benchmarks.parity

clean:
	rm -rf $(VENV) out build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 10) else "EdgeHands needs Python 3.10 or newer, $(PYTHON) is %d.%d: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)

# The stamps make the second time work offline.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]" $(EXTRA_REQUIREMENTS)
	@touch $@ $(VENV)/.installed
