"""Front ends of numpy against the modules of torch."""

import pickle

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from models.frontends.definitions import DEFINITIONS
from models.frontends.registry import create, create_array, sample_rates

SECONDS = 1.7  # no whole number of frames at once


@pytest.mark.parametrize("name", DEFINITIONS)
def test_features_are_those_of_the_module_to_float16_precision(name):
    module, arrays = create(name, SECONDS), create_array(name, SECONDS)
    assert (arrays.frames, arrays.mels, arrays.samples) == (module.frames, module.mels, module.samples)
    random = np.random.default_rng(0)
    for level in (0.05, 1e-4, 0.0):
        clip = random.normal(0, level, module.samples).astype(np.float32)
        found = arrays(clip)
        wanted = module(torch.from_numpy(clip).unsqueeze(0))[0].numpy()
        step = np.finfo(np.float16).eps * max(1.0, np.abs(wanted).max())
        tolerance = step / 2 if level else step  # digital silence of `fbank` holds only rounding
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def test_clips_of_one_thread_do_not_change_each_other():
    """All front ends of a thread fill the same buffers; windows of 1024 and 800 samples differ in what stays zero."""
    panns, efficientat = create_array("panns", 1.0), create_array("efficientat", 1.0)
    noise = np.random.default_rng(0).normal(0, 0.05, 32_000).astype(np.float32)
    before = efficientat(noise)
    panns(noise)
    np.testing.assert_array_equal(efficientat(noise), before)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(efficientat))(noise), before)  # noqa: S301 - its own


def test_the_number_of_threads_of_blas_does_not_change_a_bit():
    noise = np.random.default_rng(0).normal(0, 0.05, 128_000).astype(np.float32)
    ast, found = create_array("ast", 8.0), []
    for threads in (1, 4):
        with threadpool_limits(limits=threads, user_api="blas"):
            found.append(ast(noise))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", sorted(sample_rates()))
def test_clips_that_a_front_end_does_not_take_are_refused(name):
    with pytest.raises(ValueError, match="shorter than one frame"):
        create_array(name, 0.01)


def test_names_and_lengths_are_refused_as_by_the_module():
    with pytest.raises(ValueError, match="`mfcc`; there are: ast, beats, clap, efficientat, fbank, panns"):
        create_array("mfcc", 8.0)
    with pytest.raises(ValueError, match=r"at most 10 s, not of 12 s; set frontends\.clap\.duration_s"):
        create_array("clap", 12.0)
