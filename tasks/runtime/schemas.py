"""The Arrow schemas of the tables that `extract` writes and the other stages read; docs/design.md tells the columns."""

from __future__ import annotations

import pyarrow as pa

QUALITY = ("peak", "dc_offset", "clipped_fraction", "longest_constant_s", "silent_fraction", "rms_dbfs")

RECORDINGS = pa.schema(
    {
        "corpus": pa.string(),
        "recording_id": pa.string(),
        "patient_id": pa.string(),
        "location": pa.string(),
        "device": pa.string(),
        "sample_rate": pa.int32(),
        "subtype": pa.string(),
        "bit_depth": pa.int32(),
        "channels": pa.int32(),
        "frames": pa.int64(),
        "duration_s": pa.float64(),
        "cycles": pa.int32(),
        "age": pa.float64(),
        "sex": pa.string(),
        "diagnosis": pa.string(),
        "split": pa.string(),
        "fold": pa.int8(),
        "recording_sha256": pa.string(),
        "annotation_sha256": pa.string(),
        **dict.fromkeys(QUALITY, pa.float64()),
        "icbhi_recording_index": pa.string(),
        "icbhi_mode": pa.string(),
        "icbhi_name_in_split": pa.string(),
        "icbhi_bmi": pa.float64(),
        "icbhi_weight_kg": pa.float64(),
        "icbhi_height_cm": pa.float64(),
    }
)

CYCLES = pa.schema(
    {
        "corpus": pa.string(),
        "cycle_id": pa.string(),
        "recording_id": pa.string(),
        "patient_id": pa.string(),
        "device": pa.string(),
        "cycle_index": pa.int32(),
        "start_s": pa.float64(),
        "end_s": pa.float64(),
        "duration_s": pa.float64(),
        "lungsound_4": pa.int8(),
        "lungsound_2": pa.int8(),
        "diagnosis_3": pa.int8(),
        "diagnosis_2": pa.int8(),
        "split": pa.string(),
        "fold": pa.int8(),
        "audio_sha256": pa.string(),
        "icbhi_crackles": pa.int8(),
        "icbhi_wheezes": pa.int8(),
    }
)

AUDIO = pa.schema({"cycle_id": pa.string(), "samples": pa.list_(pa.float32())})
