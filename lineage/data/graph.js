"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const [ID, DEPTH, VIA, RELATION, AUTHOR, DOWNLOADS, DAY, STATE, SAID, CAUSE, BEYOND] = Array(11).keys();
const models = data.nodes, ROW = 27, GAP = 92, SLOT = 30, BATCH = 20, MOST = 600, CLIP = 46;
const tones = new Map(data.tones.map(([name, colour, mark]) => [name, { colour, mark }]));
const looks = new Map(data.relations.map(([name, colour, dashes, legend]) => [name, { colour, dashes, legend }]));
const numbers = new Map(models.map((m, i) => [m[ID], i]));
const number = (n) => n.toLocaleString("en-US");
const near = models.map(() => []), parents = models.map(() => []);
models.forEach((m, i) => { if (m[VIA] >= 0) near[m[VIA]].push(i); });
near.forEach((list) => list.sort((a, b) => models[b][BEYOND] - models[a][BEYOND] || (models[b][DOWNLOADS] || 0) - (models[a][DOWNLOADS] || 0) || a - b));
data.edges.forEach(([parent, child, relation]) => parents[child].push([parent, data.relations[relation][0]]));
const away = new Map();
data.away.forEach(([i, side, relation, count]) => away.set([i, side, relation].join(), count));
let shown = new Set(data.shown), chosen = 0, way = new Set(), dark, nodes = new Map(), font;
const side = (i) => (models[i][DEPTH] < 0 ? -1 : 1);

/* What is drawn: models that are shown, and for each the groups of relatives that are not. */
function drawn() {
  const found = new Map();
  /* On a cycle a model is on both sides; it stands on that of the one it was reached from. */
  const visit = (i, owner) => { const s = owner ? owner.side || side(i) : 0; return { key: i, model: i, kids: [], up: side(i) < 0, side: s, column: owner ? owner.column + s : 0 }; };
  found.set(0, visit(0));
  const todo = [0];
  while (todo.length) {
    const i = todo.pop(), item = found.get(i), held = new Map();
    for (const j of near[i]) {
      if (shown.has(j)) { found.set(j, visit(j, item)); item.kids.push(j); todo.push(j); continue; }
      const key = [i, side(j), models[j][RELATION]].join();
      if (!held.has(key)) held.set(key, []);
      held.get(key).push(j);
    }
    for (const key of new Set([...held.keys(), ...[1, -1].flatMap((s) => data.relations.map(([name]) => [i, s, name].join()).filter((k) => away.has(k)))])) {
      const members = held.get(key) || [], [, s, relation] = key.split(",");
      const inFile = members.reduce((sum, j) => sum + models[j][BEYOND], 0), count = inFile + (away.get(key) || 0);
      found.set(key, { key, members, up: +s < 0, side: item.side || +s, column: item.column + (item.side || +s), relation, count, missing: away.get(key) || 0, owner: i, kids: [] });
      item.kids.push(key);
    }
  }
  return found;
}

/* Places: a column a step, a row a leaf, a model in the middle of those that are next to it. */
function place(found) {
  const row = [0, 0];
  for (const s of [-1, 1]) {
    let next = 0;
    const todo = [[0, false]];
    while (todo.length) {
      const [key, done] = todo.pop(), item = found.get(key);
      const kids = item.kids.filter((k) => key !== 0 || found.get(k).side === s);
      if (kids.length === 0) { if (key !== 0) item.row = next++; else row[(s + 1) / 2] = 0; continue; }
      if (!done) { todo.push([key, true]); for (const k of [...kids].reverse()) todo.push([k, false]); continue; }
      const middle = (found.get(kids[0]).row + found.get(kids[kids.length - 1]).row) / 2;
      if (key === 0) row[(s + 1) / 2] = middle; else item.row = middle;
    }
  }
  found.get(0).row = 0;
  const depths = new Map();
  for (const item of found.values()) {
    if (item.key !== 0) item.row -= row[(item.side + 1) / 2];
    measure(item);
    depths.set(item.column, Math.max(depths.get(item.column) || 0, item.width));
  }
  const x = new Map();
  let left = 0;
  for (const depth of [...depths.keys()].sort((a, b) => a - b)) { x.set(depth, left); left += depths.get(depth) + GAP; }
  for (const item of found.values()) { item.x = x.get(item.column) - x.get(0) + item.width / 2; item.y = item.row * ROW; }
}

const pen = document.createElement("canvas").getContext("2d");
function measure(item) {
  if (item.model === undefined) {
    item.text = `+${number(item.count)} ${item.relation === "unknown" ? "related" : item.relation}`;
    pen.font = font(13, false);
    item.width = pen.measureText(item.text).width + 22;
    return;
  }
  const m = models[item.model];
  item.radius = 4 + Math.min(8, 1.25 * Math.log10(1 + (m[DOWNLOADS] || 0)));
  item.text = m[ID].length > CLIP ? `${m[ID].slice(0, CLIP - 1)}…` : m[ID];
  pen.font = font(13, item.model === 0);
  item.width = SLOT + pen.measureText(item.text).width;
}
font = (size, bold) => `${bold ? "600 " : ""}${size}px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif`;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const toneOf = (m) => tones.get(data.sayings[m[SAID]][6]);

function paint({ ctx, id, x, y, state }) {
  const item = nodes.get(id), left = x - item.width / 2, faint = way.size && !way.has(id);
  return {
    drawNode() {
      ctx.globalAlpha = faint ? 0.45 : 1;
      if (item.model === undefined) {
        ctx.strokeStyle = css("--line"); ctx.fillStyle = css("--card"); ctx.lineWidth = 1.2;
        ctx.beginPath(); ctx.roundRect(left, y - 11, item.width, 22, 11); ctx.fill(); ctx.stroke();
        ctx.fillStyle = css(state.selected ? "--link" : "--soft"); ctx.font = font(13, false);
        ctx.textBaseline = "middle"; ctx.textAlign = "left"; ctx.fillText(item.text, left + 11, y + 0.5);
      } else {
        const middle = left + SLOT / 2 - 2, { colour, mark } = toneOf(models[item.model]);
        ctx.fillStyle = ctx.strokeStyle = colour; ctx.lineWidth = 2;
        ctx.beginPath(); ctx.arc(middle, y, item.radius, 0, 2 * Math.PI);
        if (mark === "–") { ctx.fillStyle = css("--ground"); ctx.fill(); ctx.stroke(); } else ctx.fill();
        if (state.selected || item.model === 0) { ctx.strokeStyle = css("--ink"); ctx.lineWidth = state.selected ? 2.5 : 1.5; ctx.beginPath(); ctx.arc(middle, y, item.radius + 3, 0, 2 * Math.PI); ctx.stroke(); }
        if (item.radius >= 6 && (mark === "?" || mark === "✕")) { ctx.fillStyle = css("--ground"); ctx.font = font(item.radius + 4, true); ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.fillText(mark, middle, y + 0.5); }
        ctx.fillStyle = css("--ink"); ctx.font = font(13, item.model === 0); ctx.textBaseline = "middle"; ctx.textAlign = "left";
        ctx.fillText(item.text, left + SLOT, y + 0.5);
      }
      ctx.globalAlpha = 1;
    },
    nodeDimensions: { width: item.width, height: 22 },
  };
}

/* Edges are drawn here, since vis-network would lead them through the names: from the end of a name to a dot. */
function lines(ctx) {
  const tied = new Set();
  for (const item of nodes.values()) {
    if (item.key === 0) continue;
    const model = item.model !== undefined, owner = nodes.get(model ? models[item.model][VIA] : item.owner);
    const [from, to] = item.up ? [item, owner] : [owner, item];
    tied.add(`${from.key},${to.key}`);
    line(ctx, from, to, model ? models[item.model][RELATION] : item.relation, false);
  }
  for (const [parent, child, relation] of data.edges) {
    if (nodes.has(parent) && nodes.has(child) && !tied.has(`${parent},${child}`)) line(ctx, nodes.get(parent), nodes.get(child), data.relations[relation][0], true);
  }
  ctx.globalAlpha = 1; ctx.setLineDash([]);
}
function line(ctx, from, to, relation, extra) {
  const { colour, dashes } = looks.get(relation) || looks.get("unknown"), on = way.has(from.key) && way.has(to.key);
  const back = to.column <= from.column, x0 = back ? from.x - from.width / 2 - 4 : from.x + from.width / 2 + 6, x1 = to.x - to.width / 2 - 5;
  const bend = Math.max(40, (x1 - x0) / 2), [first, second] = back ? [x0 - 50, x1 - 50] : [x0 + bend, x1 - 6 - bend];
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.globalAlpha = way.size && !on ? 0.3 : extra ? 0.6 : 1;
  ctx.lineWidth = way.size && on ? 3 : 1.5;
  ctx.setLineDash(dashes);
  ctx.beginPath(); ctx.moveTo(x0, from.y); ctx.bezierCurveTo(first, from.y, second, to.y, x1 - 6, to.y); ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath(); ctx.moveTo(x1, to.y); ctx.lineTo(x1 - 8, to.y - 4); ctx.lineTo(x1 - 8, to.y + 4); ctx.fill();
}

const network = new vis.Network(at("net"), { nodes: [], edges: [] }, {
  physics: false, layout: { improvedLayout: false }, interaction: { dragNodes: false, hover: false, keyboard: false, selectConnectedEdges: false },
  nodes: { shape: "custom", ctxRenderer: paint, fixed: true },
});

function draw(keep) {
  dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  nodes = drawn();
  place(nodes);
  const view = keep && { scale: network.getScale(), position: network.getViewPosition() };
  const list = [...nodes.values()].map(({ key, x, y, width }) => ({ id: key, x, y, size: width / 2 })); // what is farther than `size` outside is not drawn
  network.setData({ nodes: list, edges: [] });
  if (chosen !== null && nodes.has(chosen)) network.selectNodes([chosen], false);
  if (view) network.moveTo(view); else home();
  const folded = models.length - [...nodes.values()].filter((item) => item.model !== undefined).length, missing = [...away.values()].reduce((a, b) => a + b, 0);
  at("counts").textContent = `${number(models.length - folded)} of ${number(models.length + missing)} models drawn${folded ? `, ${number(folded)} folded` : ""}${missing ? `, ${number(missing)} not in this file` : ""}.`;
  at("unfold").disabled = folded === 0 || shown.size >= MOST; // more are unfolded one by one
  at("refold").disabled = shown.size === data.shown.length;
  document.documentElement.dataset.drawn = String(models.length - folded);
}

/* All that is drawn, but no smaller than can be read: then the model asked for is in the middle. */
function home() {
  const items = [...nodes.values()], box = at("net").getBoundingClientRect();
  const [x0, x1] = [Math.min(...items.map((i) => i.x - i.width / 2)), Math.max(...items.map((i) => i.x + i.width / 2))];
  const [y0, y1] = [Math.min(...items.map((i) => i.y)) - ROW, Math.max(...items.map((i) => i.y)) + ROW];
  const fit = Math.min((box.width - 40) / (x1 - x0), (box.height - 40) / (y1 - y0), 1.4), scale = Math.max(fit, 0.75);
  const wide = (x1 - x0) * scale > box.width - 40, tall = (y1 - y0) * scale > box.height - 40;
  const me = nodes.get(0);
  const middle = (low, high, mine, room, over) => (over ? Math.min(Math.max(mine, low + room / 2 / scale - 20), high - room / 2 / scale + 20) : (low + high) / 2);
  network.moveTo({ scale, position: { x: middle(x0, x1, me.x, box.width, wide), y: middle(y0, y1, me.y, box.height, tall) } });
}

/* The way from a model to the one asked for, to its root and, if another decides its verdict, up to that. */
function wayOf(i) {
  const found = new Set(rootPath(i));
  for (let j = i; j >= 0; j = models[j][VIA]) found.add(j);
  licencePath(i).forEach(([j]) => found.add(j));
  return found;
}
function rootPath(i) { /* by the parents that are named first */
  const path = new Set();
  for (let j = i; j !== undefined && !path.has(j); j = parents[j].length ? parents[j][0][0] : undefined) path.add(j);
  return [...path];
}
function licencePath(i) {
  const end = numbers.get(models[i][CAUSE]);
  if (end === undefined) return [];
  const from = new Map([[i, null]]), todo = [i];
  for (const j of todo) {
    if (j === end) break;
    for (const [parent, relation] of parents[j]) if (!from.has(parent)) { from.set(parent, [j, relation]); todo.push(parent); }
  }
  const path = [];
  for (let j = from.has(end) ? end : null; j !== null && j !== undefined;) { const step = from.get(j); path.push([j, step ? step[1] : ""]); j = step ? step[0] : null; }
  return path;
}

function show(i) { /* so that a model is drawn, all on the way to it are */
  for (let j = i; j >= 0; j = models[j][VIA]) shown.add(j);
}
function choose(key, move) {
  chosen = key;
  way = key === null || key === 0 ? new Set() : typeof key === "number" ? wayOf(key) : new Set();
  for (const j of way) if (!shown.has(j)) show(j);
  draw(true);
  if (move && nodes.has(key)) network.moveTo({ position: { x: nodes.get(key).x, y: nodes.get(key).y }, scale: Math.max(network.getScale(), 0.9) });
  tell(key);
}
function unfold(item) {
  item.members.slice(0, item.members.length <= BATCH * 1.5 ? item.members.length : BATCH).forEach((j) => shown.add(j));
  choose(item.members.length ? item.members[0] : item.owner, false);
}
function foldBeyond(i) {
  const todo = [...near[i]];
  while (todo.length) { const j = todo.pop(); shown.delete(j); todo.push(...near[j]); }
}
function toggle(key) {
  const item = nodes.get(key);
  if (!item) return;
  if (item.model === undefined) { if (item.members.length) unfold(item); else tell(key); return; }
  if (near[item.model].some((j) => shown.has(j)) && item.model !== 0) foldBeyond(item.model);
  else near[item.model].slice(0, BATCH).forEach((j) => shown.add(j));
  choose(item.model, false);
}

/* Text from the Hub is set as text, never as markup. */
function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  Object.entries(attributes || {}).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}
function tell(key) {
  const told = at("told"), item = key === null ? undefined : nodes.get(key);
  at("panel").hidden = item === undefined;
  if (!item) return;
  told.replaceChildren(...(item.model === undefined ? groupWords(item) : modelWords(item.model)));
}
function groupWords(item) {
  const words = [element("h3", item.text), element("p", `Folded beside ${models[item.owner][ID]}.`)];
  if (item.missing) words.push(element("p", `${number(item.missing)} of them are not in this file. The same command with -o relatives.json writes all.`));
  if (item.members.length) {
    const button = element("button", "Unfold", { type: "button" }), list = element("ul");
    item.members.slice(0, 10).forEach((j) => list.append(element("li", models[j][BEYOND] > 1 ? `${models[j][ID]} and ${number(models[j][BEYOND] - 1)} beyond it` : models[j][ID])));
    if (item.members.length > 10) list.append(element("li", `… and ${number(item.members.length - 10)} more`));
    button.addEventListener("click", () => unfold(item));
    words.push(list, button);
  }
  return words;
}
function modelWords(i) {
  const m = models[i], [declared, effective, verdict, grade, license, why] = data.sayings[m[SAID]], { colour, mark } = toneOf(m);
  const badge = element("span", `${mark} ${verdict ? `${verdict} (${grade})` : "not on the Hub"}`, { class: "badge" });
  badge.style.borderColor = colour;
  const facts = element("dl");
  for (const [name, fact] of [
    ["declared", declared], ["effective", effective], ["downloads", m[DOWNLOADS] === null ? "not known" : `${number(m[DOWNLOADS])} in 30 days`],
    ["created", m[DAY] || "not known"], ["author", m[AUTHOR] || "not known"], ["state", m[STATE]], ["data of", data.day],
    ["made from, as drawn here", parents[i].map(([p, relation]) => `${models[p][ID]} (${relation})`).join(", ")],
  ]) if (fact) facts.append(element("dt", name), element("dd", fact));
  const parts = [element("h3", m[ID]), badge, element("p", `${why}${license ? ` (${license})` : ""}`)];
  const path = licencePath(i);
  if (path.length > 1) {
    const list = element("ol", null, { "aria-label": "The way of the licence" });
    path.forEach(([j, relation], step) => list.append(element("li", step ? `${path[step - 1][1]}: ${models[j][ID]}` : models[j][ID])));
    parts.push(element("p", "The way it came:"), list);
  } else if (m[CAUSE] && m[CAUSE] !== m[ID]) parts.push(element("p", `It came from ${m[CAUSE]}, which is not in this picture.`));
  parts.push(facts);
  const up = rootPath(i).slice(1);
  if (up.length) {
    const list = element("ol", null, { "aria-label": "Path to the root" });
    up.forEach((j) => list.append(element("li", models[j][ID])));
    parts.push(element("p", "Path to the root:"), list);
  }
  if (m[STATE] !== "registered") {
    const link = element("a", "Page on the Hub", { href: `https://huggingface.co/${m[ID].split("/").map(encodeURIComponent).join("/")}`, rel: "noopener noreferrer nofollow", target: "_blank" });
    parts.push(element("p", null)); parts[parts.length - 1].append(link);
  }
  if (near[i].length) {
    const open = near[i].some((j) => shown.has(j)) && i !== 0;
    const button = element("button", open ? "Fold what is beyond" : "Unfold what is next to it", { type: "button" });
    button.addEventListener("click", () => toggle(i));
    parts.push(button);
  }
  return parts;
}

network.on("beforeDrawing", lines);
network.on("click", ({ nodes: [key] }) => { if (key === undefined) choose(null, false); else choose(key, false); });
network.on("doubleClick", ({ nodes: [key] }) => { if (key !== undefined) toggle(key); });

/* Keyboard */
function neighbour(dx, dy) {
  const here = nodes.get(chosen === null ? 0 : chosen) || nodes.get(0);
  let best = null, least = Infinity;
  for (const item of nodes.values()) {
    const gapX = (item.column - here.column) * dx, gapY = (item.y - here.y) * dy;
    if (item === here || (dx ? gapX !== 1 : item.column !== here.column || gapY <= 0)) continue;
    const tie = dx && ((item.model === undefined ? item.owner : models[item.model][VIA]) === here.key || (here.model === undefined ? here.owner : models[here.model][VIA]) === item.key);
    const far = dx ? Math.abs(item.y - here.y) + (tie ? 0 : 1e6) : gapY;
    if (far < least) { least = far; best = item; }
  }
  if (best) choose(best.key, true);
}
const keys = {
  ArrowLeft: () => neighbour(-1, 0), ArrowRight: () => neighbour(1, 0), ArrowUp: () => neighbour(0, -1), ArrowDown: () => neighbour(0, 1),
  Enter: () => toggle(chosen === null ? 0 : chosen), " ": () => toggle(chosen === null ? 0 : chosen), Escape: () => choose(null, false),
  "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: home,
};
const zoom = (by) => network.moveTo({ scale: Math.min(4, Math.max(0.05, network.getScale() * by)) });
at("net").addEventListener("keydown", (event) => { const act = !event.ctrlKey && !event.metaKey && keys[event.key]; if (act) { event.preventDefault(); act(); } });
document.addEventListener("keydown", (event) => { if (event.key === "/" && document.activeElement !== at("search")) { event.preventDefault(); at("search").focus(); } });

/* Search */
let hits = [], place_ = 0;
function search() {
  const words = at("search").value.trim().toLowerCase();
  hits = words ? models.map((m, i) => [m[ID].toLowerCase().indexOf(words), i]).filter(([found]) => found >= 0)
    .sort((a, b) => (models[b[1]][DOWNLOADS] || 0) - (models[a[1]][DOWNLOADS] || 0) || a[1] - b[1]).slice(0, 12).map(([, i]) => i) : [];
  place_ = 0; list();
  at("none").hidden = !words || hits.length > 0;
}
function list() {
  at("found").replaceChildren(...hits.map((i, n) => {
    const item = element("li", models[i][ID], { role: "option", id: `hit${n}`, "aria-selected": String(n === place_) });
    item.addEventListener("mousedown", (event) => { event.preventDefault(); go(i); });
    return item;
  }));
  at("search").setAttribute("aria-expanded", String(hits.length > 0));
  if (hits.length) at("search").setAttribute("aria-activedescendant", `hit${place_}`); else at("search").removeAttribute("aria-activedescendant");
}
function go(i) { hits = []; list(); show(i); choose(i, true); at("net").focus(); }
at("search").addEventListener("input", search);
at("search").addEventListener("blur", () => { hits = []; list(); });
at("search").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); place_ = (place_ + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % Math.max(hits.length, 1); list(); }
  if (event.key === "Enter") { event.preventDefault(); if (hits.length) go(hits[place_]); }
  if (event.key === "Escape") { at("search").value = ""; search(); at("net").focus(); }
});
at("controls").addEventListener("submit", (event) => event.preventDefault());

/* Buttons */
at("in").addEventListener("click", () => zoom(1.25));
at("out").addEventListener("click", () => zoom(0.8));
at("home").addEventListener("click", home);
at("close").addEventListener("click", () => choose(null, false));
at("unfold").addEventListener("click", () => { for (let i = 0; i < models.length && shown.size < MOST; i++) show(i); draw(false); });
at("refold").addEventListener("click", () => { shown = new Set(data.shown); chosen = null; way = new Set(); draw(false); tell(null); });
at("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark ? "light" : "dark"; draw(true); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
at("save").addEventListener("click", () => {
  const from = at("net").querySelector("canvas"), to = document.createElement("canvas"), ctx = to.getContext("2d"), ratio = devicePixelRatio || 1, foot = 30 * ratio;
  to.width = from.width; to.height = from.height + foot;
  ctx.fillStyle = css("--ground"); ctx.fillRect(0, 0, to.width, to.height); ctx.drawImage(from, 0, 0);
  ctx.fillStyle = css("--soft"); ctx.font = font(12 * ratio, false); ctx.fillText(`${document.title} · data of ${data.day} · finetune-lineage`, 10 * ratio, from.height + 19 * ratio);
  to.toBlob((blob) => { const link = element("a", null, { href: URL.createObjectURL(blob), download: "relatives.png" }); link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000); });
});

function legends() {
  at("tones").replaceChildren(...data.tones.map(([, colour, mark, legend]) => swatch(`${mark} ${legend}`, (ctx) => {
    ctx.fillStyle = ctx.strokeStyle = colour; ctx.lineWidth = 2; ctx.beginPath(); ctx.arc(14, 9, 6, 0, 2 * Math.PI); if (mark === "–") ctx.stroke(); else ctx.fill();
  })));
  at("relations").replaceChildren(...data.relations.map(([, colour, dashes, legend]) => swatch(legend, (ctx) => {
    ctx.strokeStyle = colour; ctx.lineWidth = 2; ctx.setLineDash(dashes); ctx.beginPath(); ctx.moveTo(0, 9); ctx.lineTo(28, 9); ctx.stroke();
  })));
}
function swatch(words, paintIt) {
  const item = element("li"), sample = element("canvas", null, { width: 28, height: 18, "aria-hidden": "true" });
  paintIt(sample.getContext("2d"));
  item.append(sample, element("span", words));
  return item;
}

draw(false);
legends();
document.documentElement.dataset.ready = "yes";
})();
