"""Recordings and nodes of traces of the small project."""

TRAIN = ["102_1b1_Al_sc_Litt3200", "103_1b1_Tc_sc_Meditron"]
VAL = ["101_1b1_Tc_sc_Meditron", "104_1b1_Tc_sc_Meditron"]
TEST = ["102_2b1_Al_sc_Litt3200", "105_1b1_Tc_sc_Meditron", "106_1b1_Tc_sc_Meditron"]


def recordings(trace, *sets):
    """Return the recordings of a trace, or those with an edge to some sets."""
    if not sets:
        return [node.name for node in trace.nodes_of("recording")]
    wanted = [edge for edge in trace.edges if edge.effect in [f"set:{one}" for one in sets]]
    return sorted({edge.cause.partition(":")[2] for edge in wanted if edge.cause.startswith("recording:")})


def names(trace, kind):
    return [node.name for node in trace.nodes_of(kind)]
