// Drawing: plain SVG elements, made by code, so that no text is ever read as markup.
"use strict";

const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999"];
const colour = (index) => COLOURS[index % COLOURS.length];
const kindColour = (kind) => ["#E69F00", "#0072B2", "#009E73"][kind % 3]; // of bars: light before dark

function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// Numbers: four significant digits, so that no precision is shown that nothing has.
function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return value.toExponential(2);
  return Number(value.toPrecision(digits)).toLocaleString("en-US", { maximumFractionDigits: 8 });
}

// On axes large numbers are short, such as 2M.
function tickWords(value) {
  return Math.abs(value) < 1e5 ? number(value) : value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

function withHalf(mean, half) {
  return half ? `${number(mean)} ± ${number(half, 2)}` : number(mean);
}

// Scales: from values to pixels.
function scale(low, high, { log = false, from = 0, to = 1 } = {}) {
  const bend = log ? Math.log10 : (value) => value;
  if (!(high > low)) {
    const room = Math.abs(low) * 0.1 || 1;
    [low, high] = [low - room, low + room];
    log = false;
  }
  const plain = log ? bend : (value) => value;
  const [first, last] = [plain(low), plain(high)];
  const at = (value) => from + ((plain(value) - first) / (last - first)) * (to - from);
  return { at, low, high, from, to, ticks: log ? logTicks(low, high) : evenTicks(low, high, Math.abs(to - from)) };
}

function evenTicks(low, high, length) {
  const wanted = Math.max(2, Math.min(7, length / 50));
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + 1e-9 * step; index += 1) ticks.push(index * step);
  return ticks;
}

function logTicks(low, high) {
  for (const factors of [[1, 2, 3, 5, 7], [1, 2, 5], [1]]) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      ticks.push(...factors.map((factor) => factor * 10 ** power).filter((tick) => tick >= low && tick <= high));
    }
    if (ticks.length <= 7) return ticks;
  }
  return [low, high];
}

function range(values, margin = 0.04) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return [0, 1];
  const [low, high] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  return [low - margin * (high - low), high + margin * (high - low)];
}

const EDGE = { left: 64, right: 22, top: 10, bottom: 46 };

// A picture with two axes. `x` and `y` are {low, high, log}; returns where to draw, and the scales.
function frame(width, height, x, y, label, { xLabel, yLabel, xTicks = true, yTicks = true, left = EDGE.left } = {}) {
  const across = scale(x.low, x.high, { log: x.log, from: left, to: width - EDGE.right });
  const up = scale(y.low, y.high, { log: y.log, from: height - EDGE.bottom, to: EDGE.top });
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const grid = svg("g", { stroke: "#e6eaef" });
  const words = svg("g");
  if (xTicks) {
    let free = -Infinity; // where the last number ends
    for (const tick of across.ticks) {
      const place = across.at(tick);
      grid.append(svg("line", { x1: place, x2: place, y1: EDGE.top, y2: height - EDGE.bottom }));
      const text = tickWords(tick);
      if (place - 3.6 * text.length < free) continue;
      words.append(svg("text", { x: place, y: height - EDGE.bottom + 16, "text-anchor": "middle" }, text));
      free = place + 3.6 * text.length + 6;
    }
  }
  if (yTicks) {
    for (const tick of up.ticks) {
      const place = up.at(tick);
      grid.append(svg("line", { x1: left, x2: width - EDGE.right, y1: place, y2: place }));
      words.append(svg("text", { x: left - 6, y: place + 4, "text-anchor": "end" }, tickWords(tick)));
    }
  }
  const middle = (EDGE.top + height - EDGE.bottom) / 2;
  if (xLabel) words.append(svg("text", { x: (left + width - EDGE.right) / 2, y: height - 8, "text-anchor": "middle" }, xLabel));
  if (yLabel) {
    words.append(svg("text", { x: 13, y: middle, "text-anchor": "middle", transform: `rotate(-90 13 ${middle})` }, yLabel));
  }
  const plot = svg("g");
  root.append(grid, words, plot);
  return { root, plot, x: across, y: up };
}

// Markers differ by target, as colours do.
function marker(index, x, y, size, attributes) {
  const s = size;
  const path = [
    `M${x - s},${y}a${s},${s} 0 1,0 ${2 * s},0a${s},${s} 0 1,0 ${-2 * s},0`,
    `M${x - s},${y - s}h${2 * s}v${2 * s}h${-2 * s}z`,
    `M${x},${y - 1.2 * s}l${1.1 * s},${2 * s}h${-2.2 * s}z`,
    `M${x},${y - 1.3 * s}l${1.3 * s},${1.3 * s}l${-1.3 * s},${1.3 * s}l${-1.3 * s},${-1.3 * s}z`,
  ][index % 4];
  return svg("path", { d: path, ...attributes });
}

function titled(element, text) {
  element.append(svg("title", {}, text));
  return element;
}

// Points joined by straight lines; null interrupts.
function path(xs, ys, x, y, attributes) {
  let d = "";
  let pen = "M";
  xs.forEach((value, index) => {
    if (value === null || ys[index] === null) { pen = "M"; return; }
    d += `${pen}${x.at(value).toFixed(1)},${y.at(ys[index]).toFixed(1)}`;
    pen = "L";
  });
  return svg("path", { d, fill: "none", "stroke-linejoin": "round", ...attributes });
}

function keys(entries) {
  return html("div", { class: "keys" }, ...entries.map(({ name, fill, index, line }) => {
    const sample = svg("svg", { width: 16, height: 12, "aria-hidden": "true" });
    if (line) sample.append(svg("line", { x1: 0, x2: 16, y1: 6, y2: 6, stroke: fill, "stroke-width": 3 }));
    else sample.append(marker(index ?? 1, 8, 6, 4.5, { fill }));
    return html("span", {}, sample, name);
  }));
}

function figure(title, drawing, entries = [], attributes = {}) {
  const own = html("figure", attributes, html("figcaption", {}, title));
  if (entries.length) own.append(keys(entries));
  own.append(drawing);
  return own;
}

// Parts of an episode. Each takes the room there is and gives a figure.
const DRAW = {
  bars(part, width) {
    const rows = part.lanes.map((_, lane) => 1 + Math.max(0, ...part.row.filter((_, bar) => part.lane[bar] === lane)));
    const total = rows.reduce((sum, count) => sum + count, 0) || 1;
    const each = Math.max(3, Math.min(13, 330 / total));
    const first = rows.map((_, lane) => rows.slice(0, lane).reduce((sum, count) => sum + count * each + 8, EDGE.top));
    const height = EDGE.top + EDGE.bottom + total * each + 8 * part.lanes.length;
    const time = { low: 0, high: Math.max(0, ...part.end) };
    const left = 78;
    const label = `${part.title}: ${part.lane.length} bars in ${part.lanes.length} lanes over time`;
    const { root, plot, x } = frame(width, height, time, { low: 0, high: 1 }, label, { xLabel: "time (s)", yTicks: false, left });
    part.lanes.forEach((name, lane) => {
      plot.append(svg("text", { x: left - 6, y: first[lane] + (rows[lane] * each) / 2 + 4, "text-anchor": "end" }, name));
      plot.append(svg("line", { x1: left, x2: width - EDGE.right, y1: first[lane] - 4, y2: first[lane] - 4, stroke: "#e6eaef" }));
    });
    part.start.forEach((start, bar) => {
      const [from, to] = [x.at(start), x.at(part.end[bar])];
      const y = first[part.lane[bar]] + part.row[bar] * each;
      const fill = kindColour(part.kind[bar]);
      const rectangle = svg("rect", { x: from, y, width: Math.max(0.7, to - from), height: each - 1, fill, stroke: "#fff", "stroke-width": 0.6 });
      const words = `${part.kinds[part.kind[bar]]}, ${part.lanes[part.lane[bar]]}: ${number(start)} to ${number(part.end[bar])} s`;
      plot.append(titled(rectangle, words));
    });
    const entries = part.kinds.map((name, kind) => ({ name, fill: kindColour(kind) }));
    return figure(part.title, root, entries, { class: "wide" });
  },

  lines(part, width) {
    const values = part.values.flat();
    if (part.limit !== null) values.push(part.limit);
    const high = Math.max(1e-9, ...values.filter((value) => value !== null)) * 1.05;
    const time = { low: 0, high: part.x[part.x.length - 1] };
    const label = `${part.title} over time: ${part.names.join(", ")}`;
    const { root, plot, x, y } = frame(width, 220, time, { low: 0, high }, label, { xLabel: "time (s)", yLabel: part.unit });
    if (part.limit !== null) {
      const at = y.at(part.limit);
      plot.append(svg("line", { x1: x.from, x2: x.to, y1: at, y2: at, stroke: "#5b6775", "stroke-dasharray": "4 3" }));
    }
    part.values.forEach((row, index) => {
      plot.append(titled(path(part.x, row, x, y, { stroke: colour(index), "stroke-width": 1.6 }), part.names[index]));
    });
    return figure(part.title, root, part.names.map((name, index) => ({ name, fill: colour(index), line: true })));
  },

  dots(part, width) {
    const [xs, ys] = ["x", "y"].map((name) => part.groups.flatMap((group) => group[name]));
    let [xRange, yRange] = [range(xs), range(ys)];
    const height = part.map ? Math.min(width, 420) : 220;
    if (part.map) [xRange, yRange] = toOneScale(xRange, yRange, width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom);
    const axes = [xRange, yRange].map(([low, high]) => ({ low, high }));
    const label = `${part.title}: ${part.groups.map((group) => group.name).join(", ")}`;
    const { root, plot, x, y } = frame(width, height, ...axes, label, { xLabel: part.x_label, yLabel: part.y_label });
    part.groups.map((group, index) => [group, index]).sort(([a], [b]) => b.joined - a.joined).forEach(([group, index]) => {
      if (group.joined) {
        plot.append(path(group.x, group.y, x, y, { stroke: colour(index), "stroke-width": 1, opacity: 0.6 }));
        return;
      }
      const named = part.map && index === 0;
      group.x.forEach((value, dot) => {
        const [left, top] = [x.at(value), y.at(group.y[dot])];
        const words = group.words[dot] ?? `${number(value)}, ${number(group.y[dot])}`;
        plot.append(titled(marker(named ? 1 : 0, left, top, named ? 6 : 3, { fill: colour(index), opacity: 0.8 }), words));
        if (named) plot.append(svg("text", { x: left, y: top - 10, "text-anchor": "middle", class: "title" }, words));
      });
    });
    const entries = part.groups.map((group, index) => (
      { name: group.name, fill: colour(index), line: group.joined, index: part.map && index === 0 ? 1 : 0 }
    ));
    return figure(part.title, root, entries);
  },
};

function toOneScale(xRange, yRange, width, height) {
  const perPixel = Math.max((xRange[1] - xRange[0]) / width, (yRange[1] - yRange[0]) / height) || 1;
  const around = ([low, high], pixels) => {
    const middle = (low + high) / 2;
    return [middle - (perPixel * pixels) / 2, middle + (perPixel * pixels) / 2];
  };
  return [around(xRange, width), around(yRange, height)];
}
