"""What is under `deploy/` is what the tools it is for would take."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.cli.check import check
from harness.config import load
from harness.config.live import refuse_unfit_for_live

DEPLOY = Path(__file__).parents[1] / "deploy"


def documents():
    yaml = YAML(typ="safe")
    return {one["kind"]: one for one in yaml.load_all(DEPLOY / "kubernetes.yaml")}


def test_the_config_in_the_manifest_is_valid(tmp_path, capsys, monkeypatch):
    """What the pod would run is checked as a user's config is."""
    monkeypatch.setenv("HARNESS_ADMIN_TOKEN", "0123456789abcdef")
    path = tmp_path / "harness.yaml"
    path.write_text(documents()["ConfigMap"]["data"]["harness.yaml"])

    config = load(path)
    code = check(path)

    refuse_unfit_for_live(config)
    assert code == 0
    assert "0123456789abcdef" not in capsys.readouterr().out


def test_front_and_mirror_meet_in_memory_and_have_time_to_end():
    """Both mount the folder that the config names; the grace period covers both drains."""
    pod = documents()["Deployment"]["spec"]["template"]["spec"]
    harness = [one for one in pod["containers"] if one["name"].startswith("harness-")]
    volumes = {one["name"]: one for one in pod["volumes"]}

    assert [one["args"][-2:] for one in harness] == [["--role", "front"], ["--role", "mirror"]]
    for one in harness:
        mounts = {mount["mountPath"]: mount["name"] for mount in one["volumeMounts"]}
        assert volumes[mounts["/run/harness"]]["emptyDir"]["medium"] == "Memory"
        assert one["resources"]["limits"]["memory"]
    assert pod["terminationGracePeriodSeconds"] >= 2 * 20


def test_ports_of_the_manifest_are_those_of_its_config():
    """A port that nobody listens on would never get ready."""
    text = documents()["ConfigMap"]["data"]["harness.yaml"]
    containers = documents()["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"]
             for one in containers for port in one["ports"] if "name" in port}  # fmt: skip

    assert f"listen: 0.0.0.0:{ports['http']}" in text
    assert f"admin: 0.0.0.0:{ports['admin']}" in text


@pytest.mark.process
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path):
    """With a program that is there in the place of ours, systemd has nothing to say."""
    unit = tmp_path / "harness.service"
    text = (DEPLOY / "harness.service").read_text()
    unit.write_text(text.replace("/opt/harness/bin/harness", shutil.which("true")))

    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_image_takes_what_is_there():
    """Every path that is copied into it is in the repository, and nothing runs as root."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]

    assert copied
    for path in (path for paths in copied for path in paths):
        assert (DEPLOY.parent / path).exists(), path
    assert any(line.startswith("USER 1") for line in lines)
