"use strict";
// Sorting of the tables, and runs that show themselves in table and picture at once. The page is whole without it.
for (const section of document.querySelectorAll("section.question")) {
  const rows = [...section.querySelectorAll("tr[data-run]")];
  const lines = [...section.querySelectorAll("path[data-run]")];
  const of = (run) => [...rows, ...lines].filter((each) => each.dataset.run === run);
  const show = (run) => {
    for (const each of [...rows, ...lines]) each.classList.remove("shown");
    for (const each of run ? of(run) : []) each.classList.add("shown");
    const line = lines.find((each) => each.dataset.run === run);
    if (line) line.parentNode.append(line); // above all others
  };
  for (const each of [...rows, ...lines]) {
    each.addEventListener("pointerenter", () => show(each.dataset.run));
    each.addEventListener("pointerleave", () => show(""));
    each.addEventListener("focusin", () => show(each.dataset.run));
    each.addEventListener("focusout", () => show(""));
  }
  for (const button of section.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.children[head.cellIndex].dataset.value;
      const text = head.dataset.kind === "text";
      const compare = (a, b) => {
        if (value(a) === "" || value(b) === "") return (value(a) === "") - (value(b) === ""); // unknown last
        const order = text ? value(a).localeCompare(value(b), "en", { numeric: true }) : value(a) - value(b);
        return down ? -order : order;
      };
      const body = head.closest("table").tBodies[0];
      body.append(...[...body.rows].sort(compare));
    });
  }

  // Dragging along an axis keeps the runs that cross it there; a click on it lets all come back. On the keyboard, arrows
  // move the stretch that is kept, with Shift its lower end, and Escape lets all come back.
  const picture = section.querySelector("svg.parallel");
  if (!picture) continue;
  const table = section.querySelector(".table");
  const kept = new Map();
  const crossing = new Map(lines.map((line) => {
    const numbers = line.getAttribute("d").slice(1).split(" ").map(Number);
    return [line.dataset.run, numbers.filter((_, place) => place % 2).map((height) => height / 10000)];
  }));
  const filter = () => {
    const out = (run) => crossing.has(run) && [...kept].some(([axis, [low, high]]) =>
      crossing.get(run)[axis] < low || crossing.get(run)[axis] > high);
    for (const each of [...rows, ...lines]) each.classList.toggle("out", out(each.dataset.run));
  };
  const heads = [...picture.querySelectorAll("text.head > title")].map((each) => each.textContent);
  picture.setAttribute("role", "group");
  section.querySelector(".filtering").hidden = false;
  picture.querySelectorAll("rect.brush").forEach((brush, axis) => {
    const range = picture.querySelectorAll("rect.range")[axis];
    const height = (event) => {
      const box = brush.getBoundingClientRect();
      return Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    };
    const keep = (low, high) => {
      if (high > low) kept.set(axis, [low, high]);
      else kept.delete(axis);
      const [from, to] = kept.get(axis) || [0, 0];
      range.setAttribute("y", `${100 * from}%`);
      range.setAttribute("height", `${100 * (to - from)}%`);
      filter();
      const left = lines.filter((line) => !line.classList.contains("out")).length;
      brush.setAttribute("aria-valuenow", Math.round(100 - 50 * (from + to)));
      brush.setAttribute("aria-valuetext", kept.has(axis)
        ? `${left} of ${lines.length} runs, from ${Math.round(100 - 100 * to)} to ${Math.round(100 - 100 * from)} % of the axis`
        : "all of the axis");
    };
    const about = `Keep runs by ${heads[axis]}: arrow keys move the stretch that is kept, with Shift its lower end, Escape lets all come back`;
    const slider = { tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100 };
    for (const [name, value] of Object.entries({ ...slider, "aria-label": about })) brush.setAttribute(name, value);
    keep(0, 0);
    brush.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -0.05, ArrowDown: 0.05 }[event.key];
      if (event.key !== "Escape" && step === undefined) return;
      event.preventDefault();
      table.style.minHeight = `${table.offsetHeight}px`;
      if (step === undefined) return keep(0, 0);
      const [low, high] = kept.get(axis) || (step < 0 ? [0.05, 0.3] : [0.7, 0.95]); // first the upper or the lower quarter
      if (event.shiftKey) return keep(Math.max(low, 0), Math.min(Math.max(high + step, low + 0.05), 1));
      const moved = Math.min(Math.max(low + step, 0), 1 - (high - low));
      keep(moved, moved + high - low);
    });
    let start = null;
    brush.addEventListener("pointerdown", (event) => {
      start = height(event);
      table.style.minHeight = `${table.offsetHeight}px`; // fewer rows must not move the picture
      brush.setPointerCapture(event.pointerId);
    });
    brush.addEventListener("pointermove", (event) => {
      if (start === null) return;
      const [low, high] = [start, height(event)].sort((a, b) => a - b);
      if (high - low > 0.01) keep(low, high);
      else keep(0, 0);
    });
    brush.addEventListener("pointerup", (event) => {
      if (start !== null && Math.abs(height(event) - start) <= 0.01) {
        keep(0, 0);
      }
      start = null;
    });
  });
}
