"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.querySelector("svg"), panel = document.querySelector("aside");
const boxes = new Map([...document.querySelectorAll(".box")].map(box => [box.dataset.id, box]));
const arrows = [...document.querySelectorAll(".arrow")];

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  if (text !== null) element.textContent = text;
  element.append(...children);
  return element;
}

// All boxes that lead to one, or that it leads to; not the siblings on either way.
function reached(id, from, to) {
  const found = new Set([id]), waiting = [id];
  while (waiting.length) {
    const now = waiting.pop();
    for (const arrow of data.arrows)
      if (arrow[from] === now && !found.has(arrow[to])) { found.add(arrow[to]); waiting.push(arrow[to]); }
  }
  return found;
}

function shown(value) {
  if (value === null) return make("span", "–");
  if (typeof value !== "object") return make("span", String(value));
  if (Array.isArray(value) && value.length <= 6 && value.every(one => typeof one !== "object"))
    return make("span", value.join(", "));
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  return make("details", null, make("summary", size + (size === 1 ? " entry" : " entries")), make("pre", JSON.stringify(value, null, 1)));
}

function facts(found) {
  const table = make("table", null);
  for (const [key, value] of Object.entries(found))
    table.append(make("tr", null, make("td", key), make("td", null, shown(value))));
  return table;
}

function links(title, pairs) {
  if (!pairs.length) return [];
  const list = make("div", null);
  for (const [id, how] of pairs) {
    const button = make("button", (how ? how + " · " : "") + data.boxes[id].label);
    button.onclick = () => choose(id, true);
    list.append(make("div", null, button));
  }
  return [make("h3", title), list];
}

function members(box) {
  if (box.members.length === 1) return [facts(box.members[0].facts)];
  const search = make("input", null), list = make("div", null);
  search.type = "search"; search.placeholder = "find among " + box.members.length;
  const fill = () => {
    const found = box.members.filter(one => one.name.toLowerCase().includes(search.value.toLowerCase()));
    list.replaceChildren(...found.map(one => {
      const details = make("details", null, make("summary", one.name));
      details.ontoggle = () => { if (details.children.length === 1) details.append(facts(one.facts)); };
      return details;
    }));
  };
  search.oninput = fill;
  fill();
  return [search, list];
}

// Code and environment of a stage.
function inputs(name) {
  return data.inputs[name].map(id => make("div", null, make("h3", data.aside[id].label), facts(data.aside[id].facts)));
}

function stages(names) {
  if (!names.length) return [];
  return [make("h3", "made by"), ...names.map(name =>
    make("details", null, make("summary", name), facts(data.stages[name]), ...inputs(name)))];
}

function reruns() {
  if (!data.reruns.length) return [];
  const table = make("table", null, make("tr", null, ...["stage", "learned", "why"].map(word => make("th", word))));
  for (const [stage, why, learned] of data.reruns) {
    const word = make("td", learned ? "yes" : "no");
    if (learned) word.className = "yes";
    table.append(make("tr", null, make("td", stage), word, make("td", why)));
  }
  return [make("h3", "without it these stages run again"), table];
}

function choose(id, move) {
  const box = data.boxes[id], on = new Set([...reached(id, 1, 0), ...reached(id, 0, 1)]);
  const before = reached(id, 1, 0), after = reached(id, 0, 1);
  svg.classList.toggle("focused", id !== data.root);
  for (const [name, element] of boxes) {
    element.classList.toggle("on", on.has(name));
    element.classList.toggle("chosen", name === id);
  }
  for (const arrow of arrows) {
    const {cause, effect} = arrow.dataset;
    arrow.classList.toggle("on", id !== data.root && ((before.has(cause) && before.has(effect)) || (after.has(cause) && after.has(effect))));
  }
  panel.replaceChildren(
    make("h2", box.label), ...(id === data.root ? reruns() : []), ...members(box),
    ...links("made of", data.arrows.filter(arrow => arrow[1] === id).map(arrow => [arrow[0], arrow[2]])),
    ...links("influenced", data.arrows.filter(arrow => arrow[0] === id).map(arrow => [arrow[1], arrow[2]])),
    ...stages(box.made_by), ...(box.kind === "stage" ? inputs(box.members[0].name) : []));
  panel.scrollTop = 0;
  if (move) boxes.get(id).scrollIntoView({block: "center", inline: "center", behavior: "smooth"});
}

for (const [id, box] of boxes) {
  box.onclick = () => choose(id, false);
  box.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(id, false); } };
}
// A wide graph fits the window at first; at its own size it scrolls.
const graph = document.getElementById("graph"), size = document.getElementById("size");
function resize(large) {
  graph.classList.toggle("large", large);
  size.textContent = large ? "fit to the window" : "larger";
  size.hidden = parseFloat(svg.style.width) <= graph.clientWidth;
}
size.onclick = () => {
  resize(!graph.classList.contains("large"));
  document.querySelector(".chosen").scrollIntoView({block: "nearest", inline: "center"});
};
window.addEventListener("resize", () => resize(graph.classList.contains("large")));
resize(false);
choose(data.root, false);
boxes.get(data.root).scrollIntoView({block: "nearest", inline: "center"});
