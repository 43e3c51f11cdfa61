"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const [lowest, highest] = [data.probe.minimum, data.probe.maximum];
  const inText = new Map();
  for (const numeral of data.numerals) {
    if (numeral.number !== null) inText.set(numeral.number, (inText.get(numeral.number) || 0) + 1);
  }

  // Texts of a model go into nodes, never into markup.
  function make(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }
  function draw(name, attributes, text) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }
  // Right is a disc, wrong a cross.
  function shape(right) {
    const node = draw("svg", { viewBox: "0 0 10 10", class: `shape ${right ? "right" : "wrong"}`, "aria-hidden": "true" });
    node.append(
      right
        ? draw("circle", { cx: 5, cy: 5, r: 4.2, fill: "currentColor" })
        : draw("path", { d: "M1.5 1.5 8.5 8.5 M8.5 1.5 1.5 8.5", stroke: "currentColor", "stroke-width": 2.4 }),
    );
    return node;
  }
  function percent(share) {
    if (share === null || share === undefined) return "–";
    const hundred = 100 * share;
    if (share > 0.999) return ">99.9 %";
    if (hundred < 0.1) return "<0.1 %";
    return `${hundred.toFixed(hundred < 10 || hundred > 99 ? 1 : 0)} %`;
  }
  function visible(text) {
    return text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";
  }
  const short = (text) => (text.length > 1 ? visible(text).replace(/^␣(?=.)/, " ").trimStart() : visible(text));
  const layerName = (name) => (name === "final_norm" ? "final norm" : name);
  const nameOf = (layer) => (layer.valid ? [layerName(layer.name)] : [`${layerName(layer.name)} `, make("small", {}, "no valid probe")]);
  const quote = (text) => `“${visible(text)}”`;

  // ---- head -------------------------------------------------------------------------------------------------------
  function describeText() {
    let done = 0;
    const parts = [];
    for (const numeral of data.numerals) {
      parts.push(data.text.slice(done, numeral.start));
      const why = numeral.reason === null ? null : `not read: ${numeral.why}`;
      parts.push(make("mark", { class: why ? "out" : "in", title: why }, data.text.slice(numeral.start, numeral.end)));
      done = numeral.end;
    }
    find("text").append(...parts, data.text.slice(done));
    const probe = data.probe;
    find("about").textContent =
      `${data.names.model || probe.model}, read by the probe ${probe.kind} (fitted in ${probe.contexts.join(", ")}), ` +
      `which chooses among ${lowest}..${highest} at every token. Tokens run across, layers down.`;
    const notes = [];
    for (const numeral of data.numerals) {
      if (numeral.reason === "out_of_range") {
        notes.push(`${numeral.written} is beyond the probe's range ${lowest}..${highest}: no candidate stands for it.`);
      } else if (numeral.reason !== null) {
        notes.push(`${numeral.written} is not read as a number: ${numeral.why}.`);
      }
    }
    if (data.cut) notes.push(`The last ${data.cut} tokens of the text are beyond the length that the model takes, and are not shown.`);
    if (!data.numerals.length) notes.push("The text holds no number in digits.");
    find("notes").append(...notes.map((note) => make("li", {}, note)));
    find("foot").textContent =
      "Colour: the probe's calibrated confidence, only where the state fits the number better than 99 % of tokens that are no numbers " +
      "fit theirs, at the same layer in held-out text. A probe names a number at every token: a grey reading says nothing. A coloured " +
      "one shows that a number is present in the state, not that the model uses it.";
  }

  function describeKey() {
    const ramp = make("span", { class: "ramp", "aria-hidden": "true" });
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9, 1]) {
      const part = make("i");
      part.style.background = `color-mix(in srgb, var(--accent) ${tint(share)}, var(--page))`;
      ramp.append(part);
    }
    const grey = make("span", { class: "swatch", "aria-hidden": "true" });
    grey.style.background = "var(--grey)";
    const entries = [
      make("span", {}, "confidence 0 %", ramp, "100 %"),
      make("span", {}, grey, "no better than at tokens that are no numbers: says nothing"),
      make("span", {}, shape(true), "the number written here, read right"),
      make("span", {}, shape(false), "read wrong"),
    ];
    if (data.grids.some((grid) => grid.layers.some((layer) => !layer.valid))) {
      entries.push(make("span", {}, make("span", { class: "swatch cell void", style: "min-width:1.6rem;height:1rem", "aria-hidden": "true" }), "layer without a valid probe"));
    }
    find("key").append(...entries);
  }
  const tint = (share) => `${Math.round(14 + 76 * share)}%`;

  // ---- grids ------------------------------------------------------------------------------------------------------
  const tables = [];
  let followed = null;

  function truthAt(token) {
    const place = data.tokens[token];
    return place.last ? data.numerals[place.n].number : null;
  }
  function sentence(grid, row, token) {
    const layer = grid.layers[row];
    const cell = grid.cells[row] && grid.cells[row][token];
    const where = `layer ${layerName(layer.name)}, token ${quote(data.tokens[token].t)}`;
    if (!cell) return `${where}: no valid probe, ${layer.why}`;
    const truth = truthAt(token);
    const judged = truth === null ? "" : String(cell.v[0]) === truth ? ", right" : `, wrong, ${truth} is written here`;
    const seen = cell.o ? `confidence ${percent(cell.p[0])}` : layer.valid ? "grey, says nothing" : "no valid probe";
    return `${where}: ${cell.v[0]}, ${seen}${judged}`;
  }

  function addGrid(grid, index) {
    const title = index ? grid.title : "";
    const table = make("table", { class: "lens", role: "grid", "aria-label": title || "Decoded number of every token at every layer", "aria-rowcount": grid.layers.length + 1, "aria-colcount": data.tokens.length + 1 });
    const head = make("tr", { role: "row" }, make("th", { class: "corner", scope: "col", role: "columnheader" }, "layer"));
    data.tokens.forEach((token, column) => {
      const button = make("button", { class: `token${token.n === null ? "" : " number"}`, type: "button", tabindex: "-1", "data-token": column, "aria-label": `token ${visible(token.t)}${token.last ? `, last token of the number ${data.numerals[token.n].written}` : ""}: follow it through the layers`, "aria-pressed": "false" }, short(token.t));
      button.addEventListener("click", () => follow(grid, column));
      head.append(make("th", { scope: "col", role: "columnheader" }, button));
    });
    const body = make("tbody");
    grid.layers.forEach((layer, row) => {
      const name = make("th", { scope: "row", role: "rowheader", class: `layer${layer.valid ? "" : " void"}`, title: describeLayer(layer) }, ...nameOf(layer));
      const line = make("tr", { role: "row" }, name);
      data.tokens.forEach((_, column) => line.append(makeCell(grid, row, column)));
      body.append(line);
    });
    table.append(make("thead", {}, head), body);
    const section = make("section", { class: "grid", "data-grid": grid.name });
    if (data.grids.length > 1) section.append(make("h2", {}, index ? title : `The model: ${data.names.model || data.probe.model}`));
    section.append(make("div", { class: "scroll" }, table));
    find("grids").append(section);
    tables.push(table);
    listen(grid, table);
  }
  function describeLayer(layer) {
    if (layer.accuracy === null || layer.accuracy === undefined) return layer.why || "";
    const measured = `unseen numbers read right: ${percent(layer.accuracy)} (${percent(layer.low)} to ${percent(layer.high)}, ${layer.numbers} numbers)`;
    return layer.valid ? measured : `no valid probe: ${layer.why}; ${measured}`;
  }
  function makeCell(grid, row, column) {
    const cell = grid.cells[row] && grid.cells[row][column];
    const node = make("td", { class: "cell", role: "gridcell", tabindex: "-1", "data-row": row, "data-token": column, "aria-label": sentence(grid, row, column) });
    if (!cell || !grid.layers[row].valid) node.classList.add("void");
    if (cell) {
      node.append(String(cell.v[0]));
      if (cell.o) {
        node.classList.add("over");
        node.style.setProperty("--share", tint(cell.p[0]));
      }
      const truth = truthAt(column);
      if (truth !== null) node.append(shape(String(cell.v[0]) === truth));
    }
    return node;
  }

  function listen(grid, table) {
    const cellOf = (event) => event.target.closest(".cell");
    table.addEventListener("pointerover", (event) => {
      const cell = cellOf(event);
      if (cell) showTip(grid, cell);
      else hideTip();
    });
    table.addEventListener("pointerleave", hideTip);
    table.addEventListener("focusin", (event) => {
      const cell = cellOf(event);
      for (const other of table.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
      event.target.tabIndex = 0;
      if (cell) showTip(grid, cell);
      else hideTip();
    });
    table.addEventListener("focusout", hideTip);
    table.addEventListener("click", (event) => {
      const cell = cellOf(event);
      if (cell) follow(grid, Number(cell.dataset.token));
    });
    table.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        hideTip();
        if (followed) unfollow();
        return;
      }
      const here = event.target;
      const [row, column] = [here.dataset.row === undefined ? -1 : Number(here.dataset.row), Number(here.dataset.token)];
      const [rows, columns] = [grid.layers.length, data.tokens.length];
      const moves = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], Home: [row, 0], End: [row, columns - 1], PageUp: [-1, column], PageDown: [rows - 1, column] };
      if (moves[event.key]) {
        const [down, across] = moves[event.key];
        const next = at(table, Math.min(Math.max(down, -1), rows - 1), Math.min(Math.max(across, 0), columns - 1));
        next.focus();
        event.preventDefault();
      } else if ((event.key === "Enter" || event.key === " ") && row >= 0) {
        follow(grid, column);
        event.preventDefault();
      }
    });
    at(table, -1, 0).tabIndex = 0;
  }
  const at = (table, row, column) => (row < 0 ? table.querySelectorAll("button.token")[column] : table.tBodies[0].rows[row].cells[column + 1]);

  // ---- details ----------------------------------------------------------------------------------------------------
  const PLACES = ["ones", "tens", "hundreds", "thousands"];
  function occurrence(number) {
    const times = inText.get(String(number)) || 0;
    return times ? `${number} occurs in the text${times > 1 ? ` (${times} times)` : ""}.` : `${number} does not occur in the text.`;
  }
  function showTip(grid, node) {
    const [row, token] = [Number(node.dataset.row), Number(node.dataset.token)];
    const layer = grid.layers[row];
    const cell = grid.cells[row] && grid.cells[row][token];
    const tip = find("tip");
    tip.replaceChildren(make("h3", {}, `Layer ${layerName(layer.name)}, ${quote(data.tokens[token].t)}`));
    if (!layer.valid) tip.append(make("p", {}, `No valid probe here: ${layer.why}.`));
    if (cell) {
      const rows = cell.v.map((value, place) => {
        const bar = make("i");
        bar.style.width = `${100 * cell.p[place]}%`;
        return make("tr", {}, make("td", {}, String(value)), make("td", {}, percent(cell.p[place])), make("td", { class: "bar" }, bar), make("td", {}, inText.has(String(value)) ? "in text" : ""));
      });
      tip.append(make("table", {}, make("tbody", {}, ...rows)));
      const digits = cell.d.map(([digit, share], place) => `${PLACES[cell.d.length - 1 - place] || `10^${cell.d.length - 1 - place}`} ${digit} (${percent(share)})`);
      tip.append(make("p", {}, `Digit by digit: ${digits.join(", ")}.`), make("p", {}, occurrence(cell.v[0])));
      const truth = truthAt(token);
      if (truth !== null) {
        const right = String(cell.v[0]) === truth;
        tip.append(make("p", { class: right ? "right" : "wrong" }, shape(right), ` ${truth} is written here: ${right ? "read right" : "read wrong"}.`));
      }
      const fits = cell.o ? "The state fits this number better than 99 % of tokens that are no numbers fit theirs." : "The state fits no number better than tokens that are no numbers do: these probabilities say nothing.";
      if (layer.valid) tip.append(make("p", { class: "quiet" }, fits));
      if (cell.s !== null) tip.append(make("p", { class: "quiet" }, `Score of probe.read, before calibration: ${percent(cell.s)}.`));
    }
    tip.hidden = false;
    node.setAttribute("aria-describedby", "tip");
    const [box, own] = [node.getBoundingClientRect(), tip.getBoundingClientRect()];
    const below = box.bottom + own.height + 8 < innerHeight || box.top < own.height + 8;
    const left = Math.min(Math.max(box.left + box.width / 2 - own.width / 2, 6), Math.max(document.documentElement.clientWidth - own.width - 6, 6));
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${scrollY + (below ? box.bottom + 6 : box.top - own.height - 6)}px`;
  }
  function hideTip() {
    find("tip").hidden = true;
    for (const node of document.querySelectorAll("[aria-describedby=tip]")) node.removeAttribute("aria-describedby");
  }

  // ---- curve ------------------------------------------------------------------------------------------------------
  function mark(token) {
    for (const table of tables) {
      for (const node of table.querySelectorAll("[data-token]")) {
        const on = token !== null && Number(node.dataset.token) === token;
        node.classList.toggle("followed", on);
        if (node.matches("button")) node.setAttribute("aria-pressed", String(on));
      }
    }
  }
  function unfollow() {
    followed = null;
    mark(null);
    find("curve").hidden = true;
  }
  function follow(grid, token) {
    if (followed && followed.grid === grid && followed.token === token) return unfollow();
    followed = { grid, token };
    mark(token);
    const { number, written, p } = grid.followed[token];
    const about = written ? `the number that is written here, ${number}` : `${number}, which most layers read here`;
    const close = make("button", { class: "close", type: "button" }, "Close");
    close.addEventListener("click", unfollow);
    const read = grid.layers.map((_, row) => (grid.cells[row] ? grid.cells[row][token] : null));
    find("curve").replaceChildren(
      close,
      make("h2", {}, `${quote(data.tokens[token].t)} through the layers${grid.name === "model" ? "" : ` (${grid.name})`}`),
      make("p", { class: "quiet" }, `Solid: confidence of the reading, with the number where it changes (filled: coloured in the grid; hollow: says nothing). Dashed: probability of ${about}.`),
      plot(grid, read, p, number),
    );
    find("curve").hidden = false;
    find("curve").scrollIntoView({ block: "nearest" });
  }
  function plot(grid, read, followedShares, number) {
    const [width, height, left, right, top, bottom] = [900, 270, 52, 110, 26, 40];
    const x = (row) => left + ((width - left - right) * (grid.layers.length > 1 ? row / (grid.layers.length - 1) : 0.5));
    const y = (share) => top + (height - top - bottom) * (1 - share);
    const known = (shares) => shares.map((share, row) => [row, share]).filter(([, share]) => share !== null && share !== undefined);
    const path = (points) => points.map(([row, share], place) => `${place && points[place - 1][0] === row - 1 ? "L" : "M"}${x(row).toFixed(1)} ${y(share).toFixed(1)}`).join("");
    const reads = known(read.map((cell) => (cell ? cell.p[0] : null)));
    const summary = read.map((cell, row) => (cell ? `layer ${layerName(grid.layers[row].name)}: ${cell.v[0]}, ${percent(cell.p[0])}` : null)).filter((part) => part).join("; ");
    const node = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary });
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      node.append(draw("line", { x1: left, x2: width - right, y1: y(share), y2: y(share), class: "gridline" }));
      node.append(draw("text", { x: left - 8, y: y(share) + 4, "text-anchor": "end", class: "axis" }, `${100 * share} %`));
    }
    grid.layers.forEach((layer, row) => {
      const name = layer.name === "final_norm" ? "final" : layer.name;
      node.append(draw("text", { x: x(row), y: height - bottom + 18, "text-anchor": "middle", class: "axis" }, name));
    });
    node.append(draw("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle", class: "axis" }, "layer"));
    const lines = [["follow", known(followedShares)], ["read", reads]];
    for (const [kind, points] of lines) node.append(draw("path", { d: path(points), class: kind }));
    let last = null;
    for (const [row, share] of reads) {
      const cell = read[row];
      node.append(draw("circle", { cx: x(row), cy: y(share), r: 4, class: `read-point${cell.o ? "" : " under"}` }));
      if (cell.v[0] !== last) node.append(draw("text", { x: x(row), y: y(share) - 9, "text-anchor": "middle", class: "read-text" }, cell.v[0]));
      last = cell.v[0];
    }
    endLabels(node, [
      ["reading", "read-text", reads],
      [`P(${number})`, "follow-text", lines[0][1]],
    ], x, y);
    return node;
  }
  // Labels at the ends of the lines, moved apart.
  function endLabels(node, lines, x, y) {
    const labels = lines.filter(([, , points]) => points.length).map(([text, kind, points]) => {
      const [row, share] = points[points.length - 1];
      return { text, kind, x: x(row) + 22, y: y(share) + 4 };
    }).sort((a, b) => a.y - b.y);
    // From the lowest up, which must not cover the names of the layers.
    labels.reverse().forEach((label, place) => {
      label.y = Math.min(label.y, place ? labels[place - 1].y - 14 : y(0) - 2);
      node.append(draw("text", { x: label.x, y: label.y, class: label.kind }, label.text));
    });
  }

  // ---- answer -----------------------------------------------------------------------------------------------------
  function share(value) {
    const bar = make("i");
    bar.style.width = `${100 * (value || 0)}%`;
    return make("td", { class: "share" }, make("span", { class: "bar", "aria-hidden": "true" }, bar), percent(value));
  }
  function tags(row, points) {
    const cell = make("td");
    if (points.appears === row) cell.append(make("span", { class: "tag appears" }, "appears"));
    if (points.lost === row) cell.append(make("span", { class: "tag lost" }, "is lost"));
    return cell;
  }
  function describeAnswer() {
    const panel = data.answer;
    if (!panel) return;
    const several = panel.answer_tokens.length > 1;
    const first = panel.answer_tokens[0];
    const number = panel.model.number;
    const right = number === panel.truth;
    const notes = [make("p", {}, "The model answers ", make("b", {}, number === null ? quote(panel.model.text) : String(number)), " ", shape(right), right ? " right." : " wrong.")];
    const told = [`Everything is read at the last token before the answer, ${quote(panel.token)}, by the probe ${panel.probe.kind} (fitted in ${panel.probe.contexts.join(", ")}).`];
    if (several) told.push(`The model writes ${panel.truth} in ${panel.answer_tokens.length} tokens (${panel.answer_tokens.map(visible).join(" ")}): its logit lens shows only the first, ${quote(first)}.`);
    if (!panel.inside) told.push(`${panel.truth} is beyond the probe's range ${panel.probe.minimum}..${panel.probe.maximum}: no candidate of the probe stands for it.`);
    told.push("The truth appears at the first of three consecutive layers at which it is read and coloured (for the model: at which its first token leads), and is lost at the first of three at which it is not.");
    notes.push(make("p", { class: "quiet" }, told.join(" ")));
    const group = (name, span) => make("th", { class: "group", colspan: span, scope: "colgroup" }, name);
    const head = make("thead", {},
      make("tr", {}, make("th", { rowspan: 2, scope: "col" }, "layer"), make("th", { rowspan: 2, scope: "col" }, "truth"), group("the probe reads", 3), group(several ? `the model is about to say (first token of the answer)` : "the model is about to say", 4)),
      make("tr", {}, make("th", { class: "group", scope: "col" }, "number"), make("th", { scope: "col" }, `P(${panel.truth})`), make("th", { scope: "col" }, ""), make("th", { class: "group", scope: "col" }, "token"), make("th", { scope: "col" }, "its probability"), make("th", { scope: "col" }, `P(${quote(first)}), rank`), make("th", { scope: "col" }, "")));
    const body = make("tbody");
    panel.rows.forEach((row, place) => {
      const { layer, cell, said } = row;
      const line = make("tr", {}, make("th", { scope: "row", class: layer.valid ? "" : "void", title: describeLayer(layer) }, ...nameOf(layer)), make("td", {}, String(panel.truth)));
      if (cell) {
        const correct = cell.v[0] === panel.truth;
        line.append(make("td", { class: `group${cell.o ? "" : " under"}` }, panel.inside ? shape(correct) : "", ` ${cell.v[0]} `, make("span", { class: "quiet" }, cell.o ? percent(cell.p[0]) : layer.valid ? "says nothing" : "no valid probe")), share(row.truth));
      } else line.append(make("td", { class: "group under" }, "no valid probe"), make("td"));
      const shownToken = make("td", { class: "group" }, shape(said.first), " ", make("span", { class: "said" }, visible(said.tokens[0])));
      shownToken.title = said.tokens.map((token, i) => `${visible(token)} ${percent(said.p[i])}`).join("   ");
      const ranked = share(said.truth);
      ranked.append(make("span", { class: "quiet" }, ` ${ordinal(said.rank)}`));
      line.append(tags(place, panel.read), shownToken, make("td", {}, percent(said.p[0])), ranked, tags(place, panel.about));
      body.append(line);
    });
    const title = `The answer, ${panel.truth}, layer by layer`;
    find("answer").append(make("h2", {}, title), ...notes, make("div", { class: "scroll" }, make("table", { class: "answer", "aria-label": title }, head, body)));
    find("answer").hidden = false;
  }
  const ordinal = (rank) => `rank ${rank.toLocaleString("en")}`;

  describeText();
  describeKey();
  data.grids.forEach(addGrid);
  describeAnswer();
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  document.documentElement.dataset.ready = "true";
})();
