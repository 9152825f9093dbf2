"""The bill of materials of a release: CycloneDX 1.6, the same bytes from the same lock."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgehands import __version__
from edgehands.models.catalog import Model, shipped_catalog
from tools.resolution import Package, Release, wanted_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Words that are no SPDX identifier go in as a name.
_SPDX_WORDS = {"AND", "OR", "WITH", "0BSD", "ISC", "MIT"}


def describe(release: Release, packages: Mapping[str, Package], wanted: Iterable[str]) -> str:
    """Return the document: EdgeHands, what it is locked to on that release, and its models.

    Args:
        release: the Debian release.
        packages: everything of its lock, by name, the extras included.
        wanted: what EdgeHands itself requires; extras stay beside it.
    """
    models = shipped_catalog().models
    edges = {
        _reference(package): _depends(package, packages, release) for package in packages.values()
    }
    own = sorted(
        _reference(packages[canonicalize_name(Requirement(text).name)])
        for text in wanted
        if canonicalize_name(Requirement(text).name) in packages
    )
    edges["edgehands"] = [*own, *sorted(f"model:{model.id}" for model in models)]
    components = [_library(package) for package in packages.values()]
    components += [_model(model) for model in models]
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "edgehands",
                "name": "edgehands",
                "version": __version__,
                "purl": f"pkg:pypi/edgehands@{__version__}",
                "licenses": [{"expression": "Apache-2.0"}],
            },
            "properties": [
                {"name": "debian:release", "value": release.name},
                {"name": "python:version", "value": release.python},
            ],
        },
        "components": components,
        "dependencies": [
            {"ref": reference, "dependsOn": edges[reference]} for reference in sorted(edges)
        ],
    }
    text = json.dumps(content, sort_keys=True)
    content["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, text).urn
    return json.dumps(content, indent=1) + "\n"


def _library(package: Package) -> dict[str, Any]:
    component = {
        "type": "library",
        "bom-ref": _reference(package),
        "name": package.name,
        "version": package.version,
        "purl": _reference(package),
        "licenses": [_licence(package.licence)],
        "hashes": _hashes(package.hashes),
    }
    if package.homepage:
        component["externalReferences"] = [{"type": "website", "url": package.homepage}]
    return component


def _model(model: Model) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{model.id}",
        "name": model.file,
        "version": model.sha256[0][:12],
        "description": model.origin,
        "licenses": [_licence(model.licence)],
        "hashes": _hashes(model.sha256),
    }


def _licence(words: str) -> dict[str, Any]:
    plain = words.replace("(", " ").replace(")", " ").split()
    if all(word in _SPDX_WORDS or "-" in word for word in plain):
        return {"expression": words}
    return {"license": {"name": words}}


def _hashes(digests: Iterable[str]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest} for digest in sorted(digests)]


def _depends(package: Package, packages: Mapping[str, Package], release: Release) -> list[str]:
    names = wanted_by(package, release)
    return sorted(_reference(packages[name]) for name in names if name in packages)


def _reference(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"
