// The page on which ledgers are dropped: each file is sent with its progress, read by the server, shown as it would be
// stored, and stored when confirmed.  Several files go one after another.
(function () {
  "use strict";
  const page = document.getElementById("upload");
  const list = document.getElementById("uploads");
  const spoken = document.getElementById("spoken");
  const drop = page.querySelector(".drop");
  const input = document.getElementById("files");
  const root = document.documentElement.dataset.root || "";
  const SHOWN = { all: "全部", new: "新案例", revised: "修订", same: "没有变化", duplicate: "疑似重复", doubt: "有存疑" };
  const STATUS = { accepted: ["done", "读取完整"], partial: ["partly", "部分内容有问题"], rejected: ["gone", "没有读成"] };
  const PAGE = 50;
  const line = [];  // files that wait to be sent
  let sending = false;

  // An element; texts are texts, never markup.
  function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child || child === 0));
    return made;
  }

  function say(text) { spoken.textContent = text; }

  // ---- sending -------------------------------------------------------------------------------------------------

  function room() { return el("section", { class: "card stack upload" }); }

  function take(files) {
    const sections = files.map(room);
    list.prepend(...sections);
    for (const [at, file] of files.entries()) {
      const section = sections[at];
      const most = Number(page.dataset.most);
      if (file.size > most) refused(section, file.name, `文件超过 ${page.dataset.mostMb} MB，请拆成几个文件，或请管理员在服务器上导入`);
      else if (file.size === 0) refused(section, file.name, "文件是空的（0 字节），可能没有保存或没有传完，请重新导出后再上传");
      else {
        line.push({ file, section });
        going(section, file.name, "等着上传", () => { line.splice(line.findIndex((each) => each.section === section), 1); section.remove(); });
      }
    }
    next();
  }

  function next() {
    if (sending || !line.length) return;
    const { file, section } = line.shift();
    sending = true;
    send(file, section).finally(() => { sending = false; next(); });
  }

  function send(file, section) {
    return new Promise((done) => {
      const hall = document.getElementById("hall");
      const request = new XMLHttpRequest();
      const address = new URLSearchParams({ name: file.name });
      if (hall && hall.value) address.set("hall", hall.value);
      const bar = going(section, file.name, "正在上传", () => request.abort());
      say(`正在上传 ${file.name}`);
      request.open("POST", `${root}/api/v1/uploads?${address}`);
      request.setRequestHeader("X-KB", "1");
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (event) => bar.show("正在上传", event.loaded, event.total);
      request.onload = () => {
        let data = {};
        try { data = JSON.parse(request.responseText); } catch (error) { data = {}; }
        if (request.status === 202) return follow(section, data.id, file.name).then(done);  // one after another
        refused(section, file.name, data.error || "没有传成，请稍后再试");
        done();
      };
      request.onerror = () => { refused(section, file.name, "连不上服务器，没有传完。请检查网络后再试"); done(); };
      request.onabort = () => { section.remove(); say("已取消"); done(); };
      request.send(file);
    });
  }

  // ---- while it is read ----------------------------------------------------------------------------------------

  function going(section, name, label, cancel) {
    const bar = el("progress", { "aria-label": `${name}的进度` });
    const text = el("span", { class: "soft" }, label);
    const stop = cancel && el("button", { type: "button", class: "quiet", onclick: cancel }, "取消");
    section.replaceChildren(el("h2", {}, name), el("div", { class: "going" }, text, bar, stop));
    return {
      show(what, done, total) {
        text.textContent = total ? `${what} ${Math.floor((100 * done) / total)}%` : what;
        if (total) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
      },
    };
  }

  async function follow(section, id, name) {
    let over = false;
    let last = "";
    const bar = going(section, name || "文件", "排队等候读取", async () => {
      over = true;
      await window.kb.call("DELETE", `/api/v1/uploads/${id}`).catch(() => {});
      section.remove();
      say("已取消");
    });
    while (!over) {
      let data;
      try {
        data = await window.kb.call("GET", `/api/v1/uploads/${id}?limit=${PAGE}`);
      } catch (error) {
        if (!over) refused(section, name || "文件", error.message);
        return;
      }
      if (over) return;
      if (data.stage === "refused") return refused(section, name || "文件", data.reason, id);
      if (data.stage === "ready") return preview(section, data);
      if (data.stage === "stored") return stored(section, data, data.stored);
      const label = data.stage === "reading" ? data.step.label
        : data.stage === "waiting" && data.ahead ? `排队等候读取，前面还有 ${data.ahead} 个文件` : data.stage_label;
      bar.show(label, data.stage === "reading" ? data.step.done : 0, data.stage === "reading" ? data.step.total : 0);
      if (label !== last) say(label);
      last = label;
      await new Promise((wait) => setTimeout(wait, 600));
    }
  }

  function refused(section, name, reason, id) {
    const away = () => {
      if (id) window.kb.call("DELETE", `/api/v1/uploads/${id}`).catch(() => {});
      section.remove();
      input.focus();
    };
    section.replaceChildren(
      el("h2", {}, name),
      el("p", { class: "notice gone", role: "alert" }, reason),
      el("p", {}, el("button", { type: "button", class: "quiet", onclick: away }, "知道了")),
    );
  }

  // ---- preview -------------------------------------------------------------------------------------------------

  function preview(section, data) {
    const out = new Set();  // numbers of the cases that are left out
    const cases = el("ul", { class: "cases", "data-list": true });
    const more = el("button", { type: "button", class: "quiet", onclick: () => load(shown, cases.children.length) }, "再看一些");
    const alert = el("p", { class: "notice gone", role: "alert", hidden: true });
    const sure = el("button", { type: "button", onclick: confirm });
    const drop = el("button", { type: "button", class: "danger", onclick: giveUp }, "放弃");
    const note = el("p", { class: "soft" });
    const changed = data.totals.new + data.totals.revised;
    const filters = Object.entries(SHOWN)
      .filter(([kind]) => kind === "all" || (data.totals[kind] && data.totals[kind] < data.totals.cases)).map(([kind, label]) =>
      el("li", {}, el("button", { type: "button", class: "quiet", "aria-pressed": String(kind === "all"), "data-kind": kind,
        onclick: () => load(kind, 0) }, label, el("b", {}, String(kind === "all" ? data.totals.cases : data.totals[kind])))));
    let shown = "all";

    section.replaceChildren(...[
      el("header", {}, el("h2", {}, data.name), el("span", { class: "soft" }, `报送大厅：${data.hall.name}`)),
      ...data.files.map((file) => fileBlock(file, data.files.length > 1)),
      removedLine(data.removed, data.files.flatMap(personalColumns)),
      filters.length > 1 && el("ul", { class: "sums", "aria-label": "只看哪些" }, filters),
      cases, more,
      el("div", { class: "decide" }, alert, sure, drop, note),
    ].filter(Boolean));
    count();
    fill(data, true);
    say(`${data.name} 读好了，共 ${data.totals.cases} 件，请核对后确认`);

    function count() {
      const number = changed - out.size;
      sure.textContent = `确认报送 ${number} 件`;
      sure.hidden = changed === 0;
      sure.disabled = number === 0;
      drop.textContent = changed ? "放弃" : "知道了";
      note.textContent = !changed ? "这些案例库里都有，没有变化，不用再报。"
        : [out.size ? `不报 ${out.size} 件` : "", data.totals.same ? `${data.totals.same} 件没有变化，不再报` : "",
          "确认后进入待审"].filter(Boolean).join("；");
    }

    function fill(answer, fresh) {
      if (fresh) cases.replaceChildren();
      cases.append(...answer.cases.map((one) => caseBlock(one, out, count)));
      const left = answer.found - cases.children.length;
      more.hidden = left <= 0;
      more.textContent = `再看 ${Math.min(left, PAGE)} 件（还有 ${left} 件）`;
    }

    async function load(kind, offset) {
      try {
        const answer = await window.kb.call("GET", `/api/v1/uploads/${data.id}?show=${kind}&offset=${offset}&limit=${PAGE}`);
        shown = kind;
        for (const button of section.querySelectorAll("[data-kind]")) {
          button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
        }
        fill(answer, offset === 0);
      } catch (error) { fail(error); }
    }

    async function confirm() {
      busy(true);
      try {
        const answer = await window.kb.call("POST", `/api/v1/uploads/${data.id}/confirm`, { leave_out: [...out] });
        stored(section, data, answer);
      } catch (error) { fail(error); busy(false); }
    }

    async function giveUp() {
      if (changed && !window.confirm("放弃这次导入？什么也不会保存。")) return;
      busy(true);
      try {
        await window.kb.call("DELETE", `/api/v1/uploads/${data.id}`);
        section.remove();
        say("已放弃，什么也没有保存");
        input.focus();
      } catch (error) { fail(error); busy(false); }
    }

    function busy(on) {
      drop.disabled = on;
      if (on) sure.disabled = true; else count();
    }

    function fail(error) {
      alert.hidden = false;
      alert.textContent = error.message;
    }
  }

  function fileBlock(file, named) {
    const [kind, label] = STATUS[file.status];
    const lost = file.columns.filter((column) => column.field === null).map((column) => column.column);
    const total = file.problems.length + file.further_problems;
    return el("div", { class: "stack" },
      el("p", { class: "summary" }, named && el("strong", {}, file.file), el("span", { class: `tag ${kind}` }, label),
        `${file.rows} 行，${file.cases} 件案例，正文里去掉个人信息 ${file.redactions} 处`),
      file.reason && el("p", { class: "notice gone" }, file.reason),
      total > 0 && el("details", { open: total <= 8 }, el("summary", {}, `${total} 处问题`), problems(file)),
      file.columns.length > 0 && el("details", {},
        el("summary", {}, `栏目对照：认出 ${file.columns.length - lost.length} 栏`
          + (lost.length ? `，没有认出 ${lost.length} 栏（${lost.slice(0, 6).join("、")}${lost.length > 6 ? "…" : ""}），原文放在“其他内容”` : "")),
        columns(file)),
    );
  }

  function problems(file) {
    const rows = file.problems.map((problem) => el("tr", {},
      el("td", { class: "place" }, [problem.sheet, problem.row && `第 ${problem.row} 行`].filter(Boolean).join(" ") || "整个文件"),
      el("td", {}, problem.message)));
    return [
      el("div", { class: "table-wrapper", tabindex: "0" }, el("table", { class: "plain" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "在哪里"), el("th", { scope: "col" }, "问题"))),
        el("tbody", {}, rows))),
      file.further_problems > 0 && el("p", { class: "soft" }, `另有 ${file.further_problems} 处，没有逐条列出`),
    ];
  }

  function columns(file) {
    const rows = file.columns.map((column) => el("tr", {}, el("td", {}, column.column),
      el("td", { class: column.field === null ? "lost" : "" }, column.label || "没有认出，原文放在“其他内容”")));
    return el("div", { class: "table-wrapper", tabindex: "0" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "文件里的栏目"), el("th", { scope: "col" }, "认作"))),
      el("tbody", {}, rows)));
  }

  const personalColumns = (file) => file.columns.filter((column) => column.personal).map((column) => column.column);

  function removedLine(removed, columns) {
    const kinds = Object.entries(removed);
    const whole = [...new Set(columns)];
    if (!kinds.length && !whole.length) return el("p", { class: "soft" }, "没有发现个人信息。");
    return el("p", { class: "kinds" }, "去掉的个人信息：",
      kinds.map(([kind, number]) => el("span", { class: "chip" }, `${kind} ${number}`)),
      whole.map((column) => el("span", { class: "chip" }, `“${column}”整栏`)));
  }

  function caseBlock(one, out, count) {
    const where = [one.source.sheet, one.source.row && `第 ${one.source.row} 行`].filter(Boolean).join(" ");
    const block = el("li", { class: one.change, "data-item": true });
    const tick = el("input", { type: "checkbox", "data-key": "x", "data-label": "报送或不报这一件", onchange: () => {
      if (tick.checked) out.delete(one.number); else out.add(one.number);
      block.classList.toggle("out", !tick.checked);
      count();
    } });
    tick.checked = !out.has(one.number);
    block.classList.toggle("out", !tick.checked);
    const name = el("span", { class: "name" }, one.title || "（无标题）");
    const removed = Object.entries(one.removed).map(([kind, number]) => `${kind} ${number}`).join("、");
    block.append(
      el("div", { class: "top" },
        one.change === "same" ? el("span", { class: "choice" }, name) : el("label", { class: "choice" }, tick, name),
        el("span", { class: `tag ${{ new: "done", revised: "partly" }[one.change] || ""}` }, one.change_label),
        one.doubts.length > 0 && el("span", { class: "tag partly" }, `存疑 ${one.doubts.length}`),
        one.duplicate && el("span", { class: "tag gone" }, "疑似重复")),
      el("p", { class: "meta" }, where && el("span", {}, where),
        removed && el("span", {}, `去掉：${removed}`), related(one)),
    );
    if (one.doubts.length) {
      block.append(el("div", { class: "look" }, "请看一看这几处：", el("ul", {},
        one.doubts.map((doubt) => el("li", {}, `${doubt.label}：${doubt.kind}，${doubt.reason}`)))));
    }
    const gist = one.fields.find((each) => each.name === "demand") || one.fields.find((each) => each.name === "obstacle");
    if (gist) block.append(el("p", { class: "gist" }, pieces(gist)));
    block.append(el("details", { open: one.doubts.length > 0 && one.change !== "same" },
      el("summary", {}, "将要保存的内容"), el("dl", { class: "told" }, one.fields.map(field))));
    return block;
  }

  function related(one) {
    const link = (other) => el("a", { href: root + other.location, target: "_blank", rel: "noopener" }, other.title);
    return [
      one.earlier && el("span", {}, one.change === "same" ? "库里已有：" : "修订的是：", link(one.earlier)),
      one.duplicate && (one.duplicate.location ? el("span", {}, "可能是同一件：", link(one.duplicate))
        : el("span", {}, `可能与这个文件里的另一件相同：${one.duplicate.title}`)),
    ];
  }

  function pieces(one) {
    return one.text.map((piece) => piece.mark
      ? el("span", { class: piece.mark, title: piece.why || "已去掉的个人信息" }, piece.text) : piece.text);
  }

  function field(one) {
    return el("div", {}, el("dt", {}, one.label), el("dd", {}, pieces(one),
      one.guess !== null && el("span", { class: "guess" }, `推断 ${Math.round(one.guess * 100)}%`)));
  }

  function stored(section, data, answer) {
    const parts = [answer.drafts && `${answer.drafts} 件新案例`, answer.revisions && `${answer.revisions} 件修订`].filter(Boolean);
    const rest = [answer.unchanged && `${answer.unchanged} 件没有变化`, answer.left_out && `${answer.left_out} 件没有报`].filter(Boolean);
    const text = (parts.length ? `已报送 ${parts.join("、")}，等审核人处理` : "没有要报送的") + (rest.length ? `；${rest.join("，")}` : "") + "。";
    const to = el("a", { class: "button", href: `${root}/drafts` }, "去看草稿");
    section.replaceChildren(el("h2", {}, data.name), el("p", { class: "notice done" }, text), el("p", { class: "toolbar" }, to));
    say(text);
    to.focus();
  }

  // ---- the ways in ---------------------------------------------------------------------------------------------

  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  drop.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const folder = dropped.some((item) => item.webkitGetAsEntry && (item.webkitGetAsEntry() || {}).isDirectory);
    if (folder) {
      const section = room();
      list.prepend(section);
      refused(section, "文件夹", "浏览器不能直接传文件夹。请把它压缩成 .zip，或打开文件夹选中里面的文件");
      return;
    }
    take([...event.dataTransfer.files]);
  });
  drop.hidden = false;

  // What was uploaded before the page was loaded (again) and still waits.
  window.kb.call("GET", "/api/v1/uploads").then((data) => {
    for (const one of data.uploads.filter((each) => !["stored", "receiving"].includes(each.stage))) {
      const section = room();
      list.append(section);
      follow(section, one.id, one.name);
    }
  }).catch((error) => say(error.message));
})();
