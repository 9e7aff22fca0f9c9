"""The few lines of script: a button that copies a table. Without them nothing else is missing."""

from __future__ import annotations

#: Copies exact values where a cell knows them, and else what it says. A text that a spreadsheet
#: would take for a formula gets an apostrophe before it.
SCRIPT = """
"use strict";
function cell(one) {
  const data = one.querySelector("data");
  if (data) return data.value;
  const text = one.textContent.replace(/\\s+/g, " ").trim();
  return /^[=+\\-@]/.test(text) ? "'" + text : text;
}
function figures(table) {
  const line = (row) => Array.from(row.cells, cell).join("\\t") + "\\n";
  return Array.from(table.rows, line).join("");
}
function select(table) {
  getSelection().selectAllChildren(table);
}
async function copy(table, say) {
  const text = figures(table);
  try {
    await navigator.clipboard.writeText(text);
    say.textContent = "Copied.";
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("aria-label", "Figures to copy");
    table.after(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    say.textContent = done ? "Copied." : "Selected: copy it with your keyboard.";
    if (!done) select(table);
  }
}
for (const tools of document.querySelectorAll(".tools")) {
  const button = tools.querySelector("button");
  const table = document.getElementById(button.dataset.table);
  const say = tools.querySelector("output");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(table, say);
    button.focus();
  });
}
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
});
"""
