"use strict";

const RATE = 8000; // Hz, of the drawn sound: lung sounds are below 4 kHz
const TOP_HZ = 2000; // highest frequency of the spectrogram
const FFT = 512;
const RANGE_DB = 70;
const MAX_RECORD_S = 300;
const METHODS = { layer_cam: "Layer-CAM", gradient_attention: "attention × gradient" };
const MAP_COLOUR = "255, 140, 0";
const MAP_OPACITY = 0.65;

const element = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const state = { samples: null, seconds: 0, answer: null, sound: null, chosen: -1, stopAt: null, request: null };

// ---------------------------------------------------------------- requests

function headers(type) {
  const found = { "Content-Type": type };
  if (element("token")) found.Authorization = `Bearer ${element("token").value}`;
  return found;
}

async function ask(sound, format, signal) {
  const type = /^audio\/[\w.+-]+$/.test(sound.type) ? sound.type : "application/octet-stream";
  const url = format === "fhir" ? "predict?format=fhir" : "predict";
  const response = await fetch(url, { method: "POST", headers: headers(type), body: sound, signal });
  const answer = await response.json().catch(() => ({ detail: `The server answers ${response.status}.` }));
  if (!response.ok) throw new Refused(answer.detail, answer.next);
  return answer;
}

// A server with a token shows its model only to those who have the token.
async function showModel() {
  const response = await fetch("model", { headers: headers("application/json") });
  const found = await response.json().catch(() => ({ detail: `The server answers ${response.status}.` }));
  if (!response.ok) throw new Refused(found.detail, "enter the token of this server");
  element("model").replaceChildren("Model ", text("b", found.label), `: ${found.classes.join(", ")}`);
  element("banner").textContent = found.banner || "";
  const rows = Object.entries(found.facts).map(([name, value]) => {
    const made = document.createElement("div");
    made.append(text("dt", name), text("dd", value));
    return made;
  });
  element("facts").replaceChildren(...rows);
  element("model-card").hidden = rows.length === 0;
}

class Refused extends Error {
  constructor(what, next) {
    super(what);
    this.next = next;
  }
}

async function predict(sound, name) {
  state.request?.abort();
  state.request = new AbortController();
  const { signal } = state.request;
  element("error").hidden = true;
  element("result").hidden = true;
  const limit = Number(document.body.dataset.maxMb);
  try {
    if (element("token") && !element("token").value) {
      throw new Refused("This server needs a token.", "enter the token above, then choose the recording again");
    }
    if (sound.size > limit * 2 ** 20) {
      throw new Refused(`${name} is larger than ${limit} MB.`, "cut it into shorter parts, or save it as FLAC");
    }
    element("status").textContent = `Predicting ${name} …`;
    const [samples, answer] = await Promise.all([decoded(sound), ask(sound, "json", signal)]);
    Object.assign(state, { samples, answer, sound, chosen: -1, stopAt: null });
    state.seconds = answer.recording.seconds;
    show(name);
    element("status").textContent = "";
  } catch (error) {
    if (signal.aborted) return;
    element("status").textContent = "";
    showError(error, "check that the server is running, then try again");
  }
}

function showError(error, next) {
  const box = element("error");
  const what = error instanceof Refused ? error.message : `The server cannot be reached (${error.message}).`;
  box.replaceChildren(text("b", what), text("p", `Next: ${error.next || next}`));
  box.hidden = false;
}

// ---------------------------------------------------------------- sound

async function decoded(sound) {
  try {
    const context = new OfflineAudioContext(1, 1, RATE);
    const buffer = await context.decodeAudioData(await sound.arrayBuffer());
    const mixed = new Float32Array(buffer.length);
    for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
      buffer.getChannelData(channel).forEach((value, index) => (mixed[index] += value / buffer.numberOfChannels));
    }
    return mixed;
  } catch {
    return null; // a format that this browser does not decode; the server may
  }
}

function wav(parts, rate) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new DataView(new ArrayBuffer(44 + 2 * length));
  const word = (at, value) => [...value].forEach((one, index) => bytes.setUint8(at + index, one.charCodeAt(0)));
  word(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * length, true);
  word(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  word(36, "data");
  bytes.setUint32(40, 2 * length, true);
  let at = 44;
  for (const part of parts) {
    for (const value of part) {
      bytes.setInt16(at, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true);
      at += 2;
    }
  }
  return new Blob([bytes], { type: "audio/wav" });
}

let stopRecording = null;

async function record() {
  if (stopRecording) {
    stopRecording();
    return;
  }
  const button = element("record");
  const hint = element("recording");
  try {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const context = new AudioContext();
    await context.audioWorklet.addModule("recorder.js");
    const node = new AudioWorkletNode(context, "recorder");
    const parts = [];
    let length = 0;
    node.port.onmessage = (message) => {
      parts.push(message.data);
      length += message.data.length;
      hint.textContent = `${(length / context.sampleRate).toFixed(0)} s`;
      if (length > MAX_RECORD_S * context.sampleRate) stopRecording?.();
    };
    context.createMediaStreamSource(stream).connect(node);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop and predict";
    stopRecording = () => {
      stopRecording = null;
      stream.getTracks().forEach((track) => track.stop());
      const rate = context.sampleRate;
      context.close();
      button.setAttribute("aria-pressed", "false");
      button.textContent = "Record";
      predict(wav(parts, rate), "the recording");
    };
  } catch (error) {
    showError(new Refused(`The microphone cannot be used (${error.message}).`, "allow it for this page, or choose a file"));
  }
}

// ---------------------------------------------------------------- result

function text(tag, content, className) {
  const made = document.createElement(tag);
  made.textContent = content;
  if (className) made.className = className;
  return made;
}

const percent = (value) => `${Math.round(100 * value)} %`;
const seconds = (segment) => `${segment.start_s.toFixed(1)}–${segment.end_s.toFixed(1)} s`;

// Result of a segment, and the words below it.
function result(segment) {
  if (segment.decision === "not_judged") return ["not judged", segment.note];
  if (segment.decision === "uncertain") return ["uncertain", segment.classes.join(" or ") || "no class is plausible"];
  return [segment.predicted, segment.note];
}

const spoken = (segment) => `${seconds(segment)}: ${result(segment).filter(Boolean).join(", ")}`;

function keyClass(segment) {
  const index = Object.keys(segment.probabilities || {}).indexOf(segment.predicted);
  return segment.decision === "not_judged" || index < 0 ? "none" : `key${index % 7}`;
}

function show(name) {
  const { answer } = state;
  element("result").hidden = false;
  element("heading").textContent = `Result of ${name}`;
  element("summary").textContent = answer.recording.summary;
  element("notes").replaceChildren(...answer.recording.notes.map((note) => text("li", note)));
  element("rows").replaceChildren(...answer.segments.map(row));
  element("figure").hidden = !state.samples;
  if (!state.samples) {
    element("notes").append(text("li", "This browser cannot decode the format, so the sound is neither drawn nor played."));
  }
  const player = element("player");
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(state.sound);
  player.hidden = !state.samples;
  const [mapped] = answer.segments.filter((segment) => segment.map);
  element("map-choice").hidden = !mapped;
  if (mapped) element("map-method").textContent = METHODS[mapped.map.method];
  legend();
  draw();
  element("result").focus({ preventScroll: true });
  element("result").scrollIntoView({ block: "start", behavior: "smooth" });
}

function row(segment, index) {
  const made = document.createElement("tr");
  const button = text("button", `▶ ${seconds(segment)}`);
  button.type = "button";
  button.setAttribute("aria-label", `Play ${spoken(segment)}`);
  button.addEventListener("click", () => choose(index, true));
  const first = document.createElement("td");
  first.append(button);
  const second = document.createElement("td");
  const [words, below] = result(segment);
  second.append(text("b", words, keyClass(segment)));
  if (below) second.append(text("small", below));
  const third = document.createElement("td");
  if (segment.confidence === null) third.append("–");
  else {
    const bar = text("span", "", "bar");
    bar.append(document.createElement("i"));
    bar.firstChild.style.width = percent(segment.confidence).replace(" ", "");
    third.append(percent(segment.confidence), bar);
    third.title = Object.entries(segment.probabilities).map(([key, value]) => `${key} ${percent(value)}`).join(", ");
  }
  made.append(first, second, third);
  return made;
}

function legend() {
  const shown = new Map();
  for (const segment of state.answer.segments) {
    const key = keyClass(segment);
    if (!shown.has(key)) shown.set(key, text("span", key === "none" ? "not judged" : segment.predicted, key));
  }
  const doubtful = state.answer.segments.some((one) => one.decision === "uncertain" || one.decision === "unlike");
  if (doubtful) shown.set("pale", text("span", "paler: uncertain, or unlike what was learned", "pale"));
  element("legend").replaceChildren(...shown.values());
}

function choose(index, play) {
  state.chosen = index;
  [...element("rows").children].forEach((one, at) => one.classList.toggle("chosen", at === index));
  placeMarks();
  const segment = state.answer.segments[index];
  const player = element("player");
  if (play && !player.hidden) {
    player.currentTime = segment.start_s;
    state.stopAt = segment.end_s;
    player.play().catch(() => {});
  }
}

function placeMarks() {
  const segment = state.answer?.segments[state.chosen];
  const box = element("selected");
  box.hidden = !segment;
  if (segment) {
    box.style.left = `${(100 * segment.start_s) / state.seconds}%`;
    box.style.width = `${(100 * (segment.end_s - segment.start_s)) / state.seconds}%`;
  }
  const cursor = element("cursor");
  const { currentTime } = element("player");
  cursor.hidden = !currentTime;
  cursor.style.left = `${(100 * currentTime) / state.seconds}%`;
}

async function save(format) {
  try {
    const content = format === "fhir" ? await ask(state.sound, "fhir") : state.answer;
    const link = document.createElement("a");
    const blob = new Blob([JSON.stringify(content, null, 2)], { type: "application/json" });
    link.href = URL.createObjectURL(blob);
    link.download = format === "fhir" ? "prediction.fhir.json" : "prediction.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  } catch (error) {
    showError(error, "try again");
  }
}

// ---------------------------------------------------------------- drawings

function canvas(id) {
  const found = element(id);
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const height = Number(found.dataset.height || found.height);
  found.dataset.height = height;
  found.style.height = `${height}px`;
  found.width = Math.max(1, Math.round(found.clientWidth * scale));
  found.height = Math.round(height * scale);
  return [found.getContext("2d"), found.width, found.height, scale];
}

function draw() {
  if (!state.answer || !state.samples) return;
  drawWave();
  drawLanes();
  drawSpectrogram();
  placeMarks();
}

function drawWave() {
  const [context, width, height] = canvas("wave");
  const { samples } = state;
  let peak = 1e-9;
  for (const value of samples) peak = Math.max(peak, Math.abs(value));
  context.fillStyle = style("--muted");
  for (let x = 0; x < width; x += 1) {
    const from = Math.floor((x * samples.length) / width);
    const to = Math.max(from + 1, Math.floor(((x + 1) * samples.length) / width));
    let low = 0;
    let high = 0;
    for (let index = from; index < to; index += 1) {
      low = Math.min(low, samples[index]);
      high = Math.max(high, samples[index]);
    }
    const top = height / 2 - (high / peak) * height * 0.46;
    context.fillRect(x, top, 1, Math.max(1, ((high - low) / peak) * height * 0.46));
  }
  element("wave").setAttribute("aria-label", `Waveform of ${state.seconds.toFixed(1)} seconds`);
}

function drawLanes() {
  const [context, width, height, scale] = canvas("lanes");
  context.fillStyle = style("--soft");
  context.fillRect(0, 0, width, height);
  context.font = `600 ${12 * scale}px ${style("--font")}`;
  context.textBaseline = "middle";
  const from = starts(width);
  for (const [index, segment] of state.answer.segments.entries()) {
    const left = from[index];
    const wide = (width * segment.end_s) / state.seconds - left;
    const key = keyClass(segment);
    context.fillStyle = style(key === "none" ? "--muted" : `--c${key.slice(3)}`);
    context.globalAlpha = segment.decision === "judged" ? 1 : 0.45;
    context.fillRect(left + 1, 3 * scale, Math.max(1, wide - 2), height - 6 * scale);
    context.globalAlpha = 1;
    const words = segment.decision === "unlike" ? "unlike" : result(segment)[0];
    if (context.measureText(words).width < wide - 10 * scale) {
      context.fillStyle = segment.decision === "judged" ? style("--card") : style("--ink");
      context.fillText(words, left + 6 * scale, height / 2);
    }
  }
  element("lanes").setAttribute("aria-label", `Segments: ${state.answer.segments.map(spoken).join("; ")}`);
}

// Magma at eight places, from dark to bright.
const COLOURS = [[0, 0, 4], [29, 17, 71], [81, 18, 124], [131, 38, 129], [183, 55, 121], [230, 81, 100], [251, 136, 97], [252, 253, 191]];

function colour(share) {
  const place = Math.max(0, Math.min(0.9999, share)) * (COLOURS.length - 1);
  const index = Math.floor(place);
  return COLOURS[index].map((low, part) => low + (COLOURS[index + 1][part] - low) * (place - index));
}

function powers(samples, at, real, imaginary, hann) {
  for (let index = 0; index < FFT; index += 1) {
    real[index] = (samples[at + index] || 0) * hann[index];
    imaginary[index] = 0;
  }
  for (let index = 1, reversed = 0; index < FFT; index += 1) {
    let bit = FFT >> 1;
    for (; reversed & bit; bit >>= 1) reversed ^= bit;
    reversed ^= bit;
    if (index < reversed) [real[index], real[reversed]] = [real[reversed], real[index]];
  }
  for (let size = 2; size <= FFT; size *= 2) {
    const angle = (-2 * Math.PI) / size;
    for (let half = 0; half < size / 2; half += 1) {
      const cosine = Math.cos(angle * half);
      const sine = Math.sin(angle * half);
      for (let first = half; first < FFT; first += size) {
        const second = first + size / 2;
        const x = real[second] * cosine - imaginary[second] * sine;
        const y = real[second] * sine + imaginary[second] * cosine;
        real[second] = real[first] - x;
        imaginary[second] = imaginary[first] - y;
        real[first] += x;
        imaginary[first] += y;
      }
    }
  }
}

function drawSpectrogram() {
  const [context, width, height, scale] = canvas("spectrogram");
  const bins = Math.round((TOP_HZ / RATE) * FFT);
  const columns = Math.min(width, 600);
  const hann = Float64Array.from({ length: FFT }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / FFT));
  const [real, imaginary] = [new Float64Array(FFT), new Float64Array(FFT)];
  const levels = new Float32Array(columns * bins);
  let highest = -Infinity;
  for (let column = 0; column < columns; column += 1) {
    const at = Math.round(((column + 0.5) * state.samples.length) / columns - FFT / 2);
    powers(state.samples, at, real, imaginary, hann);
    for (let bin = 0; bin < bins; bin += 1) {
      const level = 10 * Math.log10(real[bin] ** 2 + imaginary[bin] ** 2 + 1e-12);
      levels[column * bins + bin] = level;
      highest = Math.max(highest, level);
    }
  }
  const image = new ImageData(columns, bins);
  for (let column = 0; column < columns; column += 1) {
    for (let bin = 0; bin < bins; bin += 1) {
      const place = 4 * ((bins - 1 - bin) * columns + column);
      image.data.set([...colour(1 + (levels[column * bins + bin] - highest) / RANGE_DB), 255], place);
    }
  }
  const small = new OffscreenCanvas(columns, bins);
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, width, height);
  const from = starts(width);
  state.answer.segments.forEach((segment, index) => {
    if (segment.map && element("map").checked) drawMap(segment, context, from[index]);
  });
  context.font = `${11 * scale}px ${style("--font")}`;
  context.fillStyle = "#ffffff";
  for (const hertz of [500, 1000, 1500]) {
    const y = height * (1 - hertz / TOP_HZ);
    context.globalAlpha = 0.35;
    context.fillRect(0, y, width, 1);
    context.globalAlpha = 1;
    context.fillText(`${hertz} Hz`, 4 * scale, y - 3 * scale);
  }
  const label = `Spectrogram from 0 to ${TOP_HZ} hertz, ${state.seconds.toFixed(1)} seconds`;
  element("spectrogram").setAttribute("aria-label", label);
}

// Edges between the centres of cells; the first and the last cell reach to the ends.
function edges(centres, first, last) {
  return [first, ...centres.slice(1).map((value, index) => (value + centres[index]) / 2), last];
}

// Start of each segment on the canvas, behind the end of the one before: the last window overlaps it.
function starts(width) {
  let end = 0;
  return state.answer.segments.map((segment) => {
    const left = Math.round((width * Math.max(segment.start_s, end)) / state.seconds);
    end = Math.max(end, segment.end_s);
    return left;
  });
}

function drawMap(segment, context, from) {
  const { width, height } = context.canvas;
  const { seconds: columns, hertz, values } = segment.map;
  const times = edges(columns, 0, segment.end_s - segment.start_s);
  const heights = edges(hertz, 0, Math.max(hertz.at(-1), TOP_HZ));
  values.forEach((rows, column) => {
    const left = Math.max(from, Math.round((width * (segment.start_s + times[column])) / state.seconds));
    const right = Math.round((width * (segment.start_s + times[column + 1])) / state.seconds);
    if (right <= left) return;
    rows.forEach((value, row) => {
      const bottom = Math.round(height * (1 - heights[row] / TOP_HZ));
      const top = Math.round(height * (1 - heights[row + 1] / TOP_HZ));
      if (bottom <= 0 || value <= 0) return;
      context.fillStyle = `rgba(${MAP_COLOUR}, ${MAP_OPACITY * value})`;
      context.fillRect(left, top, right - left, bottom - top);
    });
  });
}

// ---------------------------------------------------------------- events

element("token")?.addEventListener("change", () => {
  element("error").hidden = true;
  showModel().catch((error) => showError(error, "check that the server is running, then try again"));
});
element("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) predict(file, file.name);
  event.target.value = ""; // the same file can be chosen again
});
const drop = element("drop");
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) predict(file, file.name);
});
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
if (navigator.mediaDevices && window.AudioWorkletNode) element("record").addEventListener("click", record);
else {
  element("record").disabled = true;
  element("recording").textContent = "Recording needs https, or this server on the same machine";
}
element("map").addEventListener("change", draw);
element("save-json").addEventListener("click", () => save("json"));
element("save-fhir").addEventListener("click", () => save("fhir"));
for (const id of ["wave", "lanes", "spectrogram"]) {
  element(id).addEventListener("click", (event) => {
    const time = (event.offsetX / event.target.clientWidth) * state.seconds;
    const index = state.answer.segments.findIndex((one) => one.start_s <= time && time < one.end_s);
    if (index >= 0) choose(index, true);
  });
}
element("player").addEventListener("timeupdate", (event) => {
  if (state.stopAt !== null && event.target.currentTime >= state.stopAt) {
    event.target.pause();
    state.stopAt = null;
  }
  placeMarks();
});
element("player").addEventListener("seeking", (event) => {
  if (state.stopAt !== null && event.target.currentTime > state.stopAt) state.stopAt = null;
});
new ResizeObserver(draw).observe(element("figure"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
