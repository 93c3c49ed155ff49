"""`breathline corpus`: list, show, add and remove the corpora of a project."""

from typing import ClassVar

from cli.command_groups import LazyGroup, new_group
from cli.options import EXAMPLES


class Corpus(LazyGroup):
    """All commands of the group, in the order of the help."""

    title = "corpus"
    places: ClassVar = {
        "list": "cli.corpus.configured:list_corpora",
        "show": "cli.corpus.configured:show",
        "add": "cli.corpus.add:add",
        "remove": "cli.corpus.configured:remove",
    }


app = new_group(Corpus, help="Corpora to learn from and to test on.", epilog=EXAMPLES["corpus"])
