"""Template with which `dvc plots` needs no internet: Vega, Vega-Lite and Vega-Embed are part of each page.

DVC's own pages load these libraries from a CDN. This script takes them from the package vl-convert-python, which
Breathline does not need otherwise: ``uv run --no-project --with vl-convert-python python docs/offline_plots.py``.
"""

import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(".dvc/tmp/plots.html")  # Git ignores `.dvc/tmp`
# DVC replaces the names in braces. Without `{scripts}`, no script of the CDN is in the page.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>DVC plots</title>
{{refresh_tag}}
<script>
(() => {{ {libraries} }})();
</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def page(libraries: str) -> str:
    """Return the template with the script of the libraries, which defines ``window.vegaEmbed``."""
    return PAGE.format(libraries=libraries.replace("</script", "<\\/script"))


def main() -> None:
    """Write the template, and set it in the settings of the project in the current folder."""
    try:
        import vl_convert
    except ImportError:
        sys.exit(f"The package vl-convert-python is missing. next: pip install vl-convert-python, then {sys.argv[0]}")
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(page(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")), encoding="utf-8")
    setting = ["plots.html_template", TEMPLATE.relative_to(".dvc").as_posix()]
    subprocess.run(["dvc", "config", "--local", *setting], check=True)  # noqa: S603, S607 - DVC of the PATH
    sys.stdout.write(f"{TEMPLATE} is the template of `dvc plots show` and `dvc plots diff` in this project.\n")


if __name__ == "__main__":
    main()
