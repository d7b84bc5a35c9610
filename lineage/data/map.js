// The page: what is chosen, shown and searched. All that comes from the Hub is put in as text.
(async () => {
  const $ = (id) => document.getElementById(id);
  const data = await unpack($("data").textContent);
  const n = data.x.length, count = new Intl.NumberFormat("en");
  const canvas = $("map"), context = canvas.getContext("2d", { willReadFrequently: true }), sheet = document.createElement("canvas");
  const pad = sheet.getContext("2d", { willReadFrequently: true });
  const view = { k: 1, x: 0, y: 0, ratio: 1 };
  const shown = new Uint8Array(n).fill(1);
  const made = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  // What follows from the columns.
  data.hubOf = new Int32Array(n).fill(-1);
  data.hubs.forEach((i, h) => { data.hubOf[i] = h; });
  data.members = new Uint32Array(n).fill(1);
  for (let i = n - 1; i > 0; i--) if (data.up[i] >= 0) data.members[data.up[i]] += data.members[i];
  data.size = Float32Array.from(data.downloads, (d, i) =>
    (data.hubOf[i] < 0 ? 0.38 : 0.7) + Math.min(0.4, Math.log10(1 + d) * 0.07));
  const weight = Float64Array.from(data.members, (m, i) =>
    -Math.round((Math.log2(m) + 0.35 * Math.log2(1 + data.downloads[i])) * 1000) * 2 ** 22 + i);
  data.order = Uint32Array.from(weight.sort(), (w) => ((w % 2 ** 22) + 2 ** 22) % 2 ** 22);
  const others = new Map();
  for (let m = 0; m < data.mergeChild.length; m++) {
    const child = data.mergeChild[m];
    if (!others.has(child)) others.set(child, []);
    others.get(child).push(data.mergeParent[m]);
  }
  const date = (day) => day ? new Date(day * 864e5).toISOString().slice(0, 10) : "not known";

  // Colours: of each way of colouring the number of each model's group, the groups' names and colours.
  const modes = data.modes.map((mode) => ({ ...mode, index: data[mode.column], off: new Set() }));
  let mode = modes[0];
  const pixelColour = (css) => {
    const rgb = parseInt(css.slice(1), 16);
    return (rgb & 255) << 16 | rgb & 0xff00 | rgb >> 16;
  };

  let chosen = -1, drawn = 0, waiting = false, style = {};
  const readStyle = () => {
    const css = getComputedStyle(document.documentElement);
    style = Object.fromEntries(["ground", "disc", "rim", "edge", "ink", "mark"].map((name) =>
      [name, css.getPropertyValue(`--${name}`).trim()]));
  };
  const draw = () => {
    waiting = false;
    const { width, height } = canvas;
    context.fillStyle = style.ground;
    context.fillRect(0, 0, width, height);
    paintBranches(context, view, data, width, height, style);
    if (view.k > 4 * view.ratio) paintLines(context, view, data, mergesInView(300), style.edge, 1, [4, 3]);
    const image = new ImageData(width, height);
    const seen = paintModels(new Uint32Array(image.data.buffer), width, height, view, data, shown, mode.index,
      mode.groups.map((group) => pixelColour(group[1])));
    sheet.width = width;
    sheet.height = height;
    pad.putImageData(image, 0, 0);
    context.drawImage(sheet, 0, 0);
    const way = path();
    if (chosen >= 0) {
      paintLines(context, view, data, (others.get(chosen) ?? []).map((p) => [chosen, p]), style.mark, 1.5, [5, 4]);
      paintLines(context, view, data, way.slice(1).map((p, j) => [way[j], p]), style.mark, 2.5, []);
      context.beginPath();
      context.arc(data.x[chosen] * view.k + view.x, data.y[chosen] * view.k + view.y,
        Math.max(6 * view.ratio, data.size[chosen] * view.k + 3 * view.ratio), 0, 2 * Math.PI);
      context.stroke();
    }
    paintNames(context, view, data, shown, width, height, style, way);
    $("seen").textContent = `${count.format(seen)} in view`;
    document.body.dataset.drawn = ++drawn;
  };
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };
  const path = () => {
    const way = [];
    for (let i = chosen; i >= 0; i = data.up[i]) way.push(i);
    return way;
  };
  const mergesInView = (most) => {
    const found = [];
    for (let m = 0; m < data.mergeChild.length && found.length < most; m++) {
      const i = data.mergeChild[m], x = data.x[i] * view.k + view.x, y = data.y[i] * view.k + view.y;
      if (shown[i] && x > 0 && y > 0 && x < canvas.width && y < canvas.height) found.push([i, data.mergeParent[m]]);
    }
    return found;
  };

  // The view.
  const fit = (x, y, radius) => {
    view.k = 0.47 * Math.min(canvas.width, canvas.height) / radius;
    view.x = canvas.width / 2 - x * view.k;
    view.y = canvas.height / 2 - y * view.k;
    later();
  };
  const home = () => fit(0, 0, data.extent);
  const zoom = (factor, x = canvas.width / 2, y = canvas.height / 2) => {
    const least = 0.2 * Math.min(canvas.width, canvas.height) / data.extent;
    const k = Math.min(60 * view.ratio, Math.max(least, view.k * factor));
    view.x = x - (x - view.x) * k / view.k;
    view.y = y - (y - view.y) * k / view.k;
    view.k = k;
    later();
  };
  const resize = () => {
    const { clientWidth, clientHeight } = canvas, ratio = Math.min(2, devicePixelRatio || 1);
    const before = [canvas.width, canvas.height];
    canvas.width = Math.max(1, clientWidth * ratio);
    canvas.height = Math.max(1, clientHeight * ratio);
    view.ratio = ratio;
    view.x += (canvas.width - before[0]) / 2;
    view.y += (canvas.height - before[1]) / 2;
    later();
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * view.ratio, (event.clientY - box.top) * view.ratio];
  };
  const nearest = (x, y) => {
    let best = -1, least = Infinity;
    for (let i = 0; i < n; i++) {
      if (!shown[i]) continue;
      const dx = data.x[i] * view.k + view.x - x, dy = data.y[i] * view.k + view.y - y;
      const reach = Math.max(8 * view.ratio, data.size[i] * view.k);
      const far = dx * dx + dy * dy;
      if (far < reach * reach && far < least) { least = far; best = i; }
    }
    return best;
  };

  // What is chosen.
  const choose = (i, go = false) => {
    chosen = i;
    $("panel").hidden = i < 0;
    if (i >= 0) tell(i);
    if (go && i >= 0) {
      const hub = data.hubOf[i];
      const room = Math.max(hub < 0 ? 12 : data.cr[hub] * 1.3, 12);
      fit(hub < 0 ? data.x[i] : data.cx[hub], hub < 0 ? data.y[i] : data.cy[hub], room);
    }
    later();
  };
  const nameOf = (i) => i < n ? data.ids[i] : data.others[i - n];
  const step = (i) => {
    if (i >= n) return made("span", nameOf(i));
    const button = made("button", nameOf(i), { type: "button" });
    button.addEventListener("click", () => choose(i, true));
    return button;
  };
  const listed = (places) => {
    const list = made("ul", null);
    for (const i of places) list.append(made("li", null));
    [...list.children].forEach((item, j) => item.append(step(places[j])));
    return list;
  };
  const tell = (i) => {
    const [declared, effective, verdict, grade, license, why] = data.sayings[data.said[i]];
    const hub = `https://huggingface.co/${data.ids[i].split("/").map(encodeURIComponent).join("/")}`;
    const title = made("h2", null);
    const mine = data.ids[i].includes("@"); // a version that somebody registered
    title.append(mine ? data.ids[i] : made("a", data.ids[i], { href: hub, rel: "noreferrer noopener", target: "_blank" }));
    const facts = made("dl", null);
    const fact = (name, value) => facts.append(made("dt", name), made("dd", value));
    fact("Made as", data.relations[data.relation[i]]);
    fact("Licence declared", declared);
    fact("Licences that apply", effective);
    fact("Created", date(data.day[i]));
    fact("Downloads, last 30 days", data.downloads[i] ? count.format(data.downloads[i]) : "0 or not known");
    fact("Models in its disc", count.format(data.members[i]));
    const judged = made("p", null, { class: `verdict ${grade}` });
    judged.append(made("strong", grade === "absent" ? "no verdict" : `${grade}: ${verdict}`), ` ${why}`);
    const parts = [title, judged];
    if (data.about[i] >= 0) {
      const about = made("p", "Because of ", { class: "about" });
      about.append(step(data.about[i]));
      parts.push(about);
    }
    parts.push(facts);
    const way = path().slice(1);
    if (others.has(i)) parts.push(made("h3", way.length ? "Also made from" : "Made from"), listed(others.get(i)));
    parts.push(made("h3", way.length ? "Path to the root" : "A root of this map"), listed(way));
    $("told").replaceChildren(...parts);
  };

  // What is shown.
  const filter = () => {
    const from = Number($("from").value), to = Number($("to").value), all = from <= data.first && to >= data.last;
    let total = 0;
    for (let i = 0; i < n; i++) {
      const fits = (all || data.day[i] >= from && data.day[i] <= to) && modes.every((m) => !m.off.has(m.index[i]));
      shown[i] = fits ? 1 : 0;
      total += shown[i];
    }
    $("shown").textContent = total === n ? `${count.format(n)} models` : `${count.format(total)} of ${count.format(n)} models shown`;
    $("when").textContent = all ? "all" : `${date(from)} to ${date(to)}`;
    $("all").hidden = total === n;
    later();
  };
  const legend = () => {
    $("legend").replaceChildren(...mode.groups.map(([name, css], g) => {
      const row = made("label", null), box = made("input", null, { type: "checkbox" });
      const swatch = made("span", "", { class: "swatch" });
      swatch.style.background = css;
      box.checked = !mode.off.has(g);
      box.addEventListener("change", () => { mode.off[box.checked ? "delete" : "add"](g); filter(); });
      row.append(box, swatch, made("span", name, { class: "name" }), made("span", count.format(sizes(mode)[g]), { class: "n" }));
      return row;
    }));
  };
  const sizes = (of) => {
    of.sizes ??= of.index.reduce((sums, g) => { sums[g]++; return sums; }, new Array(of.groups.length).fill(0));
    return of.sizes;
  };

  // Search: the most important of what holds all the words.
  let folded = null, found = [], marked = 0;
  const search = () => {
    folded ??= data.ids.map((id) => id.toLowerCase());
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    found = [];
    for (let j = 0; words.length && j < n && found.length < 10; j++) {
      const i = data.order[j];
      if (words.every((word) => folded[i].includes(word))) found.push(i);
    }
    $("none").hidden = !words.length || found.length > 0;
    listFound();
  };
  const listFound = () => {
    marked = 0;
    $("search").removeAttribute("aria-activedescendant");
    $("found").replaceChildren(...found.map((i, j) => {
      const option = made("li", data.ids[i], { role: "option", id: `found-${j}`, "aria-selected": j === 0 });
      option.addEventListener("mousedown", (event) => { event.preventDefault(); take(j); });
      return option;
    }));
    $("search").setAttribute("aria-expanded", String(found.length > 0));
  };
  const mark = (j) => {
    marked = (j + found.length) % found.length;
    [...$("found").children].forEach((option, k) => option.setAttribute("aria-selected", String(k === marked)));
    $("search").setAttribute("aria-activedescendant", `found-${marked}`);
  };
  const take = (j) => {
    const i = found[j];
    if (i === undefined) return;
    $("search").value = data.ids[i];
    found = [];
    listFound();
    choose(i, true);
  };

  // Hands.
  const fingers = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    moved = fingers.size > 1 ? 99 : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = at(event), before = fingers.get(event.pointerId);
    if (!before) return hover(event, now);
    const still = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (still) {
      const apart = (p) => Math.max(1, Math.hypot(p[0] - still[0], p[1] - still[1]));
      zoom(apart(now) / apart(before), still[0], still[1]);
    } else {
      view.x += now[0] - before[0];
      view.y += now[1] - before[1];
      later();
    }
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    fingers.set(event.pointerId, now);
  });
  const lift = (event) => {
    if (fingers.delete(event.pointerId) && event.type === "pointerup" && moved < 5 * view.ratio) choose(nearest(...at(event)));
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  canvas.addEventListener("dblclick", (event) => zoom(2, ...at(event)));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), ...at(event));
  }, { passive: false });
  const hover = (event, [x, y]) => {
    const i = nearest(x, y), tip = $("tip");
    tip.hidden = i < 0;
    canvas.style.cursor = i < 0 ? "grab" : "pointer";
    if (i < 0) return;
    tip.textContent = `${data.ids[i]} · ${mode.groups[mode.index[i]][0]}`;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.clientY + 14}px`;
  };
  const keys = {
    "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: home, Escape: () => choose(-1),
    ArrowLeft: () => pan(1, 0), ArrowRight: () => pan(-1, 0), ArrowUp: () => pan(0, 1), ArrowDown: () => pan(0, -1),
  };
  const pan = (x, y) => { view.x += x * canvas.width / 8; view.y += y * canvas.height / 8; later(); };
  addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== $("search")) { event.preventDefault(); $("search").focus(); }
    else if (keys[event.key] && (event.target === canvas || event.target === document.body)) { event.preventDefault(); keys[event.key](); }
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("input", search);
  $("search").addEventListener("blur", () => { found = []; listFound(); });
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") take(marked);
    if (event.key === "ArrowDown" && found.length) { event.preventDefault(); mark(marked + 1); }
    if (event.key === "ArrowUp" && found.length) { event.preventDefault(); mark(marked - 1); }
    if (event.key === "Escape") { $("search").value = ""; search(); canvas.focus(); }
  });
  $("close").addEventListener("click", () => choose(-1));
  $("in").addEventListener("click", () => zoom(1.6));
  $("out").addEventListener("click", () => zoom(1 / 1.6));
  $("home").addEventListener("click", home);
  $("theme").addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    readStyle();
    later();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readStyle(); later(); });
  $("colour").append(...modes.map((m, j) => made("option", m.name, { value: j })));
  $("colour").addEventListener("change", () => { mode = modes[$("colour").value]; legend(); later(); });
  for (const [id, day] of [["from", data.first], ["to", data.last]]) {
    Object.assign($(id), { min: data.first, max: data.last, value: day });
    $(id).addEventListener("input", () => {
      if (Number($("from").value) > Number($("to").value)) $(id).value = $(id === "from" ? "to" : "from").value;
      filter();
    });
  }
  $("all").addEventListener("click", () => {
    modes.forEach((m) => m.off.clear());
    [$("from").value, $("to").value] = [data.first, data.last];
    legend();
    filter();
  });
  readStyle();
  legend();
  resize();
  home();
  filter();
  new ResizeObserver(resize).observe(canvas);
})();
