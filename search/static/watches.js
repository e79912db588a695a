// The new cases of a watch have been shown: from now on they are not new.
(function () {
  "use strict";
  const shown = document.querySelector("[data-seen]");
  if (!shown) return;
  const path = "/api/v1/watches/" + shown.dataset.watch + "/seen";
  window.kb.call("POST", path, { seen: shown.dataset.seen }).catch((error) => {
    const told = document.createElement("p");
    told.className = "notice";
    told.textContent = "没能记下已看过：" + error.message;
    shown.after(told);
  });
})();
