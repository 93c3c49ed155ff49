"""Expectations of recordings in KAUH's format."""

from tasks.corpora import fact_texts
from tasks.corpora.expectations import Expectations, LabelRule, NameRule, UsualValues
from tasks.corpora.kauh import facts, labels, names

SOUND_SETS, DIAGNOSIS_SETS = ("lungsound_4", "lungsound_2"), ("diagnosis_3", "diagnosis_2")
CREP = {"unknown": None, "crackle": "crackle"}  # a missing value is called unknown in the checks

EXPECTATIONS = Expectations(
    name=NameRule(
        pattern=rf"^{names.PREFIX}[1-9][0-9]*_[BDE]$",
        parts=("patient_id", "kauh_filter"),
        meaning="A recording is called by its patient and its filter.",
        hint="rename the wav at the source, as in BP1_Asthma,I E W,P L L,70,M",
    ),
    required={
        "recordings": ("age", "sex", "location", "device", "diagnosis", "kauh_name", "kauh_filter", "kauh_sound"),
        "cycles": ("kauh_sound", "kauh_filter"),
    },
    domains={
        "recordings": {
            "sex": ("F", "M"),
            "device": (facts.DEVICE,),
            "split": ("train",),
            "fold": tuple(range(fact_texts.FOLDS)),
            "kauh_filter": tuple(names.FILTERS),
            "kauh_sound": tuple(labels.SOUNDS),
        },
        "cycles": {"kauh_sound": tuple(labels.SOUNDS)},
    },
    whole_recordings=True,
    patient_columns=("age", "sex", "diagnosis", "kauh_sound", "fold"),
    labels=(
        LabelRule(
            name="lungsound_agrees",
            meaning="The lung-sound labels follow from the sound in the recording's name.",
            sources=("kauh_sound", "kauh_crep"),
            classes={
                name: {
                    f"{sound} {column}": index
                    for column, crep in CREP.items()
                    for sound in labels.SOUNDS
                    if (index := labels.sound_label(name, sound, crep=crep)) is not None
                }
                for name in SOUND_SETS
            },
        ),
    ),
    usual=(
        UsualValues(
            name="mono", column="channels", values=(1,), meaning="Every recording has one channel, as KAUH's have.",
            hint="nothing: the mean of the channels is used",
        ),
        UsualValues(
            name="published_rate", column="sample_rate", values=(4000,),
            meaning="Every recording has 4,000 samples a second, as KAUH's have.",
            hint="get the published files: other rates come from a later conversion",
        ),
    ),
)  # fmt: skip
