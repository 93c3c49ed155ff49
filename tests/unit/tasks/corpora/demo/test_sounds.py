import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from tasks.corpora.demo import adventitious, cohort, render, schedule
from tasks.corpora.demo.breath import BODY_RATE, BreathSpectrum, breath_noise
from tasks.corpora.demo.devices import DEVICES, pick_up
from tasks.corpora.demo.schedule import Breath
from tasks.corpora.demo.surroundings import heart_sounds

FINE_RATE = 192_000
BREATH = Breath(start_s=1.0, turn_s=2.2, end_s=4.0)
HEARD = (1.01, 3.99)


def flat(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(frequencies)


@given(idw=st.floats(0.5, 1.5), ratio=st.floats(6, 9))
@settings(max_examples=30)
def test_a_crackle_has_the_given_widths(idw, ratio):
    crackle = adventitious.Crackle(onset_s=0.003, idw_ms=idw, two_cycle_ms=idw * ratio, peak=1.0)
    wave = adventitious.crackle_wave(crackle, np.arange(0, 0.03, 1 / FINE_RATE))
    sounding = np.nonzero(np.abs(wave) > 1e-9)[0]
    crossings = np.nonzero(np.diff(np.sign(wave[sounding[0] : sounding[-1] + 1])))[0]
    assert len(crossings) == 3  # between the four half-waves of two cycles
    assert (sounding[0] + crossings[0]) / FINE_RATE * 1000 - 3 == pytest.approx(idw, abs=0.02)
    assert (sounding[-1] - sounding[0]) / FINE_RATE * 1000 == pytest.approx(crackle.two_cycle_ms, rel=0.03)
    assert 0.5 < np.abs(wave).max() <= 1


@pytest.mark.parametrize(("fine", "pitch"), [(1.0, (400, 850)), (0.0, (180, 400))])
def test_crackles_are_fine_or_coarse_as_corsa_defines_them(fine, pitch):
    kind = adventitious.FINE if fine else adventitious.COARSE
    rng = np.random.default_rng(0)
    drawn = [c for _ in range(50) for c in adventitious.draw_crackles(rng, BREATH, HEARD, flat, fine=fine, size=0.5)]
    assert all(kind["idw"][0] <= c.idw_ms <= kind["idw"][1] for c in drawn)
    assert all(kind["two_cycle"][0] <= c.two_cycle_ms <= kind["two_cycle"][1] <= 10 for c in drawn)
    assert all(HEARD[0] <= c.onset_s and c.onset_s + c.two_cycle_ms / 1000 <= HEARD[1] for c in drawn)
    if fine:  # late inspiration
        assert all(1.5 < c.onset_s < BREATH.turn_s for c in drawn)
    else:  # early inspiration, or expiration
        assert {c.onset_s < BREATH.turn_s for c in drawn} == {True, False}
    times = np.arange(0, 0.1, 1 / BODY_RATE)
    power = sum(np.abs(np.fft.rfft(adventitious.crackle_wave(c, times + c.onset_s))) ** 2 for c in drawn)
    assert pitch[0] < np.fft.rfftfreq(len(times), 1 / BODY_RATE)[np.argmax(power)] < pitch[1]


def test_crackles_of_a_cycle_that_is_barely_heard_stay_inside_it():
    rng = np.random.default_rng(0)
    heard = (3.79, 3.97)  # the end of the expiration
    for _ in range(20):
        for crackle in adventitious.draw_crackles(rng, BREATH, heard, flat, fine=0.5, size=0.5):
            assert heard[0] <= crackle.onset_s <= heard[1] - crackle.two_cycle_ms / 1000
        for wheeze in adventitious.draw_wheezes(rng, BREATH, heard, flat, pitch_hz=400):
            assert heard[0] <= wheeze.onset_s <= heard[1] - wheeze.duration_s


def test_a_wheeze_has_its_pitch_and_length():
    wheeze = adventitious.Wheeze(
        onset_s=0.2, duration_s=0.8, start_hz=400, end_hz=320, bow=1.05, flutter=0.3, flutter_hz=3, harmonics=(1.0, 0.1)
    )
    wave = adventitious.wheeze_wave(wheeze, np.arange(0, 1.2, 1 / BODY_RATE))
    sounding = np.nonzero(np.abs(wave) > 1e-3)[0] / BODY_RATE
    assert (sounding[0], sounding[-1]) == pytest.approx((0.2, 1.0), abs=0.01)
    phase = np.unwrap(np.angle(signal.hilbert(wave)))
    hertz = np.diff(phase) * BODY_RATE / (2 * np.pi)
    for second, expected in ((0.23, 397), (0.6, 360 * 1.05), (0.97, 324)):
        around = slice(int((second - 0.02) * BODY_RATE), int((second + 0.02) * BODY_RATE))
        assert hertz[around].mean() == pytest.approx(expected, rel=0.03)


def test_wheezes_are_long_and_high_enough_and_rhonchi_low():
    rng = np.random.default_rng(0)
    breaths = [adventitious.draw_wheezes(rng, BREATH, HEARD, flat, pitch_hz=400) for _ in range(300)]
    drawn = [wheeze for wheezes in breaths for wheeze in wheezes]
    assert all(wheeze.duration_s >= 0.1 for wheeze in drawn)
    assert all(100 <= hertz <= 1000 for wheeze in drawn for hertz in (wheeze.start_hz, wheeze.end_hz))
    assert all(len(w.harmonics) == 3 or max(w.start_hz, w.end_hz) < 200 for w in drawn)  # a rhonchus has more
    assert {len(wheezes) for wheezes in breaths} == {1, 2, 3}
    assert 0.6 < np.mean([wheeze.onset_s >= BREATH.turn_s for wheeze in drawn]) < 0.9


@pytest.mark.parametrize(("trachea", "low", "high"), [(False, 1.5, 3.0), (True, 0.65, 1.5)])
def test_inspiration_is_louder_than_expiration_over_the_chest_alone(trachea, low, high):
    breaths = tuple(Breath(start_s=4.0 * i, turn_s=4.0 * i + 1.6, end_s=4.0 * i + 4) for i in range(5))
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        spectrum = BreathSpectrum.draw(rng, trachea=trachea, level_db=0, tilt_db=0)
        sound = breath_noise(rng, breaths, spectrum, 20 * BODY_RATE)
        heard = signal.sosfilt(signal.butter(4, (100, 300), "bandpass", fs=BODY_RATE, output="sos"), sound)
        loudness = [
            np.mean([heard[int((4 * i + a) * BODY_RATE) : int((4 * i + b) * BODY_RATE)].std() for i in range(5)])
            for a, b in ((0.4, 0.8), (2.1, 2.6))
        ]
        ratios.append(loudness[0] / loudness[1])
    assert low < np.mean(ratios) < high


def test_the_spectrum_over_the_chest_falls_as_measured():
    rng = np.random.default_rng(1)
    breaths = (Breath(start_s=0, turn_s=30, end_s=31),)
    spectrum = dataclasses.replace(
        BreathSpectrum.draw(rng, trachea=False, level_db=0, tilt_db=0), inspiration_slope=14.0
    )
    hertz, power = signal.welch(breath_noise(rng, breaths, spectrum, 30 * BODY_RATE), BODY_RATE, nperseg=1024)
    band = (hertz > 250) & (hertz < 1200)
    slope = np.polyfit(np.log2(hertz[band]), 10 * np.log10(power[band]), 1)[0]
    assert slope == pytest.approx(-14, abs=0.7)


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_a_device_has_its_rate_band_and_noise(name):
    device = DEVICES[name]
    for (rate, _), _ in device.formats:
        times = np.arange(6 * BODY_RATE) / BODY_RATE
        tones = 30 * (np.sin(2 * np.pi * 200 * times) + np.sin(2 * np.pi * 1000 * times))
        heard = pick_up(np.random.default_rng(0), tones, BODY_RATE, device, rate)
        assert len(heard) == 6 * rate
        spectrum = np.abs(np.fft.rfft(heard)) * 2 / len(heard) / 30
        curve = dict(device.response_db)
        wanted = 10 ** (np.interp(np.log(1000), np.log([*curve]), [*curve.values()]) / 20)
        assert spectrum[6000] == pytest.approx(wanted, rel=0.05, abs=0.003)
        silence = pick_up(np.random.default_rng(0), np.zeros_like(tones), BODY_RATE, device, rate)
        hertz, power = signal.welch(silence, rate, nperseg=rate // 4)
        per_white = 10 * np.log10(power / (2 / BODY_RATE))
        for corner, decibels in device.floor_db:
            if 100 <= corner < 0.45 * rate:
                assert per_white[np.argmin(np.abs(hertz - corner))] == pytest.approx(decibels, abs=2.5)


def test_the_heart_beats_at_its_rate_and_below_150_hz():
    sound = heart_sounds(np.random.default_rng(3), 30 * BODY_RATE, rate_bpm=80, location="Al")
    hertz, power = signal.welch(sound, BODY_RATE, nperseg=4096)
    assert power[hertz < 150].sum() > 0.98 * power.sum()
    # Fully apart sounds: S1 and S2 of each of 40 beats.
    envelope = signal.sosfilt(signal.butter(2, 15, fs=BODY_RATE, output="sos"), np.abs(sound))
    peaks, _ = signal.find_peaks(envelope, height=0.2 * envelope.max(), distance=int(0.12 * BODY_RATE))
    assert len(peaks) == pytest.approx(80, abs=8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["crackles", "wheezes"])
def test_annotated_cycles_differ_from_the_others_of_their_recording(kind):
    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(101, 106):
        person = cohort.patient(1, number)
        for recording in schedule.recordings(1, person)[:2]:
            flags = {"icbhi_crackles": 0, "icbhi_wheezes": 0}
            annotated = tuple(
                (breath, dataclasses.replace(cycle, own=flags | {f"icbhi_{kind}": i % 2}))
                for i, (breath, cycle) in enumerate(recording.annotated)
            )
            sound = render.sound(1, person, dataclasses.replace(recording, annotated=annotated))
            window, step = (0.016, 0.004) if kind == "crackles" else (0.064, 0.016)
            hertz, times, power = signal.spectrogram(
                sound,
                recording.rate,
                nperseg=int(window * recording.rate),
                noverlap=int((window - step) * recording.rate),
            )
            decibels = 10 * np.log10(power[(hertz > 250) & (hertz < 1500)])
            for _, cycle in annotated:
                part = decibels[:, (times > cycle.start_s) & (times < cycle.end_s)]
                if kind == "crackles":  # lines across: loud for an instant at many frequencies
                    loudness = part.mean(axis=0)
                    measure = np.percentile(loudness - signal.medfilt(loudness, 15), 99)
                else:  # lines along: louder than the frequencies beside them, for long
                    measure = np.percentile(part - signal.medfilt2d(part, (9, 1)), 99.5)
                found[bool(cycle.own[f"icbhi_{kind}"])].append(float(measure))
    share_told_apart = np.mean(np.array(found[True])[:, None] > np.array(found[False])[None, :])
    assert 0.7 < share_told_apart < 0.999  # learnable, not trivial
