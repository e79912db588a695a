// Pictures, each drawn from the table that stands below it, so that both always say the same: heat map (data-kind="grid"),
// months with the fix marked (timeline), flow, who waits for whom (graph), closed circles of that (rings). A number that
// is a link in the table is a link in the picture. Places and sizes come from D3; colours from barriers.css.
(function () {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const SIZE = 13; // px of the letters
  const STEPS = 6; // shades of a heat map
  const FEW = 6; // the darkest shade is for so many at least: one case alone is not much
  const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "font-size", "font-family",
    "font-weight", "text-anchor", "paint-order", "stroke-linejoin", "dominant-baseline", "display"];

  // Elements

  function add(parent, name, attributes, text) {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  // A group that leads where the cell of the table leads, and says aloud what it is.
  function link(parent, href, said) {
    const group = href ? add(parent, "a", { href, "aria-label": said }) : add(parent, "g");
    add(group, "title", {}, said);
    return group;
  }

  // Letters

  const measure = (text, size = SIZE) =>
    [...text].reduce((sum, each) => sum + (each.codePointAt(0) > 0x2000 ? 1 : 0.58), 0) * size;

  function cut(text, room, size = SIZE) {
    if (measure(text, size) <= room) return text;
    let kept = text;
    while (kept && measure(kept + "…", size) > room) kept = kept.slice(0, -1);
    return kept + "…";
  }

  // Text in at most so many lines, each no wider than `room`; none begins with a comma or the like.
  function lines(text, room, most = 2) {
    if (most < 2 || measure(text) <= room) return [cut(text, room)];
    let first = text;
    while (measure(first) > room) first = first.slice(0, -1);
    if (/^[，。、；：！？）》”]/.test(text.slice(first.length))) first = first.slice(0, -1);
    return [first, ...lines(text.slice(first.length), room, most - 1)];
  }

  // Reading the table

  const cells = (row) => [...row.cells].filter((cell) => !("skip" in cell.dataset));
  const said = (cell) => cell.textContent.trim().replace(/\s+/g, " ");
  const number = (cell) => Number(said(cell)) || 0;
  const href = (cell) => { const found = cell.querySelector("a"); return found ? found.getAttribute("href") : ""; };

  function read(table) {
    return {
      head: cells(table.tHead.rows[0]).map(said),
      rows: [...table.tBodies[0].rows].map((row) => ({ row, cells: cells(row) })),
    };
  }

  // Pictures

  function grid(svg, table, width) {
    const { head, rows } = read(table);
    const columns = head.slice(1);
    const labels = rows.map((each) => said(each.cells[0]));
    const narrow = width < 620;
    const room = Math.min(narrow ? 124 : 300, Math.max(...labels.map((text) => measure(text))) + 2);
    const cell = Math.max(30, Math.min(88, Math.floor((width - room - 12) / columns.length)));
    const longest = Math.max(...columns.map((text) => [...text].length));
    const widest = Math.max(...columns.map((text) => measure(text)));
    const headed = Math.ceil(widest / (cell - 8)); // lines of the longest head
    const upright = headed > 3;
    const top = upright ? Math.min(longest, 12) * (SIZE + 2) + 8 : 10 + headed * 17;
    const height = narrow && labels.some((text) => measure(text) > 2 * room) ? 54 : 36;
    const most = Math.max(FEW, d3.max(rows, (each) => d3.max(each.cells.slice(1), number)));
    const shade = (count) => Math.max(1, Math.ceil(Math.sqrt(count / most) * STEPS));
    const x = d3.scaleBand(d3.range(columns.length), [room + 10, room + 10 + cell * columns.length]).paddingInner(0.06);
    columns.forEach((text, at) => {
      const middle = x(at) + x.bandwidth() / 2;
      const group = add(svg, "g", { class: "label" });
      add(group, "title", {}, text);
      if (!upright) {
        const said = lines(text, cell - 4, headed);
        return said.forEach((line, at) =>
          add(group, "text", { x: middle, y: top - 8 - (said.length - 1 - at) * 17, "text-anchor": "middle" }, line));
      }
      const letters = [...text];
      const shown = letters.length > 12 ? [...letters.slice(0, 11), "︙"] : letters;
      const start = top - 6 - (shown.length - 1) * (SIZE + 2);
      shown.forEach((letter, line) => add(group, "text", { x: middle, y: start + line * (SIZE + 2), "text-anchor": "middle" }, letter));
    });
    rows.forEach((each, down) => {
      const y = top + down * height;
      const group = link(svg, href(each.cells[0]), labels[down]);
      group.setAttribute("class", "label");
      const texts = lines(labels[down], room, height > 40 ? 3 : 2);
      texts.forEach((text, line) =>
        add(group, "text", { x: 0, y: y + height / 2 + 4.5 + (line - (texts.length - 1) / 2) * 16 }, text));
      each.cells.slice(1).forEach((one, at) => {
        const count = number(one);
        const square = link(svg, count ? href(one) : "", `${labels[down]}，${columns[at]}，${count} 件`);
        square.setAttribute("class", count ? `cell q${shade(count)}` : "cell q0");
        add(square, "rect", { x: x(at), y: y + 2, width: x.bandwidth(), height: height - 4, rx: 3 });
        if (count) add(square, "text", { x: x(at) + x.bandwidth() / 2, y: y + height / 2 + 5, "text-anchor": "middle" }, count);
      });
    });
    return [room + 12 + cell * columns.length, top + rows.length * height + 4];
  }

  function timeline(svg, table, width) {
    const { head, rows } = read(table);
    const series = head.slice(1);
    const wide = Math.max(width, 60 + rows.length * 16);
    const left = 34, bottom = 22, tall = 210;
    const fixes = rows.map((each, at) => ({ at, text: each.row.dataset.fix })).filter((each) => each.text);
    const top = 30 + Math.max(1, fixes.length) * 20;
    const most = Math.max(2, d3.max(rows, (each) => d3.sum(each.cells.slice(1), number)));
    const x = d3.scaleBand(d3.range(rows.length), [left, wide - 6]).padding(0.22);
    const y = d3.scaleLinear([0, most], [top + tall, top]).nice();
    let key = left;
    series.forEach((text, at) => {
      add(svg, "rect", { class: `s${at}`, x: key, y: 4, width: 13, height: 13, rx: 2 });
      add(svg, "text", { x: key + 18, y: 15 }, text);
      key += 40 + measure(text);
    });
    add(svg, "text", { class: "axis", x: left - 6, y: top - 13, "text-anchor": "end" }, "件");
    y.ticks(Math.min(5, most)).filter(Number.isInteger).forEach((tick) => {
      add(svg, "line", { class: "rule", x1: left, x2: wide - 6, y1: y(tick), y2: y(tick) });
      add(svg, "text", { class: "axis", x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, tick);
    });
    const every = Math.ceil((measure("2024-12") + 10) / x.step());
    rows.forEach((each, at) => {
      const month = said(each.cells[0]);
      if (at % every === 0) {
        add(svg, "text", { class: "axis", x: x(at) + x.bandwidth() / 2, y: top + tall + 16, "text-anchor": "middle" }, month);
      }
      let base = 0;
      each.cells.slice(1).forEach((one, which) => {
        const count = number(one);
        if (!count) return;
        const bar = link(svg, href(one), `${month}，${series[which]}，${count} 件`);
        bar.setAttribute("class", `bar s${which}`);
        add(bar, "rect", { x: x(at), y: y(base + count), width: x.bandwidth(), height: y(base) - y(base + count) });
        base += count;
      });
    });
    fixes.forEach((fix, line) => {
      const middle = x(fix.at) + x.bandwidth() / 2;
      const high = 38 + line * 20;
      add(svg, "line", { class: "fix", x1: middle, x2: middle, y1: high - 4, y2: top + tall });
      add(svg, "path", { class: "fixed", d: `M${middle} ${high - 11}l6 6l-6 6l-6 -6z` });
      const after = middle < wide * 0.55;
      const room = after ? wide - middle - 16 : middle - 12;
      add(svg, "text", { class: "fixed", x: middle + (after ? 10 : -10), y: high, "text-anchor": after ? "start" : "end" }, cut(fix.text, room));
    });
    return [wide, top + tall + bottom];
  }

  function flow(svg, table, width) {
    const { head, rows } = read(table);
    const wide = Math.max(width, 660);
    const nodes = new Map();
    const links = [];
    const tone = (outcome) => ({ 办成: "done", 部分办成: "partly", 依法不能办已释因: "gone" })[outcome] || "other";
    const place = (layer, name) => {
      const id = `${layer} ${name}`;
      if (!nodes.has(id)) nodes.set(id, { id, name, layer });
      return id;
    };
    for (const each of rows) {
      const names = each.cells.slice(0, 3).map(said);
      const count = number(each.cells[3]);
      const told = { value: count, href: href(each.cells[3]), said: `${names.join(" → ")}，${count} 件`, tone: tone(names[2]) };
      links.push({ ...told, source: place(0, names[0]), target: place(1, names[1]) });
      links.push({ ...told, source: place(1, names[1]), target: place(2, names[2]) });
    }
    const layers = [0, 1, 2].map((layer) => [...nodes.values()].filter((node) => node.layer === layer).length);
    const tall = Math.max(220, Math.max(...layers) * 42);
    const order = ["done", "partly", "other", "gone"];
    const right = 124;
    const drawn = d3.sankey().nodeId((node) => node.id).nodeAlign((node) => node.layer).nodeWidth(12).nodePadding(18)
      .linkSort((one, other) => order.indexOf(one.tone) - order.indexOf(other.tone))
      .extent([[1, 30], [wide - right, 30 + tall]])({ nodes: [...nodes.values()].map((node) => ({ ...node })), links });
    [1, (wide - right) / 2, wide - right - 12].forEach((from, layer) =>
      add(svg, "text", { class: "axis", x: from, y: 14 }, head[layer]));
    const path = d3.sankeyLinkHorizontal();
    for (const each of drawn.links) {
      const group = link(svg, each.href, each.said);
      group.setAttribute("class", `stream ${each.tone}`);
      add(group, "path", { d: path(each), "stroke-width": Math.max(1.5, each.width) });
    }
    for (const node of drawn.nodes) {
      const group = add(svg, "g", { class: "node" });
      add(group, "title", {}, `${node.name}，${node.value} 件`);
      add(group, "rect", { x: node.x0, y: node.y0, width: node.x1 - node.x0, height: Math.max(2, node.y1 - node.y0) });
      add(group, "text", { class: "halo", x: node.x1 + 6, y: (node.y0 + node.y1) / 2 + 4.5 },
        `${cut(node.name, layers[1] && node.layer < 2 ? 170 : right - 36)} ${node.value}`);
    }
    return [wide, 30 + tall + 6];
  }

  // Boxes with a text, and arrows between them

  const box = (name) => ({ name, w: Math.min(measure(name), 190) + 20, h: 30 });

  function arrowhead(svg) {
    const defs = add(svg, "defs");
    const id = `arrow${document.querySelectorAll("marker").length}`;
    for (const kind of ["", " cycle"]) {
      const marker = add(defs, "marker", { id: id + kind.trim(), class: `head${kind}`, viewBox: "0 0 10 10", refX: 9, refY: 5,
        markerWidth: 9, markerHeight: 9, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" });
      add(marker, "path", { d: "M0 0L10 5L0 10z" });
    }
    return (cycle) => `url(#${id}${cycle ? "cycle" : ""})`;
  }

  // Where the line from a point to the middle of a box meets its border.
  function border(node, from) {
    const dx = from.x - node.x, dy = from.y - node.y;
    const scale = Math.min((node.w / 2 + 3) / (Math.abs(dx) || 1e-6), (node.h / 2 + 3) / (Math.abs(dy) || 1e-6));
    return { x: node.x + dx * scale, y: node.y + dy * scale };
  }

  function arrow(svg, head, edge, bend) {
    const { source, target } = edge;
    const middle = { x: (source.x + target.x) / 2, y: (source.y + target.y) / 2 };
    const length = Math.hypot(target.x - source.x, target.y - source.y) || 1;
    const turn = { x: middle.x - ((target.y - source.y) / length) * bend, y: middle.y + ((target.x - source.x) / length) * bend };
    const start = border(source, turn), end = border(target, turn);
    const group = link(svg, edge.href, `${source.name} 等 ${target.name}，${edge.count} 件`);
    group.setAttribute("class", ["edge", edge.cycle && "cycle", edge.joined && "joined"].filter(Boolean).join(" "));
    add(group, "path", { d: `M${start.x} ${start.y}Q${turn.x} ${turn.y} ${end.x} ${end.y}`, "marker-end": head(edge.cycle),
      "stroke-width": 1.4 + Math.min(3, edge.count / 3) });
    if (edge.count > 1) add(group, "text", { class: "halo", x: (start.x + end.x) / 4 + turn.x / 2, y: (start.y + end.y) / 4 + turn.y / 2 + 4.5,
      "text-anchor": "middle" }, edge.count);
  }

  function drawn(svg, node, cycle) {
    const group = add(svg, "g", { class: cycle ? "box cycle" : "box" });
    add(group, "title", {}, node.name);
    add(group, "rect", { x: node.x - node.w / 2, y: node.y - node.h / 2, width: node.w, height: node.h, rx: 5 });
    add(group, "text", { x: node.x, y: node.y + 4.5, "text-anchor": "middle" }, cut(node.name, node.w - 14));
  }

  function graph(svg, table, width) {
    const nodes = new Map();
    const place = (name) => { if (!nodes.has(name)) nodes.set(name, box(name)); return nodes.get(name); };
    const edges = read(table).rows.map((each) => ({
      source: place(said(each.cells[0])), target: place(said(each.cells[1])), count: number(each.cells[2]),
      href: href(each.cells[2]), cycle: "cycle" in each.row.dataset,
    }));
    const all = [...nodes.values()];
    const inside = new Set(edges.filter((edge) => edge.cycle).flatMap((edge) => [edge.source, edge.target]));
    const wide = Math.max(width, 520);
    const tall = Math.max(200, Math.min(900, all.length * 46));
    all.forEach((node, at) => {
      const angle = (2 * Math.PI * at) / all.length;
      node.x = wide / 2 + Math.cos(angle) * wide * 0.3;
      node.y = tall / 2 + Math.sin(angle) * tall * 0.3;
    });
    const force = d3.forceSimulation(all)
      .force("link", d3.forceLink(edges).distance((edge) => 50 + (edge.source.w + edge.target.w) / 2).strength(0.6))
      .force("apart", d3.forceManyBody().strength(-700))
      .force("room", d3.forceCollide((node) => node.w / 2 + 14))
      .force("x", d3.forceX(wide / 2).strength(0.04)).force("y", d3.forceY(tall / 2).strength(0.07)).stop();
    for (let tick = 0; tick < 400; tick += 1) {
      force.tick();
      for (const node of all) {
        node.x = Math.max(node.w / 2 + 4, Math.min(wide - node.w / 2 - 4, node.x));
        node.y = Math.max(node.h / 2 + 6, Math.min(tall - node.h / 2 - 6, node.y));
      }
    }
    const low = Math.min(...all.map((node) => node.y - node.h / 2)) - 34; // room for what bends above the boxes
    all.forEach((node) => { node.y -= low; });
    const head = arrowhead(svg);
    const both = (edge) => edges.some((other) => other.source === edge.target && other.target === edge.source);
    edges.forEach((edge) => arrow(svg, head, edge, both(edge) ? 46 : 14));
    all.forEach((node) => drawn(svg, node, inside.has(node)));
    return [wide, Math.max(...all.map((node) => node.y + node.h / 2)) + 34];
  }

  // Each row of the table is a circle: the names in the list of its first cell wait each for the next, the last for the first.
  function rings(svg, table, width) {
    const { rows } = read(table);
    const tile = Math.max(300, Math.min(380, width / Math.max(1, Math.floor(width / 300)) - 8));
    const across = Math.max(1, Math.floor(width / tile));
    const head = arrowhead(svg);
    const tall = 236;
    rows.forEach((each, at) => {
      const names = [...each.cells[0].querySelectorAll("li")].map(said);
      const middle = { x: ((at % across) + 0.5) * tile, y: Math.floor(at / across) * tall + tall / 2 };
      const nodes = names.map((name, turn) => {
        const angle = (2 * Math.PI * turn) / names.length - Math.PI / 2;
        return { ...box(name), x: middle.x + (names.length > 2 ? Math.cos(angle) * tile * 0.28 : 0), y: middle.y + Math.sin(angle) * 80 };
      });
      nodes.forEach((source, turn) => {
        const target = nodes[(turn + 1) % nodes.length];
        arrow(svg, head, { source, target, count: number(each.cells[1]), href: href(each.cells[1]), cycle: true,
          joined: "joined" in each.row.dataset }, nodes.length > 2 ? -26 : -90);
      });
      nodes.forEach((node) => drawn(svg, node, true));
    });
    return [Math.min(rows.length, across) * tile, Math.ceil(rows.length / across) * tall];
  }

  // Keys: one stop for Tab in each picture, arrows go from link to link.

  function walk(svg) {
    const links = [...svg.querySelectorAll("a")];
    links.forEach((each, at) => each.setAttribute("tabindex", at ? -1 : 0));
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    svg.addEventListener("keydown", (event) => {
      const way = ways[event.key];
      const here = event.target.closest("a");
      if (!way || !here || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      const middle = (each) => { const frame = each.getBoundingClientRect(); return [frame.x + frame.width / 2, frame.y + frame.height / 2]; };
      const from = middle(here);
      let best = null, least = Infinity;
      for (const each of links) {
        const to = middle(each);
        const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        const along = dx * way[0] + dy * way[1];
        const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (each !== here && along > 1 && along + aside * 3 < least) [best, least] = [each, along + aside * 3];
      }
      if (best) best.focus();
    });
    svg.addEventListener("focusin", (event) => {
      const here = event.target.closest("a");
      if (here) links.forEach((each) => each.setAttribute("tabindex", each === here ? 0 : -1));
    });
  }

  // Saving

  // The picture as a file of its own: light colours, styles written out; above it the title, what it is about, how to read it.
  function alone(svg, title, notes) {
    svg.classList.add("printed");
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
    from.forEach((each, at) => {
      const style = getComputedStyle(each);
      if (each.namespaceURI === NS && !["title", "defs", "marker"].includes(each.tagName)) {
        for (const name of KEPT) if (style.getPropertyValue(name)) to[at].setAttribute(name, style.getPropertyValue(name));
      }
      to[at].removeAttribute("class");
      to[at].removeAttribute("tabindex");
    });
    const paper = getComputedStyle(svg).backgroundColor, ink = getComputedStyle(svg).color;
    svg.classList.remove("printed");
    for (const each of copy.querySelectorAll("a")) each.setAttribute("href", new URL(each.getAttribute("href"), location.href).href);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const told = notes.flatMap((text) => lines(text, width, 3));
    const high = 40 + told.length * 19;
    copy.setAttribute("xmlns", NS);
    copy.setAttribute("viewBox", `-12 ${-high} ${width + 24} ${height + high + 12}`);
    copy.setAttribute("width", width + 24);
    copy.setAttribute("height", height + high + 12);
    const letters = { x: 0, fill: ink, "font-family": getComputedStyle(svg).fontFamily };
    const written = lines(title, width * SIZE / 16, 1).map((text) => add(copy, "text", { ...letters, y: 26 - high, "font-size": 16, "font-weight": 600 }, text));
    told.forEach((text, line) => written.push(add(copy, "text", { ...letters, y: 46 - high + line * 19, "font-size": SIZE }, text)));
    copy.prepend(...written);
    const ground = add(copy, "rect", { x: -12, y: -high, width: width + 24, height: height + high + 12, fill: paper });
    copy.prepend(ground);
    return { text: new XMLSerializer().serializeToString(copy), width: width + 24, height: height + high + 12 };
  }

  function keep(blob, name) {
    const address = URL.createObjectURL(blob);
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function png(picture, name) {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [picture.width * 2, picture.height * 2];
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => keep(blob, name));
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(picture.text);
  }

  // No cell is taken for a formula; Excel knows the file as UTF-8 by its mark.
  function csv(table) {
    const quoted = (cell) => {
      const circle = [...cell.querySelectorAll("li")].map(said);
      const text = circle.length ? [...circle, circle[0]].join(" → ") : said(cell);
      const safe = /^[\s]*[=+\-@\t\r]/.test(text) ? "'" + text : text;
      return '"' + safe.replace(/"/g, '""') + '"';
    };
    const text = [...table.rows].map((row) => [...row.cells].map(quoted).join(",")).join("\r\n");
    return new Blob(["\ufeff" + text + "\r\n"], { type: "text/csv;charset=utf-8" });
  }

  const KINDS = { grid, timeline, flow, graph, rings };

  function draw(figure) {
    const table = figure.querySelector("table");
    const place = figure.querySelector("[data-drawing]");
    const title = said(figure.querySelector("[data-title]"));
    place.hidden = false;
    const width = Math.floor(place.clientWidth);
    if (place.dataset.drawn === String(width)) return;
    place.dataset.drawn = width;
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", title);
    place.replaceChildren(svg);
    const [wide, tall] = KINDS[figure.dataset.kind](svg, table, width);
    svg.setAttribute("viewBox", `0 0 ${Math.ceil(wide)} ${Math.ceil(tall)}`);
    svg.setAttribute("width", Math.ceil(wide));
    svg.setAttribute("height", Math.ceil(tall));
    if (wide > width + 1) {
      const hint = document.createElement("p");
      [hint.className, hint.textContent] = ["soft", "图比屏幕宽，左右滑动看全图。"];
      place.prepend(hint);
    }
    walk(svg);
  }

  function prepare(figure) {
    draw(figure);
    const tools = figure.querySelector("[data-tools]");
    const title = said(figure.querySelector("[data-title]"));
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const form = event.target.closest("[data-save]")?.dataset.save;
      const svg = figure.querySelector("[data-drawing] svg");
      const notes = [figure.dataset.scope, ...[...figure.querySelectorAll(":scope > p.soft")].map(said)].filter(Boolean);
      if (form === "svg") keep(new Blob([alone(svg, title, notes).text], { type: "image/svg+xml" }), `${title}.svg`);
      if (form === "png") png(alone(svg, title, notes), `${title}.png`);
      if (form === "csv") keep(csv(figure.querySelector("table")), `${title}.csv`);
    });
  }

  const figures = [...document.querySelectorAll("figure[data-kind]")].filter((each) => each.querySelector("tbody tr"));
  figures.forEach(prepare);
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => figures.forEach(draw), 150);
  });
})();
