// The page: what is chosen, and what is drawn of it.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const OBJECTIVES = DATA.objectives;
const WIDE = 5; // from this ratio of largest to smallest on, costs have a logarithmic axis
const byId = (id) => document.getElementById(id);
const apart = (a, b) => a.reduce((sum, weight, index) => sum + (weight - b[index]) ** 2, 0);

const GRID = gridOfPreferences();
const state = { wanted: GRID[Math.floor(GRID.length / 2)], hidden: new Set(), played: 0 };

// All preferences of all targets, in the order of their weights.
function gridOfPreferences() {
  const different = new Map(DATA.targets.flatMap((target) => target.preferences).map((one) => [one.join(), one]));
  return [...different.values()].sort((a, b) => a.map((weight, index) => weight - b[index]).find((gap) => gap) ?? 0);
}

function nearest(preferences, wanted) {
  let best = 0;
  preferences.forEach((one, index) => { if (apart(one, wanted) < apart(preferences[best], wanted)) best = index; });
  return best;
}

const shownTargets = () => DATA.targets.map((target, index) => [target, index]).filter(([, index]) => !state.hidden.has(index));
const chosenOf = (target) => nearest(target.preferences, state.wanted);
const weightsOf = (preference) => preference.map((weight, index) => `${words(OBJECTIVES[index].name)} ${number(weight, 3)}`).join(", ");
const words = (name) => name.replaceAll("_", " ");
const widthOf = (element, least = 240) => Math.max(least, Math.floor(element.clientWidth));

// Room of one chart in a grid of charts, which stand side by side where two fit.
function roomIn(grid, wanted = 460) {
  const columns = Math.max(1, Math.floor((grid.clientWidth + 20) / (wanted + 20)));
  return Math.max(240, Math.floor((grid.clientWidth - 20 * (columns - 1)) / columns));
}

// Fronts

function axisOf(objective) {
  const targets = shownTargets().map(([target]) => target);
  const values = targets.flatMap((target) => target.mean.flatMap((point, k) => (
    [point[objective] - (target.ci95[k][objective] ?? 0), point[objective] + (target.ci95[k][objective] ?? 0)]
  )));
  const means = targets.flatMap((target) => target.mean.map((point) => point[objective]));
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const log = !OBJECTIVES[objective].higher_is_better && least > 0 && most > WIDE * least;
  if (!log) {
    const [low, high] = range(values);
    return { low, high, log };
  }
  return { low: least / 1.1, high: most * 1.1, log };
}

function drawFronts() {
  const area = byId("front");
  area.replaceChildren();
  const count = OBJECTIVES.length;
  area.classList.toggle("small", count > 2);
  const entries = shownTargets().map(([target, index]) => ({ name: target.label, fill: target.colour, index }));
  if (count === 1) area.append(figure(OBJECTIVES[0].label, singles(widthOf(area)), entries, { class: "wide" }));
  for (let upwards = 1; upwards < count; upwards += 1) {
    for (let across = 0; across < upwards; across += 1) {
      const title = `${words(OBJECTIVES[across].name)} and ${words(OBJECTIVES[upwards].name)}`;
      const drawn = plane(across, upwards, count === 2 ? widthOf(area) : roomIn(area, 320), count === 2 ? 420 : 300);
      area.append(figure(title, drawn, entries, count === 2 ? { class: "wide" } : {}));
    }
  }
  if (count > 2) area.append(figure("All objectives: above is better", parallel(widthOf(area)), entries, { class: "wide" }));
}

function pointWords(target, k) {
  const reached = OBJECTIVES.map((one, i) => `${one.label} ${withHalf(target.mean[k][i], target.ci95[k][i])}`).join("; ");
  return `${target.label}, weights ${weightsOf(target.preferences[k])}: ${reached}`;
}

function choosing(element, preference) {
  element.classList.add("point");
  element.addEventListener("click", () => choose(preference));
  return element;
}

function plane(across, upwards, width, height) {
  const axes = [axisOf(across), axisOf(upwards)];
  const labels = { xLabel: OBJECTIVES[across].label, yLabel: OBJECTIVES[upwards].label };
  const named = shownTargets().map(([target]) => target.label).join(", ");
  const about = `Mean points with 95 % intervals: ${labels.xLabel} across, ${labels.yLabel} upwards, of ${named}`;
  const { root, plot, x, y } = frame(width, height, ...axes, about, labels);
  const rings = svg("g");
  for (const [target, index] of shownTargets()) {
    const points = target.mean.map((point) => [point[across], point[upwards]]);
    if (OBJECTIVES.length === 2) {
      const best = points.filter((_, k) => target.on_front[k]).sort((a, b) => a[0] - b[0]);
      plot.append(path(best.map((one) => one[0]), best.map((one) => one[1]), x, y, { stroke: target.colour, "stroke-width": 1.8 }));
    }
    points.forEach(([px, py], k) => {
      const opacity = target.on_front[k] ? 0.9 : 0.3;
      const [dx, dy] = [target.ci95[k][across] ?? 0, target.ci95[k][upwards] ?? 0];
      const stroke = { stroke: target.colour, opacity: opacity * 0.6, "stroke-width": 1 };
      const inside = (at, axis) => at.at(Math.min(at.high, Math.max(at.low, axis)));
      plot.append(
        svg("line", { x1: inside(x, px - dx), x2: inside(x, px + dx), y1: y.at(py), y2: y.at(py), ...stroke }),
        svg("line", { x1: x.at(px), x2: x.at(px), y1: inside(y, py - dy), y2: inside(y, py + dy), ...stroke }),
        choosing(titled(marker(index, x.at(px), y.at(py), 3.5, { fill: target.colour, opacity }), pointWords(target, k)), target.preferences[k]),
      );
    });
    const [cx, cy] = points[chosenOf(target)];
    rings.append(svg("circle", { cx: x.at(cx), cy: y.at(cy), r: 9, fill: "none", stroke: "#fff", "stroke-width": 5 }));
    rings.append(svg("circle", { cx: x.at(cx), cy: y.at(cy), r: 9, fill: "none", stroke: target.colour, "stroke-width": 2.5 }));
  }
  plot.append(rings);
  return root;
}

function singles(width) {
  const targets = shownTargets();
  const height = EDGE.top + EDGE.bottom + 26 * targets.length;
  const about = `Means with 95 % intervals of ${OBJECTIVES[0].label}`;
  const { root, plot, x } = frame(width, height, axisOf(0), { low: 0, high: 1 }, about, { xLabel: OBJECTIVES[0].label, yTicks: false });
  targets.forEach(([target, index], row) => {
    const [mean, half, y] = [target.mean[0][0], target.ci95[0][0] ?? 0, EDGE.top + 26 * row + 13];
    plot.append(svg("line", { x1: x.at(mean - half), x2: x.at(mean + half), y1: y, y2: y, stroke: target.colour }));
    plot.append(titled(marker(index, x.at(mean), y, 5, { fill: target.colour }), pointWords(target, 0)));
  });
  return root;
}

function parallel(width) {
  const height = 320;
  const axes = OBJECTIVES.map((_, i) => axisOf(i));
  const place = (i) => 60 + (i * (width - 120)) / (OBJECTIVES.length - 1);
  const scales = axes.map(({ low, high, log }, i) => {
    const [better, worse] = [EDGE.top + 6, height - EDGE.bottom];
    return scale(low, high, { log, from: OBJECTIVES[i].higher_is_better ? worse : better, to: OBJECTIVES[i].higher_is_better ? better : worse });
  });
  const about = `Parallel axes of ${OBJECTIVES.map((one) => one.label).join(", ")}; the chosen preference is drawn bold`;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about });
  const line = (point) => point.map((value, i) => `${i ? "L" : "M"}${place(i).toFixed(1)},${scales[i].at(value).toFixed(1)}`).join("");
  for (const [target] of shownTargets()) {
    target.mean.forEach((point, k) => {
      if (!target.on_front[k]) return;
      root.append(choosing(titled(svg("path", { d: line(point), fill: "none", stroke: target.colour, opacity: 0.22 }), pointWords(target, k)), target.preferences[k]));
    });
  }
  for (const [target, index] of shownTargets()) {
    const point = target.mean[chosenOf(target)];
    root.append(svg("path", { d: line(point), fill: "none", stroke: target.colour, "stroke-width": 3 }));
    point.forEach((value, i) => root.append(marker(index, place(i), scales[i].at(value), 4.5, { fill: target.colour })));
  }
  OBJECTIVES.forEach((one, i) => {
    root.append(svg("line", { x1: place(i), x2: place(i), y1: EDGE.top, y2: height - EDGE.bottom, stroke: "#5b6775" }));
    for (const tick of scales[i].ticks) root.append(svg("text", { x: place(i) - 6, y: scales[i].at(tick) + 4, "text-anchor": "end" }, number(tick, 3)));
    root.append(svg("text", { x: place(i), y: height - 22, "text-anchor": "middle", class: "title" }, words(one.name)));
  });
  return root;
}

// The preference

function makeSliders() {
  const form = byId("sliders");
  form.addEventListener("submit", (event) => event.preventDefault());
  if (OBJECTIVES.length === 1) { byId("preference").hidden = true; return; }
  const names = OBJECTIVES.length === 2 ? OBJECTIVES.slice(0, 1) : OBJECTIVES;
  names.forEach((one, index) => {
    const id = `weight-${index}`;
    const most = OBJECTIVES.length === 2 ? GRID.length - 1 : 100;
    const slider = html("input", { type: "range", id, min: 0, max: most, step: 1 });
    slider.addEventListener("input", () => choose(fromSliders()));
    form.append(html("div", { class: "slider" }, html("label", { for: id }, `weight of ${words(one.name)}`), slider, html("output", { for: id })));
  });
}

function fromSliders() {
  const values = [...byId("sliders").querySelectorAll("input")].map((slider) => Number(slider.value));
  if (OBJECTIVES.length === 2) return GRID[values[0]];
  const total = values.reduce((sum, value) => sum + value, 0);
  return total ? values.map((value) => value / total) : values.map(() => 1 / values.length);
}

function showSliders() {
  byId("sliders").querySelectorAll(".slider").forEach((row, index) => {
    const slider = row.querySelector("input");
    const weight = state.wanted[index];
    if (OBJECTIVES.length === 2) slider.value = nearest(GRID, state.wanted);
    else if (slider !== document.activeElement) slider.value = Math.round(100 * weight);
    slider.setAttribute("aria-valuetext", weightsOf(state.wanted));
    row.querySelector("output").value = number(weight, 2);
  });
  byId("chosen").textContent = `Weights: ${weightsOf(state.wanted)}`;
}

function choose(preference) {
  state.wanted = preference;
  drawChosen();
}

// What it reaches

function table(id, caption, heads, rows) {
  const body = rows.map(([head, ...cells]) => html("tr", {}, html("th", { scope: "row" }, head), ...cells.map((cell) => html("td", {}, cell))));
  byId(id).replaceChildren(
    html("caption", {}, caption),
    html("thead", {}, html("tr", {}, ...heads.map((head) => html("th", { scope: "col" }, head)))),
    html("tbody", {}, ...body),
  );
}

function drawReached() {
  const targets = shownTargets().map(([target]) => target);
  const heads = ["", ...targets.map((target) => target.label)];
  const rows = OBJECTIVES.map((one, i) => [
    `${one.label}, ${one.higher_is_better ? "higher" : "lower"} is better`,
    ...targets.map((target) => withHalf(target.mean[chosenOf(target)][i], target.ci95[chosenOf(target)][i])),
  ]);
  const played = OBJECTIVES.length > 1 ? [["weights of the point", ...targets.map((target) => target.preferences[chosenOf(target)].map((one) => number(one, 3)).join(" : "))]] : [];
  table("objectives", "Objectives: mean ± half of the 95 % interval", heads, [...rows, ...played]);
  const labels = [...new Set(targets.flatMap((target) => target.quantities.map((one) => one.label)))];
  const told = labels.map((label) => [label, ...targets.map((target) => {
    const found = target.quantities.find((one) => one.label === label);
    return found ? withHalf(found.value[chosenOf(target)], found.half[chosenOf(target)]) : "–";
  })]);
  table("quantities", "Means over episodes and quantiles over tasks or requests, ± half of the 95 % interval", heads, told);
}

// What it does

function drawOptions() {
  const area = byId("options");
  area.replaceChildren();
  const kinds = [...new Set(shownTargets().flatMap(([target]) => Object.keys(target.options.values)))];
  byId("options-section").hidden = !kinds.length;
  for (const kind of kinds) {
    const targets = shownTargets().filter(([target]) => target.options.values[kind]);
    const title = kind === "share" ? "Share of the decisions" : `${words(kind)} of each option`.replace(/^./, (letter) => letter.toUpperCase());
    area.append(figure(title, optionBars(kind, title, targets, roomIn(area)), targets.map(([target]) => ({ name: target.label, fill: target.colour }))));
  }
}

function optionBars(kind, title, targets, width) {
  const names = [...new Set(targets.flatMap(([target]) => target.options.names))];
  const valueOf = (target, name) => {
    const index = target.options.names.indexOf(name);
    return index < 0 ? null : target.options.values[kind][chosenOf(target)][index];
  };
  const most = Math.max(1, ...targets.flatMap(([target]) => target.options.values[kind].flat()));
  const known = names.filter((name) => targets.some(([target]) => valueOf(target, name) !== null));
  const bar = targets.length <= 4 ? 14 : Math.max(6, 40 / targets.length);
  const each = bar * targets.length + 8;
  const left = Math.min(width / 2, 20 + 6.6 * Math.max(...known.map((name) => name.length), 4));
  const right = 48;
  const height = 8 + each * known.length;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title} at the chosen preference, by option and target` });
  known.forEach((name, row) => {
    const y = 4 + row * each;
    root.append(svg("text", { x: left - 8, y: y + (bar * targets.length) / 2 + 4, "text-anchor": "end" }, name));
    targets.forEach(([target], index) => {
      const value = valueOf(target, name);
      if (value === null) return;
      const length = (value / most) * (width - left - right);
      const rectangle = svg("rect", { x: left, y: y + index * bar, width: Math.max(0.5, length), height: bar - 1, fill: target.colour });
      root.append(titled(rectangle, `${target.label}, ${name}: ${number(100 * value, 3)} %`));
      if (bar === 14) root.append(svg("text", { x: left + length + 4, y: y + index * bar + 11 }, `${number(100 * value, 3)} %`));
    });
    root.append(svg("line", { x1: left, x2: left, y1: y - 2, y2: y + each - 4, stroke: "#5b6775" }));
  });
  return root;
}

// An episode

function makeEpisode() {
  const choice = byId("played");
  DATA.targets.forEach((target, index) => choice.append(html("option", { value: index }, target.label)));
  choice.addEventListener("change", () => { state.played = Number(choice.value); drawEpisode(); });
  byId("episode-section").hidden = DATA.targets.every((target) => !Object.keys(target.timelines).length && !target.no_timelines);
}

function drawEpisode() {
  const [target, area] = [DATA.targets[state.played], byId("episode")];
  const known = Object.keys(target.timelines).map(Number);
  area.replaceChildren();
  if (!known.length) { byId("episode-note").textContent = target.no_timelines; return; }
  const at = known[nearest(known.map((k) => target.preferences[k]), state.wanted)];
  const timeline = target.timelines[at];
  const seed = DATA.sweeps[target.sweep].seed;
  byId("episode-note").textContent = `The first episode of seed ${seed}, played anew with the weights ${weightsOf(target.preferences[at])}; ${known.length} of ${target.preferences.length} preferences have an episode here, the nearest is shown. All has ended after ${number(timeline.until_s)} s.`;
  for (const part of timeline.parts) area.append(DRAW[part.draw](part, part.draw === "bars" ? widthOf(area) : roomIn(area)));
}

// Learning

function drawLearning() {
  const area = byId("learning");
  const curves = DATA.targets.flatMap((target) => target.learning.map((curve) => ({ ...curve, target })));
  byId("learning-section").hidden = !curves.length;
  area.replaceChildren();
  area.classList.add("small");
  for (const metric of new Set(curves.map((curve) => curve.metric))) {
    const some = curves.filter((curve) => curve.metric === metric);
    const axes = [some.flatMap((curve) => curve.x), some.flatMap((curve) => curve.y)].map((values) => {
      const [low, high] = range(values);
      return { low, high };
    });
    axes[0].low = 0;
    const about = `${some[0].label} over environment steps`;
    const { root, plot, x, y } = frame(roomIn(area, 320), 230, ...axes, about, { xLabel: "environment steps" });
    for (const curve of some) plot.append(titled(path(curve.x, curve.y, x, y, { stroke: curve.target.colour, "stroke-width": 1.5, opacity: 0.85 }), curve.target.label));
    const named = [...new Map(some.map((curve) => [curve.target.label, curve.target])).values()];
    area.append(figure(some[0].label, root, named.map((target) => ({ name: target.label, fill: target.colour, line: true }))));
  }
}

// Numbers and origin

function drawMeasures() {
  const measures = { hypervolume: "hypervolume", mean_cost: "mean cost", mean_cost_ratio_to_greedy: "mean cost to greedy", expected_utility: "expected utility", igd_plus: "IGD+", cardinality: "points on front" };
  const rows = DATA.targets.map((target) => [target.label, ...Object.keys(measures).map((name) => withHalf(target.measures[name], target.measures[`${name}_ci95`]))]);
  table("measures", "Indicators of each front", ["target", ...Object.values(measures)], rows);
  const heads = ["target", ...OBJECTIVES.map((one) => `weight of ${words(one.name)}`), ...OBJECTIVES.map((one) => one.label), "on front"];
  const points = DATA.targets.flatMap((target) => target.mean.map((point, k) => [
    target.label, ...target.preferences[k].map((one) => number(one, 3)), ...point.map((one, i) => withHalf(one, target.ci95[k][i])), target.on_front[k] ? "yes" : "no",
  ]));
  byId("points").closest("details").addEventListener("toggle", () => table("points", "Mean ± half of the 95 % interval", heads, points), { once: true });
}

function drawOrigin() {
  for (const sweep of DATA.sweeps) {
    byId("origin").append(
      html("h3", {}, sweep.folder),
      html("details", {}, html("summary", {}, "Scenario"), html("pre", { tabindex: 0 }, sweep.scenario)),
      html("details", {}, html("summary", {}, "Versions, hardware, seeds"), html("pre", { tabindex: 0 }, JSON.stringify(sweep.provenance, null, 2))),
    );
  }
}

function about() {
  const episodes = [...new Set(DATA.targets.map((target) => target.episodes))].join(" or ");
  const all = Math.max(...DATA.sweeps.map((sweep) => sweep.provenance.preferences));
  byId("about").textContent = `${DATA.targets.map((target) => target.label).join(", ")}: ${GRID.length} preferences${all > GRID.length ? ` out of ${all}` : ""}, ${episodes} episodes each.`;
  const better = OBJECTIVES.map((one) => `${words(one.name)}: ${one.higher_is_better ? "higher" : "lower"} is better`).join("; ");
  const over = DATA.targets.some((target) => target.intervals !== "over episodes") ? "; of several trainings, intervals are over these" : "";
  byId("front-note").textContent = `${better}. Bars are 95 % intervals${over}; faint points are dominated. Choose a point, or move the weights below.`;
}

function makeTargets() {
  DATA.targets.forEach((target, index) => {
    const box = html("input", { type: "checkbox", checked: true, id: `target-${index}` });
    box.addEventListener("change", () => {
      state.hidden[box.checked ? "delete" : "add"](index);
      drawChosen();
    });
    const sample = svg("svg", { width: 14, height: 14, "aria-hidden": "true" });
    sample.append(marker(index, 7, 7, 5, { fill: target.colour }));
    byId("targets").append(html("label", {}, box, sample, target.label));
  });
}

function drawChosen() {
  showSliders();
  drawFronts();
  drawReached();
  drawOptions();
  drawEpisode();
}

function drawAll() {
  drawChosen();
  drawLearning();
}

about();
makeTargets();
makeSliders();
makeEpisode();
drawMeasures();
drawOrigin();
drawAll();
let width = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === width) return; // phones resize as their bars come and go
  width = document.documentElement.clientWidth;
  drawAll();
});
