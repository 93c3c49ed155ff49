"""Facts of ICBHI 2017 for reports, cards and exports, and of other corpora in its format."""

from __future__ import annotations

from dataclasses import replace

from tasks.corpora.icbhi import expected, metadata, published
from tasks.corpora.icbhi.labels import CLASSES
from tasks.runtime.corpus_facts import CorpusFacts, GroupColumn, Identity, LabelSet, Licence

NAME, TITLE = "icbhi", "ICBHI 2017"
# Names of what the recordings are found to be (`Identity.name`).
COMPLETE, PART, OWN = "icbhi", "icbhi-part", "icbhi-format"
OWN_TITLE = "An own corpus in ICBHI's format"

LABEL_SETS = {
    name: LabelSet(column=name, classes=CLASSES[name], description=description)
    for name, description in {
        "lungsound_4": "adventitious sounds of the cycle",
        "lungsound_2": "presence of adventitious sounds in the cycle",
        "diagnosis_3": (
            "diagnosis of the patient: chronic (COPD, bronchiectasis, asthma), non-chronic (URTI, LRTI, pneumonia, "
            "bronchiolitis)"
        ),
        "diagnosis_2": "diagnosis of the patient",
    }.items()
}
GROUP_COLUMNS = (
    GroupColumn(column="device", title="Device"),
    GroupColumn(
        column="location",
        title="Chest location",
        values={
            "Tc": "trachea",
            "Al": "anterior left",
            "Ar": "anterior right",
            "Pl": "posterior left",
            "Pr": "posterior right",
            "Ll": "lateral left",
            "Lr": "lateral right",
        },
    ),
    GroupColumn(column="age_group", title="Age"),
    GroupColumn(column="sex", title="Sex", values={"F": "female", "M": "male"}),
)
PREFIXED_COLUMNS = (
    *("icbhi_recording_index", "icbhi_mode", "icbhi_name_in_split"),
    *("icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm", "icbhi_crackles", "icbhi_wheezes"),
)
CITATION = (
    "B. M. Rocha, D. Filos, L. Mendes, G. Serbes, S. Ulukaya, Y. P. Kahya, N. Jakovljevic, T. L. Turukalo, "
    "I. M. Vogiatzis, E. Perantoni, E. Kaimakamis, P. Natsiavas, A. Oliveira, C. Jácome, A. Marques, N. Maglaveras, "
    "R. P. Paiva, I. Chouvarda, P. de Carvalho: An open access database for the evaluation of respiratory sound "
    "classification algorithms. Physiological Measurement 40 (2019) 035001. doi:10.1088/1361-6579/ab03ea"
)
LIMITS = (
    "The whole database has 126 patients from two countries and four recording devices, unevenly over training and "
    "test: what is learned may be of the device, the chest location or the hospital instead of the lungs.",
    "Respiratory experts annotated the cycles by ear: experts differ, and what they did not hear is not labelled.",
    "Half of the patients of the whole database have COPD, and they gave most recordings. Children, healthy people and "
    "rare diagnoses are few, and figures for them are uncertain.",
    "Many published figures were chosen on the test set, and so are those of the selection `paper`.",
)
PERSONAL = (
    "Patients bear numbers. Age, sex, body mass, diagnosis and chest location are given, and recordings of the same "
    "patient can be told to belong together.",
    "The background of a recording may hold speech.",
)
SPLITS = {
    "official": "the division into train and test of the split file",
    "official-disjoint": "the same, without the train recordings of patients who are also in test",
    **{str(fold): f"fold {fold} of the fold list is test, the other folds are train" for fold in range(5)},
}


def facts(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings in ICBHI's format; those of ICBHI itself only where the identity is verified."""
    if not identity.verified:
        return _own(identity)
    extent = "all 920 recordings" if identity.complete else f"a part, {identity.recordings} of 920 recordings"
    incomplete = "Only a part of the database: figures do not compare with published ones."
    return replace(
        _own(identity),
        title=TITLE,
        description=f"Recordings of breathing at seven chest locations, annotated cycle by cycle ({extent}).",
        origin="the ICBHI 2017 Respiratory Sound Database",
        patients_on_both_sides=tuple(map(str, expected.PATIENTS_ON_BOTH_SIDES)),
        banner=(
            "The complete ICBHI 2017 database."
            if identity.complete
            else f"{identity.statement}: not comparable with published scores."
        ),
        licence=Licence(
            name="free for research",
            text=(
                "Freely available for research by its authors, who give no standard licence; ask them for other uses."
            ),
            url="https://bhichallenge.med.auth.gr/",
        ),
        citation=CITATION,
        homepage="https://bhichallenge.med.auth.gr/",
        limits=LIMITS if identity.complete else (incomplete, *LIMITS),
        published=published.read() if identity.complete else (),
    )


def _own(identity: Identity) -> CorpusFacts:
    """Return the facts of recordings that are only written in ICBHI's format."""
    return CorpusFacts(
        name=NAME,
        title=OWN_TITLE,
        identity=identity,
        description=f"{identity.recordings} recordings of breathing, annotated cycle by cycle in ICBHI's format.",
        origin="the user's own recordings",
        cycle="one respiratory cycle, from the start of an inspiration to the end of the expiration",
        label_sets=LABEL_SETS,
        splits=SPLITS,
        split_file=metadata.SPLIT_FILE,
        patients_on_both_sides=(),
        group_columns=GROUP_COLUMNS,
        prefixed_columns=PREFIXED_COLUMNS,
        banner=f"{identity.statement}: not comparable with published scores.",
        licence=None,
        citation=None,
        homepage=None,
        limits=("Nobody has published results on these recordings: no figure elsewhere compares with these.",),
        personal=PERSONAL,
        published=(),
        challenge_metrics=("ICBHI Score",),
    )
