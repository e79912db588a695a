// One draft before a reviewer: from doubt to doubt, choosing the case that may tell the same, the gate's tick, dialogs.
(function () {
  "use strict";
  const doubts = [...document.querySelectorAll(".doubt[id]")];
  let at = -1;

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-next-doubt]") && doubts.length) {
      at = (at + 1) % doubts.length;
      doubts[at].focus({ preventScroll: true });
      doubts[at].scrollIntoView({ block: "center" });
    }
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
    if (event.target.closest("[data-shut]")) event.target.closest("dialog").close();
  });

  // Which case is meant by 合并 and 记为同一件事.
  function choose(radio) {
    for (const field of document.querySelectorAll("[data-chosen]")) field.value = radio.value;
    for (const place of document.querySelectorAll("[data-chosen-title]")) place.textContent = radio.dataset.title;
    for (const place of document.querySelectorAll("[data-chosen-adds]")) place.textContent = radio.dataset.adds || "没有新内容，只记下来源";
    for (const twin of document.querySelectorAll("[data-twin]")) twin.open = twin.dataset.twin === radio.value;
  }
  document.addEventListener("change", (event) => {
    if (event.target.name === "twin") {
      choose(event.target);
      event.target.blur();  // so that the keys of the page go on working
    }
    if (event.target.matches("[data-cleared]")) {
      for (const field of document.querySelectorAll("[data-gated] [name=cleared]")) field.checked = event.target.checked;
      gate(false);
      event.target.blur();
    }
  });

  function gate(shown) {
    const place = document.querySelector("[data-gate]");
    if (place) place.hidden = !shown;
  }
  // The gate is the server's; here it only says so before the request goes out.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const tick = document.querySelector("[data-cleared]");
    if (!("gated" in form.dataset) || !tick || tick.checked) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = form.closest("dialog");
    if (dialog) dialog.close();
    gate(true);
  }, true);

  // Someone else was quicker: on to the next, or back to the queue.
  document.addEventListener("kb:failed", (event) => {
    const place = event.target.querySelector("[role=alert]");
    if (![404, 409].includes(event.detail.status) || !place) return;
    const next = document.querySelector(".crumbs [data-key=s]") || document.querySelector(".crumbs a");
    const link = Object.assign(document.createElement("a"), { href: next.href, textContent: next.dataset.label || "回到待审" });
    place.append("。", link);
  });

  document.addEventListener("kb:done", (event) => {
    if (event.target.dataset.saidAfter && window.kbSaid) window.kbSaid(event.target.dataset.saidAfter);
  });
})();
