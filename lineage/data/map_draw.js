"use strict";
// Draws the map: the discs and edges as lines, the models as stamps into one image, so that a frame takes as long as
// there are models and pixels, on a machine without a GPU too.
const unpack = async (text) => {
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new Uint32Array(buffer, 0, 1)[0];
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const types = { f4: Float32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array };
  for (const [name, type, offset, count] of data.columns) data[name] = new types[type](buffer, offset, count);
  return data;
};

// A round stamp: where its pixels are around the middle, and how much of each it covers (0 to 256).
const stamps = new Map();
const stamp = (radius) => {
  const key = Math.max(2, Math.round(radius * 4));
  if (!stamps.has(key)) {
    const r = key / 4, reach = Math.ceil(r), dx = [], dy = [], cover = [];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const c = r <= 0.75 ? Number(!x && !y) : Math.min(1, Math.max(0, r + 0.5 - Math.hypot(x, y)));
        if (c > 0) { dx.push(x); dy.push(y); cover.push(Math.round(c * 256)); }
      }
    }
    stamps.set(key, { reach, dx: Int16Array.from(dx), dy: Int16Array.from(dy), cover: Uint16Array.from(cover) });
  }
  return stamps.get(key);
};

const press = (pixels, width, height, mark, x, y, colour) => {
  const { dx, dy, cover } = mark;
  const inside = x >= mark.reach && y >= mark.reach && x < width - mark.reach && y < height - mark.reach;
  for (let j = 0; j < cover.length; j++) {
    const px = x + dx[j], py = y + dy[j];
    if (!inside && (px < 0 || py < 0 || px >= width || py >= height)) continue;
    const at = py * width + px;
    const alpha = cover[j] >= 256 ? 255 : cover[j];
    // Where two stamps meet, what covers more stays: that needs no mixing, and neighbours hardly overlap.
    if (alpha >= pixels[at] >>> 24) pixels[at] = (alpha << 24 | colour) >>> 0;
  }
};

// The models that are shown, as an image of the view's size; returns how many are in view.
const paintModels = (pixels, width, height, view, data, shown, index, colours) => {
  const { x: xs, y: ys, size } = data;
  let count = 0;
  for (let i = 0; i < xs.length; i++) {
    if (!shown[i]) continue;
    const r = size[i] * view.k;
    const x = xs[i] * view.k + view.x, y = ys[i] * view.k + view.y;
    if (x < -r || y < -r || x > width + r || y > height + r) continue;
    count++;
    press(pixels, width, height, stamp(r), Math.round(x), Math.round(y), colours[index[i]]);
  }
  return count;
};

const inView = (view, width, height, x, y, r) =>
  x + r > 0 && y + r > 0 && x - r < width && y - r < height && Number.isFinite(view.k);

// The disc of each branch that is large enough to be seen, and the way from each to its parent.
const paintBranches = (context, view, data, width, height, style) => {
  const { hubs, cx, cy, cr, up, x: xs, y: ys } = data;
  const least = 4 * view.ratio;
  context.strokeStyle = style.rim;
  context.fillStyle = style.disc;
  context.lineWidth = view.ratio * 0.75;
  const large = [];
  for (let h = 0; h < hubs.length; h++) {
    const r = cr[h] * view.k;
    if (r < least) continue;
    const x = cx[h] * view.k + view.x, y = cy[h] * view.k + view.y;
    if (!inView(view, width, height, x, y, r)) continue;
    large.push(h);
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
  context.strokeStyle = style.edge;
  // A small branch is told by its disc alone: thousands of lines would hide what they join.
  for (const h of large) {
    const i = hubs[h], above = up[i];
    if (above < 0 || cr[h] * view.k < 14 * view.ratio) continue;
    context.lineWidth = view.ratio * Math.min(3, 0.4 + Math.log10(data.members[i]) * 0.6);
    context.beginPath();
    context.moveTo(xs[above] * view.k + view.x, ys[above] * view.k + view.y);
    context.lineTo(xs[i] * view.k + view.x, ys[i] * view.k + view.y);
    context.stroke();
  }
};

// Lines between models, each bent a little so that two ways between the same discs can be told apart.
const paintLines = (context, view, data, pairs, style, width, dash) => {
  context.strokeStyle = style;
  context.lineWidth = width * view.ratio;
  context.setLineDash(dash.map((d) => d * view.ratio));
  for (const [a, b] of pairs) {
    const x1 = data.x[a] * view.k + view.x, y1 = data.y[a] * view.k + view.y;
    const x2 = data.x[b] * view.k + view.x, y2 = data.y[b] * view.k + view.y;
    context.beginPath();
    context.moveTo(x1, y1);
    context.quadraticCurveTo((x1 + x2) / 2 + (y2 - y1) * 0.12, (y1 + y2) / 2 - (x2 - x1) * 0.12, x2, y2);
    context.stroke();
  }
  context.setLineDash([]);
};

// Names, the most important first, where there is room: of a branch once its disc is large enough, of any other model
// once its dot is.
const paintNames = (context, view, data, shown, width, height, style, chosen) => {
  const taken = [];
  const free = (box) => taken.every((b) => box[2] < b[0] || box[0] > b[2] || box[3] < b[1] || box[1] > b[3]);
  const put = (i, always) => {
    const x = data.x[i] * view.k + view.x, y = data.y[i] * view.k + view.y;
    if (x < 0 || y < 0 || x > width || y > height) return;
    const hub = data.hubOf[i], r = data.size[i] * view.k;
    const disc = hub < 0 ? 0 : data.cr[hub] * view.k / view.ratio;
    if (!always && disc < 16 && r < 8 * view.ratio) return;
    const size = Math.round((hub < 0 ? 11 : Math.min(20, 10 + Math.sqrt(disc) * 0.55)) * view.ratio);
    context.font = `${hub < 0 && !always ? 400 : 600} ${size}px system-ui, sans-serif`;
    const text = shortName(data.ids[i]);
    const half = context.measureText(text).width / 2 + 3 * view.ratio;
    const base = y - r - 3 * view.ratio;
    const box = [x - half, base - size, x + half, base + 3 * view.ratio];
    if (!always && (!free(box) || box[0] < 0 || box[2] > width || box[1] < 0)) return;
    taken.push(box);
    context.strokeText(text, x, base);
    context.fillText(text, x, base);
  };
  context.textAlign = "center";
  context.lineJoin = "round";
  context.lineWidth = 3.5 * view.ratio;
  context.strokeStyle = style.ground;
  context.fillStyle = style.ink;
  for (const i of chosen) put(i, i === chosen[0]);
  for (let n = 0; n < data.order.length && taken.length < 60; n++) if (shown[data.order[n]]) put(data.order[n], false);
};

const shortName = (id) => {
  const name = id.slice(id.indexOf("/") + 1);
  return name.length > 38 ? `${name.slice(0, 36)}…` : name;
};
