// Sort a table by a click or the Enter key on a heading; filter its rows by a text.
for (const table of document.querySelectorAll("table.sortable")) {
  new Tablesort(table);
  const headings = table.tHead.rows[table.tHead.rows.length - 1].cells;
  for (const heading of headings) {
    if (heading.dataset.sortMethod === "none") continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.removeAttribute("tabindex");
  }
}
for (const table of document.querySelectorAll("table[data-filter]")) {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  if (rows.length < 8) continue;
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const label = document.createElement("label");
  label.className = "filter";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = table.dataset.filter;
  input.setAttribute("aria-label", table.dataset.filter);
  const shown = document.createElement("span");
  shown.setAttribute("role", "status");
  shown.textContent = `${rows.length} rows`;
  label.append(input, shown);
  table.parentElement.before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, place) => {
      row.hidden = !texts[place].includes(wanted);
      if (!row.hidden) count += 1;
    });
    shown.textContent = `${wanted ? `${count} of ` : ""}${rows.length} rows`;
  });
}
