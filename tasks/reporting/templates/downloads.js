// Buttons that save each table as CSV and each figure as SVG. Nothing is loaded or sent.
"use strict";
(() => {
  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const button = (label, title, name, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.title = title;
    made.setAttribute("aria-label", `${label} of ${name}`);
    made.addEventListener("click", action);
    return made;
  };
  const row = (after, made) => {
    const line = document.createElement("div");
    line.className = "downloads";
    line.append(made);
    after.after(line);
  };
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });
  const titleOf = (element) => {
    // The last heading above the element; a card may have several.
    const own = [...(element.closest(".card")?.querySelectorAll("h3") ?? [])];
    const above = own.filter((one) => one.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
    return (above.at(-1) ?? element.closest("section").querySelector("h2")).textContent.trim();
  };
  const nameOf = (element, number) => `breathline-${element.closest("section").id}-${number}`;
  // Spreadsheets and pandas read a number with a hyphen, and take one with a minus sign for a text.
  const textOf = (cell) => cell.innerText.replace(/\s+/g, " ").trim().replaceAll("\u2212", "-");
  const quoted = (cell) => `"${textOf(cell).replaceAll('"', '""')}"`;
  const csv = (table) => [...table.rows].map((line) =>
    [...line.cells].flatMap((cell) => [quoted(cell), ...Array(cell.colSpan - 1).fill('""')]).join(",")
  ).join("\r\n") + "\r\n";
  const svg = (drawing) => {
    // The colours of the page are variables: the file takes their present values.
    const style = getComputedStyle(document.documentElement);
    const text = new XMLSerializer().serializeToString(drawing);
    return text.replace(/var\((--[a-z0-9]+)\)/g, (_, name) => style.getPropertyValue(name).replaceAll('"', "'").trim());
  };
  for (const section of document.querySelectorAll("main > section")) {
    section.querySelectorAll("table").forEach((table, index) => row(
      table.closest(".scroll"),
      button("CSV", "Save this table", `${titleOf(table)}, table ${index + 1}`, () => save(`${nameOf(table, index + 1)}.csv`, "text/csv", "\ufeff" + csv(table)))
    ));
    section.querySelectorAll("figure svg").forEach((drawing, index) => {
      if (drawing.closest(".on-narrow")) return;
      const twin = drawing.closest(".on-wide")?.nextElementSibling;
      row(twin ?? drawing, button("SVG", "Save this figure", drawing.getAttribute("aria-label"), () =>
        save(`${nameOf(drawing, index + 1)}.svg`, "image/svg+xml", svg(drawing))));
    });
  }
})();
