"""Malformed and hostile requests, as bytes, by seeded random numbers."""

import io
import random
import struct
import zlib

import numpy as np
import soundfile

BOUNDARY = "b0undary"
NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\system32\\config",
    "/etc/shadow",
    "a\r\nX-Injected: 1.wav",
    "\x1b[31mred\x1b[0m.wav",
    "<script>alert(1)</script>.wav",
    "x" * 5000 + ".wav",
    "\u202egnp.wav",
    "$(touch pwned).wav",
    "a.wav; rm -rf ~",
    "",
    ".",
    "..",
    "CON",
    "file:///etc/passwd",
]


def sound(seconds=2.0, rate=4000, container="WAV", *, channels=1, seed=0):
    """Return the bytes of a file with noise."""
    samples = np.random.default_rng(seed).normal(0, 0.1, (int(seconds * rate), channels)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container)
    return file.getvalue()


def silence(seconds, channels):
    """Return a small FLAC at 48 kHz, of which each second and channel takes 192 kB as float32."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros((seconds * 48000, channels), np.int16), 48000, format="FLAC")
    return file.getvalue()


def request(body, content_type="audio/wav", *, path="/predict", headers=(), length=None, host="127.0.0.1"):
    """Return a request as bytes; `length` replaces the true length of the body."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Connection: close", f"Content-Type: {content_type}"]
    lines += [f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def form(body, name="a.wav", *, field="file", boundary=BOUNDARY, ended=True):
    """Return a form with a file as bytes."""
    quoted = name.replace('"', "%22").encode("utf-8", "surrogateescape").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="'.encode() + quoted
    end = f"\r\n--{boundary}--\r\n".encode() if ended else b""
    return head + b'"\r\nContent-Type: audio/wav\r\n\r\n' + body + end


def annotated(body, annotation, name):
    """Return a form with a recording and its annotation as bytes."""
    return form(body).removesuffix(f"--{BOUNDARY}--\r\n".encode()) + form(annotation, name, field="annotation")


FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def requests(count, seed=0):
    """Yield a name and the bytes of each request; the kinds take turns."""
    numbers = random.Random(seed)
    kinds = [
        _random_bytes,
        _cut_off,
        _flipped,
        _odd_name,
        _bad_form,
        _odd_header,
        _odd_length,
        _text,
        _odd_wav,
        _archive,
    ]
    for index in range(count):
        kind = kinds[index % len(kinds)]
        yield f"{index}: {kind.__name__[1:]}", kind(numbers)


def _random_bytes(numbers):
    body = numbers.randbytes(numbers.choice([0, 1, 10, 1000, 100_000]))
    return request(body, numbers.choice(["audio/wav", "audio/flac", "application/octet-stream", FORM_TYPE]))


def _cut_off(numbers):
    body = sound(container=numbers.choice(["WAV", "FLAC", "OGG", "MP3", "AIFF"]), seed=numbers.randrange(5), rate=8000)
    return request(body[: numbers.randrange(len(body))], "application/octet-stream")


def _flipped(numbers):
    body = bytearray(sound(0.5, container=numbers.choice(["WAV", "FLAC", "OGG", "AIFF", "AU", "CAF"]), rate=8000))
    for _ in range(numbers.choice([1, 10, 100])):
        body[numbers.randrange(min(len(body), 200))] = numbers.randrange(256)
    return request(bytes(body), "audio/x-unknown")


def _odd_name(numbers):
    return request(form(sound(0.5), numbers.choice(NAMES)), FORM_TYPE)


def _bad_form(numbers):
    body = sound(0.3)
    choices = [
        form(body, ended=False),
        form(body, field="other"),
        form(body, boundary="another"),
        form(body) * 3,
        annotated(body, numbers.randbytes(1000), "a.txt"),
        annotated(body, b"0\t1e308\t9\t9\n" * 1000, "../../a.TSV"),
        annotated(body, b'{"record_annotation": ' + b"[" * 10_000, "a.json"),
        form(body).replace(b"Content-Disposition", b"Content-Nonsense"),
        form(body).replace(b"\r\n", b"\n"),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--{BOUNDARY}--\r\n'.encode(),
        b"--" * 5000,
        f"--{BOUNDARY}\r\n".encode() * 2000,
        f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 200_000,
        b"",
    ]
    kinds = [FORM_TYPE, "multipart/form-data", "multipart/form-data; boundary=", f"{FORM_TYPE}; charset=utf-7"]
    return request(numbers.choice(choices), numbers.choice(kinds))


def _odd_header(numbers):
    headers = [
        ["Content-Encoding: gzip"],
        ["Expect: 100-continue"],
        ["Transfer-Encoding: chunked"],
        [f"X-Big: {'x' * numbers.choice([1000, 70_000, 300_000])}"],
        [f"X-{number}: y" for number in range(300)],
        ["Authorization: Bearer " + "x" * 1000],
        ["Accept: application/fhir+json, */*;q=0"],
        ["Origin: http://evil.example"],
        ["Origin: null"],
        ["Upgrade: websocket", "Connection: Upgrade"],
        ["Upgrade: h2c"],
        ["Range: bytes=0-10"],
        ["Content-Length: 3"],
        ["Bad header without colon"],
        ["X-Nul: \x00"],
    ]
    host = numbers.choice(["127.0.0.1", "localhost:1", "evil.example", "", "[", "127.0.0.1@evil.example"])
    path = numbers.choice(
        ["/predict", "/predict?format=xml", "/predict?format=fhir", "/../etc/passwd", "/%2e%2e/", "//"]
    )
    return request(sound(0.3), path=path, headers=numbers.choice(headers), host=host)


def _odd_length(numbers):
    body = sound(0.3)
    length = numbers.choice([0, 1, len(body) - 1, len(body) + 1, 10**12, -1, "abc", 10**30])
    return request(body, length=length)


def _text(numbers):
    body = numbers.choice(
        [b"{}", b"<xml/>", b"file=@/etc/passwd", b"\xff\xfe", b"GIF89a", b"%PDF-1.7", b"MZ", b"#!/bin/sh\n"]
    )
    kinds = ["application/json", "text/plain", "audio/wav", "application/x-www-form-urlencoded", "", "audio/", "*/*"]
    return request(body * numbers.choice([1, 100]), numbers.choice(kinds))


def _odd_wav(numbers):
    rate = numbers.choice([0, 1, 999, 4000, 384_001, 2**31])
    channels = numbers.choice([0, 1, 33, 65535])
    bits = numbers.choice([0, 8, 16, 17, 64])
    stated = numbers.choice([0, 10, 2**31, 2**32 - 1])
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", stated, b"WAVEfmt ", 16, 1, channels, rate, rate, 2, bits, b"data", stated
    )
    return request(head + numbers.randbytes(numbers.choice([0, 100, 4000])))


def _archive(numbers):
    packed = zlib.compress(bytes(10**6))
    body = numbers.choice(
        [b"PK\x03\x04" + packed, b"\x1f\x8b\x08\x00" + packed, b"fLaC" + packed, b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"]
    )
    return request(body, numbers.choice(["audio/flac", "application/octet-stream", "audio/mpeg"]))
