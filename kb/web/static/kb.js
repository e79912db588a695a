// Forms that change something: <form data-api="POST /api/v1/…"> is sent as JSON by a script of this site, and the answer is
// followed (`data-then`, else `location` in the answer, else the page is loaded again). Errors stand in the form.
(function () {
  "use strict";
  const root = document.documentElement.dataset.root || "";

  // Sends a request to the API; answers its JSON or throws an Error with the Chinese message.
  async function call(method, path, body) {
    const headers = { "X-KB": "1" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(root + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
      throw new Error("连不上服务器，请检查网络后再试");
    }
    const text = await answer.text();
    let data = {};
    try { data = text ? JSON.parse(text) : {}; } catch (error) { data = {}; }
    if (!answer.ok) {
      const failed = new Error(data.error || "没有办成，请稍后再试");
      failed.status = answer.status;
      failed.fields = data.fields || {};
      throw failed;
    }
    return data;
  }

  const path = (field) => field.name.replace("[]", "");

  // The fields of a form as JSON. name="a.b" nests, name="a[]" makes a list, type=checkbox alone a boolean.
  // Of the buttons only the one that was pressed (`by`) has a say.
  function values(form, by) {
    const found = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || field.type === "file") continue;
      if (["submit", "button", "reset"].includes(field.type) && field !== by) continue;
      if (field.type === "radio" && !field.checked) continue;
      const steps = path(field).split(".");
      const last = steps.pop();
      let place = found;
      for (const step of steps) place = place[step] = place[step] || {};
      if (field.name.endsWith("[]")) {
        place[last] = place[last] || [];
        if (field.type === "select-multiple") place[last].push(...[...field.selectedOptions].map((option) => option.value));
        else if (field.type !== "checkbox" || field.checked) place[last].push(field.value);
      } else if (field.type === "checkbox") place[last] = field.checked;
      else if (field.type === "number") place[last] = field.value === "" ? null : Number(field.value);
      else place[last] = field.value;
    }
    return found;
  }

  // The message of an error in the form, where the cursor goes; an empty text takes it away.
  function say(form, text) {
    let place = form.querySelector("[role=alert]");
    if (!place && !text) return;
    if (!place) {
      place = document.createElement("p");
      place.className = "notice gone";
      place.setAttribute("role", "alert");
      form.append(place);
    }
    place.hidden = !text;
    place.textContent = text;
    place.tabIndex = -1;
    if (text) place.focus();
  }

  // The API names fields as programs do; people know them by their labels. The first that is named gets the cursor.
  function blame(form, message) {
    let first = null;
    for (const field of form.elements) {
      const label = field.name && field.labels && field.labels[0];
      if (!label) continue;
      const name = new RegExp("(?<![\\w.])" + path(field).replace(/[.]/g, "[.]") + "(?![\\w.])");
      if (!name.test(message)) continue;
      message = message.replace(name, "“" + label.textContent.trim() + "”");
      field.setAttribute("aria-invalid", "true");
      first = first || field;
    }
    say(form, message);
    if (first) first.focus();
  }

  function explain(form, error) {
    blame(form, error.message);
    form.dispatchEvent(new CustomEvent("kb:failed", { bubbles: true, detail: error })); // error.fields: message by name
    if (error.status !== 401) return;
    const link = document.createElement("a");
    link.href = root + "/login";
    link.target = "_blank"; // what was typed stays here
    link.textContent = "在新窗口登录";
    form.querySelector("[role=alert]").append("。", link, "，回来再提交一次");
  }

  function release(form) {
    for (const button of form.querySelectorAll("[data-held]")) {
      button.disabled = false;
      delete button.dataset.held;
    }
    form.removeAttribute("aria-busy");
  }

  async function submit(form, by) {
    if (form.getAttribute("aria-busy") === "true") return; // a second press, or Enter again
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
    const [method, address] = form.dataset.api.split(" ");
    const body = method === "GET" || method === "DELETE" ? undefined : values(form, by);
    form.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("button:enabled")) {
      button.disabled = true;
      button.dataset.held = "";
    }
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    say(form, "");
    try {
      const data = await call(method, address, body);
      const done = new CustomEvent("kb:done", { bubbles: true, cancelable: true, detail: data });
      if (!form.dispatchEvent(done)) return release(form);
      const next = form.dataset.then || data.location;
      if (!next) location.reload();
      else location.assign(root && next.startsWith(root + "/") ? next : root + next);
    } catch (error) {
      release(form);
      explain(form, error);
    }
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.dataset.api) return;
    event.preventDefault();
    submit(event.target, event.submitter);
  });
  // Back from the next page: the form may be sent again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[aria-busy]").forEach(release);
  });

  // The menu in the head closes when the attention goes elsewhere.
  const menu = document.querySelector("[data-menu]");
  function close(event) {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }
  if (menu) {
    document.addEventListener("click", close);
    document.addEventListener("focusin", close);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
  window.kb = { call, values, say };
})();
