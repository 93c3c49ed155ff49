"""Jinja templates of the project's packages, rendered to text that depends on their values alone."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import jinja2

VERBATIM = ("md.j2", "yaml.j2", "css", "js")  # files in which values are not escaped for HTML


def render(
    package: str, name: str, /, *, filters: Mapping[str, Callable[..., str]] | None = None, **values: object
) -> str:
    """Render a template of a package, without a newline at the end.

    Templates lie in the folder `templates` of their package, together with the CSS and scripts that they include
    (``{% include "page.css" %}``). Values are escaped in all but Markdown and YAML. A missing value is an error.

    Args:
        package: Name of the package, usually `__package__` of the caller.
        name: File name of the template.
        filters: Filters of the template beside those of Jinja.
        values: Variables of the template.
    """
    return _environment(package, *(filters or {}).items()).get_template(name).render(**values)


@lru_cache(maxsize=32)
def _environment(package: str, *filters: tuple[str, Callable[..., str]]) -> jinja2.Environment:
    """Return the environment of a package's templates, which keeps those that are compiled."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(disabled_extensions=VERBATIM, default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}  # `tojson` keeps the order of keys
    environment.filters |= dict(filters)
    return environment
