"""Reader of OpenLineage events by the classes of its client, which are generated from the specification."""

import importlib
import json
import pkgutil
import uuid
from datetime import datetime

import attr
from openlineage.client import generated
from openlineage.client.generated import (
    base,
    column_lineage_dataset,
    execution_parameters_run,
    parent_run,
    schema_dataset,
)
from rfc3986_validator import validate_rfc3986

BASES = (base.RunFacet, base.JobFacet, base.DatasetFacet, base.InputDatasetFacet, base.OutputDatasetFacet)


def facet_classes():
    modules = (
        importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)
    )
    found = (one for module in modules for one in vars(module).values() if isinstance(one, type))
    return {one._get_schema(): one for one in found if issubclass(one, BASES)}


FACETS = facet_classes()


def read(event):
    """Return an event as the client understands it; what the standard does not know, or misses, is an error."""
    given = json.loads(json.dumps(event))
    assert given.pop("schemaURL") == base.RunEvent._get_schema()
    run, job = given.pop("run"), given.pop("job")
    return base.RunEvent(
        run=base.Run(run.pop("runId"), facets=facets(run.pop("facets")), **run),
        job=base.Job(facets=facets(job.pop("facets")), **job),
        inputs=[dataset(base.InputDataset, "inputFacets", one) for one in given.pop("inputs")],
        outputs=[dataset(base.OutputDataset, "outputFacets", one) for one in given.pop("outputs")],
        eventType=base.EventType(given.pop("eventType")),
        **given,
    )


def dataset(kind, of_role, given):
    return kind(facets=facets(given.pop("facets")), **{of_role: facets(given.pop(of_role))}, **given)


def facets(given):
    found = {}
    for name, facet in given.items():
        producer, kind = facet.pop("_producer"), FACETS[facet.pop("_schemaURL")]
        if kind in BASES:
            assert name.startswith("breathline_"), f"{name} is not the standard's, and must bear our prefix"
            found[name] = kind(producer=producer)
        else:
            found[name] = kind(producer=producer, **{key: NESTED.get((name, key), as_is)(facet[key]) for key in facet})
        attr.validate(found[name])
    return found


def as_is(value):
    return value


def parts_of(kind, **keys):
    """Return a function that reads an object, or a list of objects, as a class of the client."""

    def read_part(value):
        if isinstance(value, list):
            return [read_part(one) for one in value]
        return kind(**{key: keys.get(key, as_is)(value[key]) for key in value})

    return read_part


TRANSFORMATIONS = parts_of(column_lineage_dataset.Transformation)
INPUT_FIELDS = parts_of(column_lineage_dataset.InputField, transformations=TRANSFORMATIONS)
FIELDS = parts_of(column_lineage_dataset.Fields, inputFields=INPUT_FIELDS)
# Objects within facets, by facet and key.
NESTED = {
    ("parent", "run"): parts_of(parent_run.Run),
    ("parent", "job"): parts_of(parent_run.Job),
    ("schema", "fields"): parts_of(schema_dataset.SchemaDatasetFacetFields),
    ("columnLineage", "fields"): lambda fields: {name: FIELDS(field) for name, field in fields.items()},
    ("executionParameters", "parameters"): parts_of(execution_parameters_run.ExecutionParameter),
}


def check_formats(value, key=""):
    """Check the formats that the specification names, which the classes of the client do not."""
    if key in ("producer", "_producer", "schemaURL", "_schemaURL", "url"):
        assert validate_rfc3986(value, rule="URI"), (key, value)
    elif key == "runId":
        uuid.UUID(value)
    elif key == "eventTime":
        assert datetime.fromisoformat(value).tzinfo is not None
    elif isinstance(value, dict):
        for name, part in value.items():
            check_formats(part, name)
    elif isinstance(value, list):
        for part in value:
            check_formats(part, key)
