"""The requirement files lock what pyproject.toml asks for, by hash, from no host in particular."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WANTED = {
    "run": PROJECT["dependencies"],
    "test": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"],
    "bench": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["bench"],
}

pytestmark = pytest.mark.once


def text_of(name):
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def locked(name):
    """Package -> exact version."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text_of(name), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


@pytest.mark.parametrize("name", WANTED)
def test_every_dependency_is_locked_within_its_range(name):
    versions = locked(name)
    for line in WANTED[name]:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate(default_environment()):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not locked: make lock"
        assert requirement.specifier.contains(version, prereleases=True), line


@pytest.mark.parametrize("name", WANTED)
def test_every_locked_package_has_hashes_and_none_names_a_host(name):
    text = text_of(name)
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|--index|--extra|--find-links|--trusted| @ ", text)


@pytest.mark.parametrize("name", ["test", "bench"])
def test_what_is_tested_and_measured_is_what_production_runs(name):
    assert locked("run").items() <= locked(name).items()


def test_the_bench_changes_nothing_of_what_tests_run():
    """It is installed on top of it."""
    test, bench = locked("test"), locked("bench")
    assert [name for name in test.keys() & bench.keys() if test[name] != bench[name]] == []


def test_every_dependency_gives_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("\n[tool.")[0]
    entries = re.findall(r'^  "[A-Za-z].*$', table, re.MULTILINE)
    optional = PROJECT["optional-dependencies"].values()
    assert len(entries) == len(PROJECT["dependencies"]) + sum(map(len, optional))
    assert [entry for entry in entries if not re.search(r"# \S+", entry)] == []


def test_installed_versions_are_the_locked_ones():
    from importlib.metadata import PackageNotFoundError, version

    different = {}
    for package, wanted in locked("test").items():
        try:
            if version(package) != wanted:
                different[package] = (version(package), wanted)
        except PackageNotFoundError:
            continue  # for another system
    assert not different
