// The form of a playbook: rows that can be added, moved and dropped, sent as one JSON document. Sentences name their cases
// by the numbers of the list beside them.
(function () {
  "use strict";
  const root = document.documentElement.dataset.root || "";
  const form = document.querySelector("form[data-playbook]");
  if (!form) return;
  const numbered = new Map([...form.querySelectorAll("[data-case]")].map((item) => [String(item.value), item.dataset.case]));
  let changed = false;

  // "1、3" → ids. Throws for a number that no case has.
  function ids(text) {
    const found = text.split(/[^0-9]+/).filter(Boolean);
    const wrong = found.find((number) => !numbered.has(String(Number(number))));
    if (wrong !== undefined) throw new Error(`“出自”里的 ${wrong} 不是案例列表里的号码，请改正`);
    return found.map((number) => numbered.get(String(Number(number))));
  }

  function value(field) {
    if (field.type === "checkbox") return field.checked;
    if (field.type === "number") return field.value === "" ? null : Number(field.value);
    if (field.dataset.field === "valid") return { true: true, false: false }[field.value] ?? null;
    return field.dataset.field === "cases" ? ids(field.value) : field.value;
  }

  const entry = (place) => Object.fromEntries([...place.querySelectorAll("[data-field]")].map((field) => [field.dataset.field, value(field)]));

  function collected() {
    const one = (name) => form.querySelector(`[data-one=${name}]`).value;
    const body = { revision: Number(form.dataset.revision), note: one("note"), title: one("title"), obstacle: one("obstacle"), obstacle_cases: ids(one("obstacle_cases")) };
    for (const part of form.querySelectorAll("[data-part]")) {
      body[part.dataset.part] = [...part.querySelectorAll("[data-row]")].map(entry)
        .filter((item) => Object.entries(item).some(([name, each]) => typeof each === "string" && each.trim()));
    }
    body.solidified = entry(form.querySelector("[data-fix]"));
    const chosen = (name) => [...form.querySelectorAll(`[${name}]:checked`)].map((box) => box.closest("[data-case]").dataset.case);
    const more = form.querySelector("[data-more]").value.split(/[\s、，,;；]+/).filter(Boolean);
    body.case_ids = [...new Set([...chosen("data-member"), ...more])];
    body.models = chosen("data-model");
    return body;
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[type=button]");
    if (!button) return;
    const row = button.closest("[data-row]");
    if ("add" in button.dataset) {
      const part = button.closest("[data-part]");
      const made = part.querySelector("template").content.cloneNode(true);
      part.querySelector("[data-rows]").append(made);
      part.querySelector("[data-rows]").lastElementChild.querySelector("textarea, input").focus();
    } else if ("up" in button.dataset && row.previousElementSibling) {
      row.previousElementSibling.before(row);
      button.focus();
    } else if ("down" in button.dataset && row.nextElementSibling) {
      row.nextElementSibling.after(row);
      button.focus();
    } else if ("drop" in button.dataset) {
      const next = row.nextElementSibling || row.previousElementSibling;
      const part = row.closest("[data-part]");
      row.remove();
      (next ? next.querySelector("textarea, input") : part.querySelector("[data-add]")).focus();
    } else return;
    changed = true;
  });

  form.addEventListener("input", () => { changed = true; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName === "INPUT" && !event.isComposing) event.preventDefault();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    window.kb.say(form, "");
    try {
      const done = await window.kb.call("PUT", `/api/v1/playbooks/${encodeURIComponent(form.dataset.playbook)}`, collected());
      changed = false;
      location.assign(root + done.location);
    } catch (error) {
      button.disabled = false;
      window.kb.say(form, error.message);
    }
  });
})();
