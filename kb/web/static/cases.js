// Cases: copying the citation, printing, and a selection that is kept while one turns pages. Without this script the
// citation can be marked by hand, the browser prints, and the boxes of one page are exported.
(function () {
  "use strict";

  // Halls often run on plain http, where browsers offer no clipboard to scripts except in the old way.
  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copy refused");
  }

  const told = document.querySelector("[data-copied]");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await copy(document.querySelector(button.dataset.copy).textContent.trim());
        told.textContent = "已复制，可以粘贴";
      } catch (error) {
        told.textContent = "浏览器不让复制，请在“引用”一栏选中后复制";
      }
      button.focus({ preventScroll: true });
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // Whoever opens 出库 goes on to write why.  `toggle` does not bubble: it is caught on its way down.
  document.addEventListener("toggle", (event) => {
    const first = event.target.open && event.target.matches(".toolbar details") && event.target.querySelector("textarea");
    if (first) first.focus();
  }, true);

  const form = document.querySelector("[data-selection]");
  if (!form) return;
  const KEPT = "kb-selection";
  const boxes = [...document.querySelectorAll("input[name=ids]")];
  const all = form.querySelector("[data-all]");
  const clear = form.querySelector("[data-clear]");
  const count = form.querySelector("[data-count]");
  const buttons = form.querySelectorAll("button[name=format]");

  function read() {
    try { return new Set(JSON.parse(sessionStorage.getItem(KEPT)) || []); } catch (error) { return new Set(); }
  }
  let chosen = read();

  function show() {
    for (const box of boxes) box.checked = chosen.has(box.value);
    const here = boxes.filter((box) => box.checked).length;
    all.checked = here === boxes.length;
    all.indeterminate = here > 0 && here < boxes.length;
    const others = chosen.size - here;
    count.textContent = chosen.size ? `已选 ${chosen.size} 件${others ? `（其他页 ${others} 件）` : ""}` : "";
    clear.hidden = !chosen.size;
    for (const button of buttons) button.disabled = !chosen.size;
  }
  function change(edit) {
    edit();
    sessionStorage.setItem(KEPT, JSON.stringify([...chosen]));
    show();
  }
  for (const box of boxes) {
    box.addEventListener("change", () => change(() => (box.checked ? chosen.add(box.value) : chosen.delete(box.value))));
  }
  all.addEventListener("change", () => change(() => {
    for (const box of boxes) if (all.checked) chosen.add(box.value); else chosen.delete(box.value);
  }));
  clear.addEventListener("click", () => change(() => { chosen = new Set(); }));
  form.addEventListener("formdata", (event) => {
    event.formData.delete("ids");
    event.formData.set("ids", [...chosen].join(","));
  });
  window.addEventListener("pageshow", () => { chosen = read(); show(); });
  all.closest("label").hidden = false;
  show();
})();
