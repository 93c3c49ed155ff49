"""Fourier transforms by SciPy's compiled module, against those of its package."""

import sys

import numpy as np
import pytest

from models.frontends import fourier


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_both_ways_give_equal_bits(kind):
    rows = np.random.default_rng(0).normal(size=(7, 512)).astype(kind)
    by_module = fourier.by_module()
    assert by_module is not None, "SciPy has moved its module: the stages import scipy.fft again, in 0.2 s"
    np.testing.assert_array_equal(by_module(rows), fourier.by_package()(rows))
    np.testing.assert_allclose(by_module(rows), np.fft.rfft(rows.astype(np.float64)), rtol=0, atol=1e-4)


def test_without_scipy_numpy_transforms(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(7, 512)).astype(np.float32)
    expected = fourier.by_package()(rows)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.delitem(sys.modules, "scipy.fft", raising=False)
    found = fourier.by_package()(rows)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_without_the_module_the_package_is_used(monkeypatch):
    monkeypatch.setattr(fourier, "EXTENSION_SUFFIXES", [".of another system"])
    assert fourier.by_module() is None
