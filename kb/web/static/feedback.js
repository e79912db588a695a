// 用上了／不适用: the answer changes the buttons in place; the page is not loaded again.
(function () {
  "use strict";
  // `toggle` does not bubble: it is caught on its way down.
  document.addEventListener("toggle", (event) => {
    const first = event.target.matches(".unsuited[open]") && event.target.querySelector("[type=radio]");
    if (first) first.focus();
  }, true);
  document.addEventListener("kb:done", (event) => {
    const place = event.target.closest("[data-feedback]");
    if (!place) return;
    event.preventDefault();
    const rated = event.detail;
    const said = place.querySelector("[data-said]");
    said.textContent = rated.said;
    said.hidden = !rated.said;
    place.querySelector(".used button").setAttribute("aria-pressed", String(rated.mine === "used"));
    place.querySelector("[data-mine]").textContent = rated.mine === "unsuited" ? "不适用：" + rated.reason : "不适用";
    const details = place.querySelector("details");
    const inside = details.open && details.contains(document.activeElement);
    details.open = false;
    if (inside) details.querySelector("summary").focus();
    const status = document.getElementById("said");
    if (status) status.textContent = rated.mine === "used" ? "已记下：用上了" : "已记下：不适用";
  });
})();
