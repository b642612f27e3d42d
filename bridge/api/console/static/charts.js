// Draws a connector's series. Colours come from the page's own, so that both themes can be read; the table has the same numbers.
"use strict";
(() => {
  const drawn = new Map();

  function colour(name) {  // light-dark() is resolved in a property only
    const probe = document.createElement("i");
    probe.className = `colour-${name}`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  function options(holder) {
    const ink = colour("ink"), line = colour("line"), data = colour("accent");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui" };
    return {
      width: holder.clientWidth, height: 180, legend: { show: false }, cursor: { drag: { x: false, y: false } },
      series: [{}, { stroke: data, width: 2, spanGaps: false, points: { show: false } }],
      axes: [{ ...axis, values: (_, at) => at.map((s) => new Date(s * 1000).toISOString().slice(11, 16)) }, { ...axis, size: 56 }],
      scales: { y: { range: (_, low, high) => [0, Math.max(high || 0, 0.001) * 1.1] } },
    };
  }

  function draw(told) {
    const at = told.at.map((ms) => ms / 1000);
    document.querySelectorAll(".chart").forEach((holder) => {
      const data = [at, told[holder.dataset.key]];
      const chart = drawn.get(holder);
      if (chart) { chart.setData(data); return; }
      holder.textContent = "";
      drawn.set(holder, new uPlot(options(holder), data, holder));
    });
    const message = document.querySelector("[data-series]").dataset;
    message.state = told.message || "";
    table(told);
  }

  function table(told) {
    const place = document.querySelector("[data-table]");
    if (!place.closest("details").open) return;
    const head = document.createElement("table");
    const add = (row, texts, cell) => texts.forEach((text) => { const made = document.createElement(cell); made.textContent = text; if (cell === "th") made.scope = "col"; row.append(made); });
    add(head.createTHead().insertRow(), ["Time (UTC)", "Events a second", "Lag (s)", "Commit (s)", "Errors"], "th");
    const body = head.createTBody();
    told.at.forEach((ms, i) => add(body.insertRow(-1), [new Date(ms).toISOString().slice(11, 19), ...["events", "lag", "commit", "errors"].map((key) => told[key][i] ?? "–")], "td"));
    head.className = "list numbers-table";
    place.replaceChildren(head);
  }

  async function load() {
    const holder = document.querySelector("[data-series]");
    if (!holder || document.hidden) return;
    try {
      const answer = await fetch(holder.dataset.series, { headers: { Accept: "application/json" } });
      if (answer.ok) draw(await answer.json());
    } catch { /* the next one may be answered */ }
  }

  function again() {
    drawn.forEach((chart) => chart.destroy());
    drawn.clear();
    load();
  }

  document.addEventListener("DOMContentLoaded", () => {
    load();
    setInterval(load, 5000);
    document.addEventListener("themechange", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    document.querySelector("details.table")?.addEventListener("toggle", load);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; again(); } });
  });
})();
