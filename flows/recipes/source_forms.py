"""Forms in which the options `--corpus` and `--external` name a corpus."""

from tasks.corpora import registry

FORM = "[CORPUS=]SOURCE"
SOURCES = (
    f"name of a corpus ({', '.join(registry.names())}), path of a zip archive or an unpacked folder, or "
    "kaggle:OWNER/NAME or hub:OWNER/NAME"
)
HELP = f"{FORM}, repeatable. SOURCE: {SOURCES}"
