"use strict";

// ---- What the page holds -------------------------------------------------------------------------------------------

const given = JSON.parse(document.getElementById("given").textContent);
const MOST_ROWS = 200;
const NONE = "\u2013"; // shown where a row has no value of a column
const AXES = ["across", "lines", "panels"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const unpacked = {};
// What is chosen: experiment, table, kind of chart, the columns on the axes, and one value of each other column.
let choice = {};
let sorted = { column: null, descending: false };
let allRows = false;
let drawing = Promise.resolve();

const element = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Return a table with a function `at(column, row)`, or null if the page has no room for it. */
async function tableOf(name) {
  if (name in unpacked) return unpacked[name];
  const holder = element(`packed-${name}`);
  if (!holder) return (unpacked[name] = null);
  const bytes = Uint8Array.from(atob(holder.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const table = await new Response(stream).json();
  table.name = name;
  table.at = (column, row) => {
    const { numbers, values, codes } = table.columns[column];
    return numbers ? numbers[row] : codes[row] < 0 ? null : values[codes[row]];
  };
  table.all = Array.from({ length: table.rows }, (_, row) => row);
  table.measured = (row) => table.quantity && table.at(table.quantity, row) !== null;
  return (unpacked[name] = table);
}

// ---- What is chosen ------------------------------------------------------------------------------------------------

/** Return the different values of a column in some rows, in the order of the page; null first. */
function valuesIn(table, column, rows) {
  const found = new Set(rows.map((row) => table.at(column, row)));
  const { values } = table.columns[column];
  const order = values ? values.filter((value) => found.has(value))
    : [...found].filter((value) => value !== null).sort((a, b) => a - b);
  return found.has(null) ? [null, ...order] : order;
}

/** Whether a row has the chosen value of a column; one that says why nothing was measured may have none. */
function fits(table, row, column, value) {
  const own = table.at(column, row);
  return own === value || (own === null && !table.measured(row));
}

const onAxes = () => AXES.map((axis) => choice[axis]).filter(Boolean);
const fixedColumns = (table) => table.dimensions.filter((column) => !onAxes().includes(column));

/** Choose the axes anew: layers across where there are several, then probes as lines, contexts as panels. */
function chooseAxes(table) {
  const metric = table.columns.metric ? choice.of.metric : undefined;
  const all = table.all.filter((row) => table.measured(row) &&
    (metric === undefined || table.at("metric", row) === metric));
  // What varies within one model: the others may have more layers.
  const models = table.columns.model ? valuesIn(table, "model", all) : [];
  const model = models.includes(choice.of.model) ? choice.of.model : models[0];
  const rows = models.length ? all.filter((row) => table.at("model", row) === model) : all;
  const varies = (column) => valuesIn(table, column, column === "model" ? all : rows).length > 1;
  const several = table.dimensions.filter((column) => column !== "metric" && varies(column));
  const states = several.filter((column) => column.endsWith("layer"));
  const numbers = several.filter((column) => table.columns[column].numbers);
  const take = (...wanted) => wanted.find((column) => several.includes(column) && !onAxes().includes(column)) ?? "";
  Object.assign(choice, { across: "", lines: "", panels: "" });
  choice.across = take("layer", ...states, ...numbers, ...several) || (table.dimensions.includes("layer") ? "layer" : "");
  choice.kind = states.length > 1 && states.includes(choice.across) ? "cells" : "curves";
  choice.lines = choice.kind === "cells" ? take(...states) : take("probe", "control", "subset", "model", ...several);
  choice.panels = table.dimensions.includes("context") ? take("context") : "";
}

/** Choose the axes anew if the chosen metric has at most one value across. */
function keepAxes(table) {
  const rows = chosenRows(table).filter((row) => table.measured(row));
  if (!choice.across || valuesIn(table, choice.across, rows).length < 2) chooseAxes(table);
}

/** Keep the chosen values for which there are rows, the one that was changed before all others. */
function settle(table, changed) {
  const columns = fixedColumns(table);
  const order = columns.includes(changed) ? [changed, ...columns.filter((column) => column !== changed)] : columns;
  let rows = table.all;
  for (const column of order) {
    const kept = column in choice.of ? rows.filter((row) => fits(table, row, column, choice.of[column])) : [];
    const strict = kept.some((row) => table.at(column, row) === choice.of[column]);
    if (!strict) {
      const measured = rows.filter((row) => table.measured(row));
      choice.of[column] = valuesIn(table, column, measured.length ? measured : rows)[0] ?? null;
      rows = rows.filter((row) => fits(table, row, column, choice.of[column]));
    } else rows = kept;
  }
  return rows;
}

/** Return the rows with the chosen values of all columns but those on the axes. */
function chosenRows(table) {
  const columns = fixedColumns(table);
  return table.all.filter((row) => columns.every((column) => fits(table, row, column, choice.of[column])));
}

const shown = (value) => (value === null ? NONE : String(value));
const named = (column) => column.replaceAll("_", " ");

// ---- The form ------------------------------------------------------------------------------------------------------

function selection(label, name, options, value, act) {
  const select = make("select", { name });
  for (const option of options) {
    const holder = option.apart ? (select.querySelector("optgroup") ??
      select.appendChild(make("optgroup", { label: "with other choices" }))) : select;
    holder.append(make("option", { value: JSON.stringify(option.value), textContent: option.text }));
  }
  select.value = JSON.stringify(value);
  select.addEventListener("change", () => act(JSON.parse(select.value)));
  return make("label", {}, label, select);
}

const plain = (values) => values.map((value) => ({ value, text: shown(value) }));

/** Return the values of a column; those without rows for the other choices stand apart. */
function optionsOf(table, column) {
  const others = fixedColumns(table).filter((name) => name !== column);
  const rows = table.all.filter((row) => others.every((name) => fits(table, row, name, choice.of[name])));
  const there = new Set(valuesIn(table, column, rows));
  return valuesIn(table, column, table.all)
    .map((value) => ({ value, text: shown(value), apart: !there.has(value) }))
    .filter((option) => option.value !== null || !option.apart)
    .sort((a, b) => a.apart - b.apart);
}

function fillForm(table) {
  const form = element("choices");
  const focus = document.activeElement?.name;
  const experiment = given.experiments.find((one) => one.name === choice.experiment);
  form.replaceChildren(
    selection("Experiment", "experiment", given.experiments.map((one) => ({ value: one.name, text: one.title })),
      choice.experiment, (value) => start({ experiment: value })),
  );
  if (experiment.tables.length > 1) {
    form.append(selection("Table", "table", plain(experiment.tables), choice.table,
      (value) => start({ experiment: choice.experiment, table: value })));
  }
  if (!table) return;
  const drawn = make("fieldset", {}, make("legend", { textContent: "Drawn" }));
  if (table.quantity) {
    drawn.append(selection("Chart", "kind", [{ value: "curves", text: "Curves" }, { value: "cells", text: "Heat map" }],
      choice.kind, (value) => update(() => (choice.kind = value))));
    const labels = { across: "Across", lines: choice.kind === "cells" ? "Rows" : "Lines", panels: "Panels" };
    for (const axis of AXES) {
      const columns = table.dimensions.filter((column) => column !== "metric");
      const options = [...(axis === "across" ? [] : [{ value: "", text: NONE }]),
        ...columns.map((column) => ({ value: column, text: named(column) }))];
      drawn.append(selection(labels[axis], axis, options, choice[axis], (value) => update(() => {
        // A column stands on one axis: the other one takes the column that this one had.
        for (const other of AXES) if (other !== axis && value && choice[other] === value) choice[other] = choice[axis];
        choice[axis] = value;
      })));
    }
    if (table.intervals.length > 1) {
      drawn.append(selection("Interval", "interval", table.intervals.map(({ name }) => ({ value: name, text: named(name) })),
        choice.interval, (value) => update(() => (choice.interval = value))));
    }
    form.append(drawn);
  }
  const values = make("fieldset", {}, make("legend", { textContent: "Chosen" }));
  for (const column of fixedColumns(table)) {
    values.append(selection(named(column), `of.${column}`, optionsOf(table, column), choice.of[column],
      (value) => update(() => (choice.of[column] = value), column)));
  }
  form.append(values);
  form.elements[focus]?.focus();
}

// ---- Numbers in words ----------------------------------------------------------------------------------------------

/** Return a share in per cent, never rounded into certainty. */
function perCent(share) {
  const value = 100 * share;
  for (const digits of [1, 2]) {
    const text = value.toFixed(digits);
    if ((Number(text) !== 0 && Number(text) !== 100) || Math.abs(Number(text) - value) < 1e-9) return text.replace(/\.0+$/, "");
  }
  return value < 1 ? "<0.01" : ">99.99";
}

function inUnit(value, unit) {
  if (value === null) return "";
  if (unit === "share") return perCent(value);
  if (unit === "points") return (value > 0 ? "+" : "") + (100 * value).toFixed(1);
  return Number(value.toPrecision(4)).toString();
}

function told(table, row, unit) {
  const value = table.at(table.quantity, row);
  if (value === null) return why(table, row);
  const sign = { share: " %", points: " points", number: "" }[unit];
  const bounds = boundsOf(table);
  const low = bounds && table.at(bounds.low, row), high = bounds && table.at(bounds.high, row);
  const interval = bounds && low !== null && high !== null ? ` [${inUnit(low, unit)}, ${inUnit(high, unit)}]` : "";
  return inUnit(value, unit) + sign + interval;
}

const boundsOf = (table) => table.intervals.find(({ name }) => name === choice.interval) ?? table.intervals[0];

/** Return why a row has no value, in the words of the figures. */
function why(table, row) {
  const status = table.columns.status ? table.at("status", row) : null;
  const note = table.columns.note ? table.at("note", row) : null;
  if (status === "not applicable") return `${status}: ${note}`;
  return note || (status && status !== "measured" ? status : "no value");
}

function unitOf(table, rows) {
  const metrics = table.columns.metric ? valuesIn(table, "metric", rows.filter(table.measured)) : [];
  return metrics.length === 1 ? (table.units[metrics[0]] ?? "number") : "number";
}

// ---- The chart -----------------------------------------------------------------------------------------------------

const OUTSIDE = ["embedding", "unembedding"]; // rows of matrices: no line leads to them
const LABELS = { embedding: "emb", final_norm: "norm", unembedding: "unemb" };

function records(table, rows, unit) {
  const factor = unit === "number" ? 1 : 100;
  const scaled = (column, row) => {
    const value = column ? table.at(column, row) : null;
    return value === null ? null : factor * value;
  };
  const bounds = boundsOf(table);
  const telling = table.dimensions.filter((column) => valuesIn(table, column, table.all).length > 1);
  return rows.map((row) => {
    const record = { value: scaled(table.quantity, row), low: scaled(bounds?.low, row), high: scaled(bounds?.high, row) };
    for (const axis of AXES) record[axis] = choice[axis] ? table.at(choice[axis], row) : "";
    record.series = shown(record.lines);
    record.panel = shown(record.panels);
    record.level = record.across === null && record.value !== null;
    record.part = OUTSIDE.includes(record.across) ? record.across : "";
    record.told = told(table, row, unit);
    telling.forEach((column, place) => (record[`column${place}`] = shown(table.at(column, row))));
    for (const column of ["n_values", "resampled", "note"]) {
      record[column] = (table.columns[column] ? table.at(column, row) : null) ?? NONE;
    }
    return record;
  });
}

function tooltip(table) {
  const telling = table.dimensions.filter((column) => valuesIn(table, column, table.all).length > 1);
  const fields = telling.map((column, place) => ({ field: `column${place}`, title: named(column) }));
  const further = [["n_values", "numbers"], ["resampled", "interval over"], ["note", "note"]]
    .filter(([column]) => table.columns[column]).map(([field, title]) => ({ field, title }));
  return [{ field: "told", title: "value" }, ...fields, ...further];
}

/** Return the scale of colours: those of the figures, or, where many names have none there, a wider scheme. */
function colourScale(column, names) {
  const palette = given.colours[dark.matches ? "dark" : "light"];
  const known = palette[column] ?? {};
  if (names.filter((name) => !(name in known)).length > palette.others.length) return { domain: names, scheme: "tableau20" };
  let next = 0;
  return { domain: names, range: names.map((name) => known[name] ?? palette.others[next++]) };
}

/** Return the values of an axis that have a label: the named states, and as many layers as have room. */
function labelled(values, width) {
  const place = 34; // pixels that a label takes
  if (values.length * place <= width) return values;
  const step = [2, 4, 5, 10, 20, 50, 100].find((count) => values.length * place <= count * width) ?? 1000;
  const whole = (value) => /^\d+$/.test(value);
  const words = values.flatMap((value, at) => (whole(value) ? [] : [at]));
  return values.filter((value, at) => !whole(value) ||
    (Number(value) % step === 0 && words.every((other) => Math.abs(at - other) >= step)));
}

const order = (table, column, rows) => (column ? valuesIn(table, column, rows).filter((value) => value !== null) : []);

function axisTitle(table, rows, unit) {
  const metric = table.columns.metric ? [...new Set(rows.map((row) => table.at("metric", row)))].map(named).join(", ") : table.quantity;
  return metric + { share: " (%)", points: " (points)", number: "" }[unit];
}

function config() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const text = { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFontSize: 12, titleFontSize: 12.5, titleFontWeight: 500 };
  return {
    background: "transparent", font: "system-ui, DejaVu Sans, sans-serif",
    view: { stroke: colour("--edge") },
    axis: { ...text, gridColor: colour("--edge"), gridOpacity: 0.6, domainColor: colour("--quiet"), tickColor: colour("--quiet") },
    legend: { ...text, symbolOpacity: 1, labelLimit: 260 }, header: { ...text, labelFontWeight: 600, labelLimit: 400 },
    text: { color: colour("--ink") },
  };
}

function scene(table, rows) {
  const unit = unitOf(table, rows);
  const all = records(table, rows, unit);
  // What belongs to no layer, such as the control gaussian, is a level across the panel.
  const levels = all.filter((record) => record.level);
  const values = all.filter((record) => record.across !== null);
  const measured = values.filter((record) => record.value !== null);
  const panels = choice.panels ? order(table, choice.panels, rows.filter(table.measured)).map(shown) : [];
  const across = order(table, choice.across, rows);
  const columns = Math.min(panels.length || 1, 3);
  const room = Math.max(element("chart").clientWidth - 60 * columns - (choice.lines && choice.kind === "curves" ? 130 : 40), 240);
  const width = Math.max(Math.floor(room / columns), 160);
  const count = Math.max(1, ...(panels.length ? panels : [""]).map((panel) =>
    new Set(measured.filter((record) => !panels.length || record.panel === panel).map((record) => record.across)).size));
  const view = { table, rows, unit, values, measured, levels, across, width, count,
    numeric: Boolean(table.columns[choice.across]?.numbers) };
  // Lines lead from layer to layer, or along a number; other columns, and single layers, have points side by side.
  view.connected = count > 2 && (view.numeric || choice.across.endsWith("layer"));
  const unitSpec = choice.kind === "cells" ? cells(view) : curves(view);
  const about = element("heading").textContent;
  const data = { values: choice.kind === "cells" ? values : [...values, ...levels] };
  if (!panels.length) return { data, config: config(), description: about, width, ...unitSpec };
  return {
    data, config: config(), description: about, columns,
    facet: { field: "panel", type: "nominal", title: null, sort: panels },
    spec: { width, ...unitSpec }, resolve: { scale: { x: "independent" } },
  };
}

function xEncoding(view, ordinal) {
  const title = named(choice.across);
  const layers = choice.across.endsWith("layer");
  const kept = layers ? labelled(view.across, view.width) : view.across.map(String);
  const labelExpr = `indexof(${JSON.stringify(kept)}, datum.label) < 0 ? "" : (${JSON.stringify(LABELS)})[datum.label] || datum.label`;
  if (view.numeric && view.connected && !ordinal) {
    return { field: "across", type: "quantitative", title, scale: { zero: false, nice: false } };
  }
  return { field: "across", type: "ordinal", title, sort: view.across,
    axis: { labelExpr, labelOverlap: layers ? false : "greedy", ticks: kept.length === view.across.length,
      labelAngle: view.across.some((name) => String(name).length > 11) ? -40 : 0 } };
}

function curves(view) {
  const { table, rows, unit, values, measured, levels } = view;
  const names = choice.lines ? valuesIn(table, choice.lines, rows.filter(table.measured)).map(shown) : [];
  const tops = [...measured, ...levels].map((record) => record.high ?? record.value);
  const whole = unit === "share" && Math.max(0, ...tops) > 20;
  const y = { field: "value", type: "quantitative", title: axisTitle(table, rows, unit),
    scale: whole ? { domain: [0, 100] } : { zero: true, nice: true } };
  const color = choice.lines
    ? { field: "series", type: "nominal", title: named(choice.lines), sort: names,
        scale: colourScale(choice.lines, names) }
    : { value: colourScale("", ["only"]).range[0] };
  const x = xEncoding(view, false);
  const detail = [{ field: "part" }];
  const picked = choice.lines ? { condition: { param: "picked", value: 1, empty: true }, value: 0.12 } : { value: 1 };
  const faint = (strength) => choice.lines
    ? { condition: { param: "picked", value: strength, empty: true }, value: 0.02 } : { value: strength };
  const there = "datum.value !== null && !datum.level";
  const within = `datum.low !== null && datum.high !== null && ${there}`;
  const aside = choice.lines && !view.connected ? { xOffset: { field: "series", type: "nominal", sort: names } } : {};
  const params = choice.lines ? [{ name: "picked", select: { type: "point", fields: ["series"] }, bind: "legend" }] : [];
  return {
    height: 300,
    layer: [
      ...(view.connected ? [{ transform: [{ filter: within }], mark: { type: "area", interpolate: "linear" },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color, detail, opacity: faint(0.16) } }] : []),
      { transform: [{ filter: within }], mark: { type: "rule", strokeWidth: 1 },
        encoding: { x, ...aside, y: { ...y, field: "low" }, y2: { field: "high" }, color, opacity: faint(view.connected ? 0.45 : 0.8) } },
      ...(view.connected ? [{ transform: [{ filter: there }], mark: { type: "line", strokeWidth: 1.8 },
        encoding: { x, y, color, detail, opacity: picked } }] : []),
      ...(levels.length ? [{ transform: [{ filter: "datum.level" }], mark: { type: "rule", strokeWidth: 1.8, strokeDash: [6, 3] },
        encoding: { y, color, opacity: picked, tooltip: tooltip(table) } }] : []),
      { params, transform: [{ filter: there }], mark: { type: "point", filled: true, size: view.count > 100 ? 10 : view.count > 40 ? 18 : 36 },
        encoding: { x, ...aside, y, color, opacity: picked, tooltip: tooltip(table) } },
      // A state without a value, such as a constant one, is marked on the axis.
      ...(values.length === measured.length ? [] : [{ transform: [{ filter: "datum.value === null" }], mark: { type: "point", shape: "cross", angle: 45, size: 60, color: "#8a8f98" },
        encoding: { x, y: { datum: 0 }, tooltip: tooltip(table) } }]),
    ],
  };
}

function cells(view) {
  const { table, rows, unit, measured } = view;
  const series = choice.lines ? order(table, choice.lines, rows).map(shown) : [];
  const fitted = choice.lines && table.columns[choice.lines].numbers ? [...series].reverse() : series;
  const y = choice.lines
    ? { field: "series", type: "ordinal", title: named(choice.lines), sort: fitted,
        axis: { labelOverlap: "greedy", labelExpr: `(${JSON.stringify(LABELS)})[datum.label] || datum.label` } }
    : { value: 12 };
  const x = xEncoding(view, true);
  const low = Math.min(...measured.map((record) => record.value), 0);
  const high = Math.max(...measured.map((record) => record.value), 0);
  const scale = unit === "share" ? { scheme: "cividis", domain: [0, 100] }
    : low < 0 ? { scheme: "blueorange", domainMid: 0, domain: [-Math.max(-low, high), Math.max(-low, high)] }
    : { scheme: "cividis", domain: [0, high] };
  const texts = view.width / view.count >= 30;
  const bright = unit === "share" ? "datum.value > 55" : low < 0 ? `abs(datum.value) < ${0.6 * Math.max(-low, high)}` : `datum.value > ${0.55 * high}`;
  return {
    height: { step: series.length > 15 ? 14 : 22 },
    layer: [
      { transform: [{ filter: "datum.value === null" }], mark: { type: "rect", color: "#8a8f98", opacity: 0.35 },
        encoding: { x, y, tooltip: tooltip(table) } },
      { transform: [{ filter: "datum.value !== null" }], mark: { type: "rect" },
        encoding: { x, y, color: { field: "value", type: "quantitative", title: axisTitle(table, rows, unit), scale },
          tooltip: tooltip(table) } },
      ...(texts ? [{ transform: [{ filter: "datum.value !== null" }], mark: { type: "text", fontSize: 10.5, tooltip: null },
        encoding: { x, y, text: { field: "value", format: unit === "number" ? ".2~g" : ".0f" },
          color: { condition: { test: bright, value: "#111" }, value: "#fff" } } }] : []),
    ],
  };
}

async function draw(table, rows) {
  const holder = element("chart");
  const measured = rows.filter(table.measured);
  element("reading").textContent = "";
  if (!measured.length) {
    const note = table.quantity ? "Nothing to draw: no row has a value." : "This table holds no quantity to draw; its rows are below.";
    holder.replaceChildren(make("p", { className: "note", textContent: note }));
    return;
  }
  const options = { renderer: "svg", tooltip: { theme: dark.matches ? "dark" : "light" },
    actions: { export: true, source: false, compiled: false, editor: false } };
  await vegaEmbed(holder, scene(table, rows), options);
  const resampled = table.columns.resampled ? valuesIn(table, "resampled", measured).filter((text) => text !== null) : [];
  const over = resampled.length ? ` (over: ${resampled.join("; ")})` : "";
  const texts = [
    table.intervals.length && (choice.kind === "curves" ? `Bands and bars are intervals${over}.` : `The tooltips hold the intervals${over}.`),
    choice.kind === "curves" && choice.lines && "Click a name in the legend to see its line alone.",
  ];
  element("reading").textContent = texts.filter(Boolean).join(" ");
}

// ---- Text and rows -------------------------------------------------------------------------------------------------

function describe(table, rows) {
  const experiment = given.experiments.find((one) => one.name === choice.experiment);
  element("heading").textContent = experiment.title;
  const fixed = table ? fixedColumns(table).filter((column) => choice.of[column] !== null) : [];
  element("fixed").textContent = fixed.map((column) => `${named(column)}: ${choice.of[column]}`).join(" · ");
  const aside = element("finding");
  if (aside.dataset.experiment !== experiment.name) {
    aside.dataset.experiment = experiment.name;
    aside.scrollTop = 0;
    if (experiment.finding) aside.innerHTML = experiment.finding;
    else aside.replaceChildren(make("p", { className: "quiet", textContent: "The study wrote no text on this experiment." }));
  }
  const notes = table?.quantity ? [...unmeasured(table, rows), ...unplaced(table, rows)] : [];
  element("unmeasured").replaceChildren(...notes);
}

/** Return the list of what has no value among the chosen rows, with reasons; layers of one reason together. */
function unmeasured(table, rows) {
  const found = new Map();
  for (const row of rows.filter((row) => !table.measured(row))) {
    const place = table.dimensions.filter((column) => !["metric", "layer", "seed"].includes(column) && table.columns[column].values)
      .map((column) => table.at(column, row)).filter((value) => value !== null && !["none", "all", "residual"].includes(value));
    const key = `${place.join(", ")}\u0000${why(table, row)}`;
    found.set(key, [...(found.get(key) ?? []), table.columns.layer ? table.at("layer", row) : null]);
  }
  if (!found.size) return [];
  const items = [...found].map(([key, layers]) => {
    const [place, reason] = key.split("\u0000");
    const named = [...new Set(layers)].filter((layer) => layer !== null);
    const where = [place, named.length ? `layer ${named.join(", ")}` : ""].filter(Boolean).join(", ");
    return make("li", { textContent: where ? `${where}: ${reason}` : reason });
  });
  return [make("strong", { textContent: "Without a value" }), make("ul", {}, ...items)];
}

/** Return the list of measurements that a heat map has no column for, such as those of the control gaussian. */
function unplaced(table, rows) {
  if (choice.kind !== "cells" || !choice.across) return [];
  const levels = records(table, rows, unitOf(table, rows)).filter((record) => record.level);
  if (!levels.length) return [];
  const items = levels.map((record) => {
    const place = [choice.lines && record.series, choice.panels && record.panel].filter(Boolean).join(", ");
    return make("li", { textContent: place ? `${place}: ${record.told}` : record.told });
  });
  return [make("strong", { textContent: `Without ${named(choice.across)}` }), make("ul", {}, ...items)];
}

function sortedRows(table, rows) {
  const { column, descending } = sorted;
  if (!column) return rows;
  const { values } = table.columns[column];
  const place = (row) => (values ? table.columns[column].codes[row] : table.at(column, row));
  const missing = (row) => table.at(column, row) === null;
  const direction = descending ? -1 : 1;
  // Rows without a value come last either way.
  return [...rows].sort((a, b) => missing(a) - missing(b) || (missing(a) ? 0 : direction * (place(a) - place(b))));
}

function fillTable(table, rows) {
  const columns = Object.keys(table.columns).filter((column) => rows.some((row) => table.at(column, row) !== null));
  const ordered = sortedRows(table, rows);
  const heads = columns.map((column) => {
    const button = make("button", { type: "button", textContent: column });
    button.addEventListener("click", () => {
      sorted = { column, descending: sorted.column === column && !sorted.descending };
      fillTable(table, rows);
      element("table").querySelectorAll("th button")[columns.indexOf(column)].focus();
    });
    const head = make("th", { scope: "col" }, button);
    const state = sorted.column === column ? (sorted.descending ? "descending" : "ascending") : "none";
    head.setAttribute("aria-sort", state);
    if (state !== "none") button.append(state === "ascending" ? " \u25b2" : " \u25bc");
    return head;
  });
  const lines = ordered.slice(0, allRows ? undefined : MOST_ROWS).map((row) => make("tr", {}, ...columns.map((column) => {
    const value = table.at(column, row);
    const text = value === null ? "" : String(value);
    return make("td", { className: typeof value === "number" ? "number" : "", textContent: text, title: text.length > 50 ? text : "" });
  })));
  element("table").replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines)));
  element("count").textContent = `${rows.length} of ${table.rows} rows of ${table.name}` +
    (rows.length > lines.length ? `, the first ${lines.length} shown` : "") + `; results/tables/${table.name}.parquet has all digits`;
  element("more").hidden = rows.length <= lines.length;
  element("more").onclick = () => { allRows = true; fillTable(table, rows); };
  element("save-rows").onclick = () => save(table, sortedRows(table, chosenRows(table)), `${table.name}-chosen.csv`);
  element("save-table").onclick = () => save(table, table.all, `${table.name}.csv`);
}

function csv(table, rows) {
  const columns = Object.keys(table.columns);
  const field = (value) => (value === null ? "" : /[",\n\r]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  const lines = [columns, ...rows.map((row) => columns.map((column) => table.at(column, row)))];
  return lines.map((line) => line.map(field).join(",")).join("\n") + "\n";
}

function save(table, rows, name) {
  const url = URL.createObjectURL(new Blob([csv(table, rows)], { type: "text/csv" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// ---- Together ------------------------------------------------------------------------------------------------------

/** Show what is chosen. Charts are drawn one after the other, so that the last choice is the one that stays. */
async function show(changed) {
  const table = await tableOf(choice.table);
  if (!table) {
    describe(null, []);
    fillForm(null);
    const text = choice.table ? `The table (${given.tables[choice.table]} rows) has no room on this page: see results/tables/${choice.table}.csv.` : "This experiment has no table.";
    element("chart").replaceChildren(make("p", { className: "note", textContent: text }));
    element("reading").textContent = "";
    element("table-side").hidden = true;
    return;
  }
  element("table-side").hidden = false;
  settle(table, changed);
  if (changed === "metric" && table.quantity) {
    keepAxes(table);
    settle(table, changed);
  }
  const rows = chosenRows(table);
  fillForm(table);
  describe(table, rows);
  fillTable(table, rows);
  remember();
  await draw(table, rows);
}

const inTurn = (changed) => (drawing = drawing.then(() => show(changed)).catch(fail));

function fail(error) {
  console.error(error);
  element("chart").replaceChildren(make("p", { className: "note", textContent: `This cannot be drawn: ${error.message}` }));
}

function update(change, changed) {
  change();
  allRows = false;
  return inTurn(changed);
}

/** Begin with an experiment, and with what else is given, and show it. */
const start = (wanted) => (drawing = drawing.then(() => begin(wanted)).then(() => show()).catch(fail));

async function begin(wanted) {
  const experiment = given.experiments.find((one) => one.name === wanted.experiment) ?? given.experiments[0];
  const name = experiment.tables.includes(wanted.table) ? wanted.table : experiment.tables[0];
  // Values such as the model are kept from one experiment to the next where it has them.
  choice = { experiment: experiment.name, table: name, of: { ...choice.of, ...wanted.of } };
  sorted = { column: null, descending: false };
  allRows = false;
  const table = await tableOf(name);
  if (table) {
    if (table.dimensions.includes("metric")) {
      const metrics = valuesIn(table, "metric", table.all.filter(table.measured));
      if (!metrics.includes(choice.of.metric)) choice.of.metric = metrics[0] ?? null;
    }
    choice.interval = table.intervals[0]?.name;
    if (table.quantity) chooseAxes(table);
    for (const axis of AXES) {
      if (wanted[axis] === "" || table.dimensions.includes(wanted[axis])) choice[axis] = wanted[axis];
    }
    if (["curves", "cells"].includes(wanted.kind)) choice.kind = wanted.kind;
    if (table.intervals.some(({ name }) => name === wanted.interval)) choice.interval = wanted.interval;
  }
}

/** Keep the choice in the address, so that a view can be passed on. */
function remember() {
  const kept = new URLSearchParams();
  for (const key of ["experiment", "table", "kind", ...AXES, "interval"]) if (choice[key] !== undefined) kept.set(key, choice[key]);
  for (const column of fixedColumns(unpacked[choice.table])) kept.set(`of.${column}`, JSON.stringify(choice.of[column]));
  // Not possible inside a report, where the page has no address.
  try { history.replaceState(null, "", `#${kept}`); } catch { return; }
}

function remembered() {
  const wanted = { of: {} };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (!key.startsWith("of.")) wanted[key] = value;
    else try { wanted.of[key.slice(3)] = JSON.parse(value); } catch { continue; }
  }
  return wanted;
}

dark.addEventListener("change", () => inTurn());
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; inTurn(); } });
addEventListener("hashchange", () => start(remembered()));
start(remembered());
