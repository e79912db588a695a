// /me: a new token is shown once, with a button to copy it. /accounts: a hall's code or place name fills in its name.
(function () {
  "use strict";

  const form = document.getElementById("make-token");
  if (form) {
    const field = document.getElementById("made-token");
    form.addEventListener("kb:done", (event) => {
      event.preventDefault();
      field.value = event.detail.token;
      document.getElementById("made").hidden = false;
      form.hidden = true;
      field.focus();
      field.select();
    });
    document.getElementById("copy-token").addEventListener("click", async (event) => {
      const button = event.currentTarget;
      field.select();
      // navigator.clipboard exists on https pages alone, and halls' networks often have none.
      const copied = navigator.clipboard
        ? await navigator.clipboard.writeText(field.value).then(() => true, () => false)
        : document.execCommand("copy");
      button.textContent = copied ? "已复制" : "请按 Ctrl+C 复制";
    });
  }

  document.querySelectorAll("[data-hall]").forEach((code) => {
    const name = code.form.querySelector("[data-hall-name]");
    const place = document.getElementById(code.getAttribute("aria-describedby"));
    code.addEventListener("change", async () => {
      if (code.value.trim().length < 2) return;
      try {
        const hall = await window.kb.call("GET", "/api/v1/hall-name?q=" + encodeURIComponent(code.value.trim()));
        code.value = hall.code;
        name.value = hall.name;
        place.textContent = hall.place;
      } catch (error) {
        place.textContent = error.message;
      }
    });
  });
})();
