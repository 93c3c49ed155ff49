"""Checks of prefect.yaml, automations.yaml and the job templates by Prefect's own models, without a server."""

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from prefect.flows import load_flow_from_entrypoint
from prefect.settings.models.flows import FlowsSettings
from prefect.utilities.callables import parameter_schema

from flows.deployments import automations, pools, register
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[4]
DEPLOYMENTS = register.read(ROOT)
ENTRYPOINTS = sorted({deployment["entrypoint"] for deployment in DEPLOYMENTS})


def configuration(kind: str, **values: object):
    """Return what a worker makes of the project's template and the values of a deployment."""
    # Two seconds, which no other test needs.
    from prefect.client.schemas.objects import FlowRun
    from prefect_docker.worker import DockerWorkerJobConfiguration
    from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

    known = {"docker": DockerWorkerJobConfiguration, "kubernetes": KubernetesWorkerJobConfiguration}[kind]
    found = asyncio.run(known.from_template_and_values(pools.template(ROOT, kind), values, client=AsyncMock()))
    found.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="night"))
    return found


@pytest.mark.slow
def test_a_container_gets_gpus_shared_memory_and_volumes():
    from docker.types import HostConfig

    found = configuration("docker", gpus=2, volumes=["remote:/remote"])
    assert found.image == "breathline:latest"
    assert found.volumes == ["remote:/remote"]
    assert found.env["DO_NOT_TRACK"] == "1"
    host = HostConfig(version="1.44", **found.container_create_kwargs)
    (request,) = host["DeviceRequests"]
    assert (request["Driver"], request["Count"], request["Capabilities"]) == ("nvidia", 2, [["gpu"]])
    assert host["ShmSize"] == 8 * 2**30


@pytest.mark.slow
def test_a_pod_requests_gpus_is_not_root_and_is_never_started_twice():
    manifest = configuration("kubernetes", gpus=2, claim="lungs").job_manifest
    assert manifest["spec"]["backoffLimit"] == 0
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container["resources"]["requests"] == {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": 2}
    assert pod["securityContext"]["runAsNonRoot"] is True
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert volumes["work"]["persistentVolumeClaim"]["claimName"] == "lungs"
    assert {"name": "DO_NOT_TRACK", "value": "1"} in container["env"]
    assert container["args"] == ["prefect", "flow-run", "execute"]


@pytest.mark.parametrize("kind", sorted(pools.TEMPLATES))
def test_templates_use_exactly_their_variables(kind):
    template = pools.template(ROOT, kind)
    text = str(template["job_configuration"])
    for name in template["variables"]["properties"]:
        assert f"{{{{ {name} }}}}" in text
    assert text.count("{{") == sum(text.count(f"{{{{ {name} }}}}") for name in template["variables"]["properties"])


def test_a_pool_is_a_name_with_or_without_a_known_type():
    assert pools.parse("gpu") == pools.Pool("gpu")
    assert pools.parse("box:docker") == pools.Pool("box", "docker")
    with pytest.raises(BreathlineError, match=r"box:podman[\s\S]*process, docker, kubernetes"):
        pools.parse("box:podman")


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
def test_every_parameter_of_a_deployed_flow_is_described(entrypoint):
    schema = parameter_schema(load_flow_from_entrypoint(entrypoint)).model_dump()
    bare = [name for name, written in schema["properties"].items() if not written.get("description")]
    assert bare == []


def test_schedules_set_only_parameters_of_their_flows():
    schedules = [(one["entrypoint"], schedule) for one in DEPLOYMENTS for schedule in one.get("schedules", ())]
    asked = [(entrypoint, schedule["parameters"]) for entrypoint, schedule in schedules if "parameters" in schedule]
    assert asked
    for entrypoint, wanted in asked:
        given = load_flow_from_entrypoint(entrypoint).validate_parameters(wanted)
        assert given.items() >= wanted.items()


def test_prefect_accepts_the_automations_and_they_cover_every_deployed_flow():
    from prefect.server.events.schemas.automations import Automation

    flows = {load_flow_from_entrypoint(entrypoint).name for entrypoint in ENTRYPOINTS} | {"stage-on-worker"}
    for written in automations.read(ROOT):
        documents = {action.get("block_document_id"): str(uuid4()) for action in written["actions"]}
        automation = automations.core(written, documents)
        Automation.model_validate(automation.model_dump(mode="json"))
        related = automation.trigger.match_related
        ours = related[0] if isinstance(related, list) else related
        assert set(ours.root["prefect.resource.name"]) == flows


def test_a_run_may_miss_three_heartbeats_before_it_is_lost():
    heartbeat = ["prefect.flow-run.heartbeat"]
    (found,) = [each for each in automations.read(ROOT) if each["trigger"].get("after") == heartbeat]
    watch = automations.core(found, {})
    interval = FlowsSettings.model_fields["heartbeat_frequency"].default
    assert watch.trigger.within.total_seconds() > 3 * interval
    assert "prefect.flow-run.heartbeat" in watch.trigger.expect


def test_the_error_for_an_invalid_automation_names_it():
    with pytest.raises(BreathlineError, match=r"automations.yaml: mine"):
        automations.core({"name": "mine", "trigger": {"type": "event"}, "actions": [{"type": "dance"}]}, {})


@pytest.mark.parametrize(
    ("webhook", "email"), [("chat.example.org", None), (None, "b@"), (None, "https://example.org")]
)
def test_an_invalid_address_is_refused_before_a_block_is_saved(webhook, email):
    with pytest.raises(BreathlineError, match="is not valid"):
        list(automations.save_blocks(webhook, email))
