"""compose.yaml, and what its services mount, agree with the product: names, ports, settings, paths, metrics."""

import json
import re
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from phaseline.callers import trust
from phaseline.settings import PREFIX, Settings
from phaseline.signing_in import provider
from tests.support.caller import Caller

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NODES = [name for name in SERVICES if name.startswith("node-")]
PROXY = (ROOT / "deploy" / "haproxy.cfg").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "phaseline.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PORT = Settings.model_fields["port"].default


def _expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_compose_yaml_is_of_the_form_that_compose_reads() -> None:
    check = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*check, str(ROOT / "compose.yaml")], check=True)


def test_the_image_is_given_everything_that_a_wheel_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    locks = re.findall(r"--requirement (\S+)", DOCKERFILE)
    given = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert len(locks) == 2
    assert {name.removeprefix("/") for name in needed} | {*locks, "pyproject.toml", "README.md", "LICENSE"} == set(
        given
    )
    assert [name for name in given if not (ROOT / name).exists()] == []


def test_the_image_is_built_once() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]
    assert {SERVICES[name]["image"] for name in ("migrate", *NODES)} == {"phaseline"}


def test_every_setting_is_one_that_the_server_has() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = {name for service in SERVICES.values() for name in service.get("environment", {}) if PREFIX in name}
    baked_in = set(re.findall(rf"{PREFIX}\w+", DOCKERFILE))
    assert given
    assert baked_in
    assert given | baked_in <= known


def test_the_database_that_the_nodes_are_given_is_the_one_that_is_made() -> None:
    made = SERVICES["database"]["environment"]
    password = made["POSTGRES_PASSWORD"]
    assert "?" in password, "without a password of somebody's own it has to end"
    for name in ("migrate", *NODES):
        url = SERVICES[name]["environment"]["PHASELINE_DATABASE_URL"]
        assert url == f"postgresql+asyncpg://{made['POSTGRES_USER']}:{password}@database:5432/{made['POSTGRES_DB']}"
        Settings(database_url=url.replace(password, "secret"))


def test_the_nodes_trust_the_proxy_and_nobody_else() -> None:
    (address,) = SERVICES["proxy"]["networks"].values()
    network = COMPOSE["networks"]["default"]["ipam"]["config"][0]
    assert ip_address(address["ipv4_address"]) in ip_network(network["subnet"])
    assert ip_address(address["ipv4_address"]) not in ip_network(network["ip_range"])
    for name in NODES:
        environment = SERVICES[name]["environment"]
        assert environment["PHASELINE_TRUSTED_PROXIES"] == address["ipv4_address"]
        assert environment["PHASELINE_TRUST_FILE"] in {volume.split(":")[1] for volume in SERVICES[name]["volumes"]}


def test_the_trust_file_trusts_nobody_until_it_is_filled_in(tmp_path: Path) -> None:
    file = ROOT / "deploy" / "trust.toml"
    assert trust.read(file, None) == trust.NOBODY_ELSE
    filled_in = tmp_path / "trust.toml"
    filled_in.write_text(re.sub(r"^# ?(?=\[|\w+ = |$)", "", file.read_text(), flags=re.MULTILINE))
    trusted = trust.read(filled_in, "https://phaseline.example.com", has_provider_secret=True)
    assert trusted.github
    assert trusted.provider


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not [name for name in NODES if "ports" in SERVICES[name]]


def test_a_node_is_stopped_no_sooner_than_it_has_had_its_grace() -> None:
    for name in NODES:
        allowed = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert allowed > 2 * Settings.model_fields["grace_seconds"].default


def test_every_mounted_file_is_there() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [volume.split(":")[0] for volume in mounted if volume.startswith("./")]
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_the_proxy_and_prometheus_know_every_node() -> None:
    assert f"EXPOSE {PORT}" in DOCKERFILE
    assert f"PHASELINE_PORT={PORT}" in DOCKERFILE
    addresses = [f"{name}:{PORT}" for name in NODES]
    backends = PROXY.split("\nbackend ")[1:]
    assert [re.findall(r"^ +server \S+ (\S+)$", backend, re.MULTILINE) for backend in backends] == [addresses] * 2
    (job,) = YAML(typ="safe").load(ROOT / "deploy" / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"][0]["targets"] == addresses
    assert SERVICES["proxy"]["ports"] == ["127.0.0.1:8000:8000"]
    assert re.findall(r"^ +bind :(\d+)$", PROXY, re.MULTILINE) == ["8000"]


def _passed(path: str) -> bool:
    exact, beginnings = (re.findall(rf"{{ {kind} ([^}}]+) }}", PROXY)[0].split() for kind in ("path", "path_beg"))
    return path in exact or path.startswith(tuple(beginnings))


async def test_the_proxy_passes_what_is_for_the_world_and_keeps_back_what_is_not(caller: Caller) -> None:
    page = (await caller.http.get("/")).text
    linked = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert linked
    for path in ("/", "/deploys/some-id", "/phaseline-modal.js", "/sign-in", *linked):
        assert (await caller.http.get(path)).status_code == 200, path
        assert _passed(path), path
    for path in ("/graphql", "/sign-out", provider.PATH, provider.CALLBACK):
        assert _passed(path), path
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await caller.http.get(path)).status_code == 200, path
        assert not _passed(path), path


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows_and_shows_something(panel: dict[str, Any]) -> None:
    assert panel["description"]
    assert panel["targets"]
    assert panel["datasource"]["uid"] == "prometheus"


async def test_every_metric_of_the_dashboard_is_one_that_a_node_has(caller: Caller) -> None:
    told = text_string_to_metric_families((await caller.http.get("/metrics")).text)
    families = {family.name: family.type for family in told}
    asked = set(re.findall(r"\b((?:phaseline|process)_\w+)", " ".join(_expressions())))
    assert len(asked) > 10
    on_postgresql_alone = {"phaseline_listening"}
    unknown = {name for name in asked - on_postgresql_alone if re.sub("_(total|bucket)$", "", name) not in families}
    assert not unknown


def test_panels_do_not_lie_over_one_another() -> None:
    cells = [
        (column, line)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_what_grafana_is_given_refers_to_what_there_is() -> None:
    (source,) = YAML(typ="safe").load(ROOT / "deploy" / "grafana" / "datasources.yaml")["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = YAML(typ="safe").load(ROOT / "deploy" / "grafana" / "dashboards.yaml")["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    mounts = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert home in mounts
    assert home.startswith(provider["options"]["path"])
