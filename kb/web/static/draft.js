// Writing a draft: saving or handing in, errors at their fields, similar published cases beside, a warning before what was
// written is lost.  Pages on the way say what has just been done ([data-said]).
(function () {
  "use strict";
  const root = document.documentElement.dataset.root || "";
  const SAID = "kb:said";

  // What the page before wants said here: kinds and counts, never a text that was written.
  function tell(text) {
    try { sessionStorage.setItem(SAID, text); } catch (error) { /* storage is switched off: nothing is said */ }
  }
  function told() {
    const place = document.querySelector("[data-said]");
    let text = "";
    try {
      text = sessionStorage.getItem(SAID) || "";
      sessionStorage.removeItem(SAID);
    } catch (error) { text = ""; }
    if (!place || !text) return;
    place.textContent = text;
    place.hidden = false;
  }
  told();
  window.kbSaid = tell;

  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const state = form.querySelector("[data-state]");
  const submit = form.elements.namedItem("submit");
  let changed = false;

  form.addEventListener("input", () => {
    changed = true;
    state.textContent = "有改动，还没有保存";
  });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-hand-in]")) submit.checked = true;
    else if (event.target.closest("[data-save]")) submit.checked = false;
  });

  // Enter in a line of text saves nothing by accident: it goes on to the next field.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
    event.preventDefault();
    const fields = [...form.elements].filter((field) => field.name && field.getClientRects().length);
    const next = fields[fields.indexOf(event.target) + 1];
    if (next) next.focus();
  });

  form.addEventListener("kb:done", (event) => {
    event.preventDefault();
    changed = false;
    const saved = event.detail;
    const removed = saved.removed.map((each) => `${each.kind} ${each.count} 处`).join("、");
    tell((submit.checked ? "已提交审核。" : "已保存。")
      + (removed ? `这次去掉的个人信息：${removed}。` : "没有发现新的个人信息。")
      + (saved.doubts ? `有 ${saved.doubts} 处存疑，请看一看。` : ""));
    location.assign(root + (submit.checked ? "/drafts?stage=submitted" : saved.location));
  });

  form.addEventListener("submit", () => {
    for (const error of form.querySelectorAll(".field .error")) error.remove();
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  });
  form.addEventListener("submit", () => { state.textContent = "正在保存……"; });
  form.addEventListener("kb:failed", (event) => {
    state.textContent = "没有保存";
    let first = null;
    for (const [name, text] of Object.entries(event.detail.fields || {})) {
      const control = document.getElementById(`f-${name}`) || form.elements.namedItem(name);
      const place = control && control.closest(".field");
      if (!place) continue;
      const fold = control.closest("details");
      if (fold) fold.open = true;
      const error = Object.assign(document.createElement("p"), { className: "error", textContent: text, id: `e-${name}` });
      place.append(error);
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", error.id);
      first = first || control;
    }
    if (first) first.focus();
  });

  // Similar cases, while 诉求 and 卡点 are written: perhaps it has been solved.
  const panel = document.querySelector("[data-similar]");
  const list = document.querySelector("[data-similar-list]");
  const TAGS = { "办成": "done", "部分办成": "partly", "依法不能办已释因": "refused" };
  let timer = 0;
  let asked = "";

  function entry(result) {
    const item = document.createElement("li");
    const link = Object.assign(document.createElement("a"), {
      href: `${root}/case/${encodeURIComponent(result.id)}`, target: "_blank", rel: "noopener",
      textContent: result.title || result.obstacle || "（无标题）",
    });
    const meta = Object.assign(document.createElement("p"), { className: "meta" });
    if (result.outcome) {
      const tag = document.createElement("span");
      tag.className = `tag ${TAGS[result.outcome] || ""}`;
      tag.textContent = result.outcome;
      meta.append(tag);
    }
    const region = typeof result.region === "string" ? result.region : "";
    if (region) meta.append(Object.assign(document.createElement("span"), { textContent: region }));
    item.append(link, meta);
    if (result.measure) {
      item.append(Object.assign(document.createElement("p"), { className: "soft", textContent: `${result.measure.slice(0, 70)}${result.measure.length > 70 ? "……" : ""}` }));
    }
    return item;
  }

  // What is said first where a like case has a procedure already.
  function ready(playbook) {
    const item = Object.assign(document.createElement("li"), { className: "notice done", textContent: "这类事已有办法：" });
    item.append(Object.assign(document.createElement("a"), {
      href: `${root}/playbook/${encodeURIComponent(playbook.id)}`, target: "_blank", rel: "noopener", textContent: playbook.title,
    }));
    return item;
  }

  async function look() {
    const text = ["demand", "obstacle"].map((name) => form.elements.namedItem(name).value.trim()).join("\n").trim().slice(0, 1000);
    if (text === asked) return;
    asked = text;
    if (text.length < 4) { panel.hidden = true; return; }
    try {
      const found = await window.kb.call("POST", "/api/v1/search", { q: text, k: 5 });
      if (asked !== text) return;
      const own = (form.dataset.api.match(/drafts\/(.+)$/) || [])[1];
      const results = (found.results || []).filter((result) => result.id !== own);
      const solved = results.find((result) => result.playbook);
      list.replaceChildren(...(solved && found.answerable ? [ready(solved.playbook)] : []), ...results.map(entry));
      panel.hidden = !results.length;
    } catch (error) {
      panel.hidden = true;  // writing goes on without it
    }
  }
  for (const name of ["demand", "obstacle"]) {
    form.elements.namedItem(name).addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, 500);
    });
  }
  look();
  if (form.dataset.api.startsWith("POST")) {
    const start = form.elements.namedItem(form.elements.namedItem("demand").value ? "obstacle" : "demand");
    start.focus();
  }
})();
