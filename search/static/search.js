// Results refresh and suggestions come while someone types. Without this file the page works by its button.
(function () {
  "use strict";
  const form = document.querySelector("form.searchbox");
  const results = document.getElementById("results");
  const said = document.getElementById("said");
  const box = form.elements.q;
  const welcome = results.innerHTML;
  const welcomed = box.value.trim() === "";
  const SETTLED = 3000; // milliseconds after which a text that stands is a question
  let shown = question().toString();
  let timer = 0;
  let settling = 0;
  let running = null;

  function question() {
    return new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  }

  function ask(asked) {
    if (running) running.abort();
    running = new AbortController();
    return fetch(form.dataset.results + "?" + asked, { signal: running.signal });
  }

  async function refresh() {
    const asked = question();
    if (asked.toString() === shown) return;
    shown = asked.toString();
    clearTimeout(settling);
    if (!asked.has("q")) {
      if (running) running.abort();
      if (welcomed) results.innerHTML = welcome;
      history.replaceState(null, "", form.action);
      return;
    }
    try {
      const answer = await ask(asked);
      if (!answer.ok) return form.submit();
      const text = await answer.text();
      if (asked.toString() !== shown) return;
      results.innerHTML = text;
      said.textContent = results.querySelector(".grade p").textContent;
      history.replaceState(null, "", "?" + asked);
      document.title = box.value.trim();
      settling = setTimeout(settle, SETTLED);
    } catch (error) {
      if (error.name !== "AbortError") shown = "";
    }
  }

  // A text that stands for a while is a question: the library may count it, and note that it has no answer.
  async function settle() {
    const grade = results.querySelector(".grade");
    const asked = question();
    if (asked.toString() !== shown) return;
    asked.set("settled", "1");
    try {
      const text = await (await ask(asked)).text();
      const noted = new DOMParser().parseFromString(text, "text/html").querySelector(".noted");
      if (noted && grade.isConnected) grade.append(noted);
    } catch (error) {
      // Nothing is lost but the note: the answer stands on the page.
    }
  }

  function soon(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }

  // Suggestions: a list under the box, as the combobox pattern of ARIA has it. The cursor stays in the box.
  const list = document.createElement("ul");
  let suggesting = null;
  let suggestTimer = 0;
  let suggestedFor = "";

  list.id = "suggestions";
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "猜您要找");
  box.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false",
  })) box.setAttribute(name, value);

  function open(visible) {
    list.hidden = !visible;
    box.setAttribute("aria-expanded", String(visible));
    if (!visible) choose(null);
  }

  function close() {
    clearTimeout(suggestTimer);
    if (suggesting) suggesting.abort();
    open(false);
  }

  function chosen() {
    return list.querySelector("[aria-selected=true]");
  }

  function choose(option) {
    if (chosen()) chosen().setAttribute("aria-selected", "false");
    if (!option) return box.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function take(option) {
    box.value = option.dataset.text;
    suggestedFor = box.value;
    close();
    soon(0);
  }

  function part(className, text) {
    const span = document.createElement("span");
    span.className = className;
    span.textContent = text;
    return span;
  }

  function entry(suggestion, at) {
    const option = document.createElement("li");
    option.id = "suggestion-" + at;
    option.dataset.text = suggestion.text;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.append(part("text", suggestion.text), part("soft", suggestion.kind || ""));
    return option;
  }

  async function suggest() {
    const typed = box.value.trim();
    if (typed === suggestedFor) return;
    suggestedFor = typed;
    if (suggesting) suggesting.abort();
    if (!typed) return open(false);
    suggesting = new AbortController();
    try {
      const address = form.dataset.suggest + "?" + new URLSearchParams({ q: typed });
      const answer = await fetch(address, { signal: suggesting.signal });
      const found = answer.ok ? (await answer.json()).suggestions : [];
      if (box.value.trim() !== typed || document.activeElement !== box) return;
      const wanted = found.filter((each) => each.text !== typed).slice(0, 8);
      choose(null);
      list.replaceChildren(...wanted.map(entry));
      open(wanted.length > 0);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  function soonSuggest(wait) {
    clearTimeout(suggestTimer);
    suggestTimer = setTimeout(suggest, wait);
  }

  function step(by) {
    const options = [...list.children];
    const at = options.indexOf(chosen()) + by;
    // Beyond either end the choice is none: what was typed itself.
    choose(at < -1 ? options[options.length - 1] : options[at] || null);
  }

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      take(chosen());
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && list.children.length) {
      event.preventDefault();
      if (list.hidden) open(true);
      step(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  box.addEventListener("blur", close);
  // Pressing on an option must not take the cursor out of the box.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });

  // While Chinese is being composed the box holds pinyin: wait for the words.
  box.addEventListener("input", (event) => {
    if (event.isComposing) return;
    soon(180);
    soonSuggest(100);
  });
  box.addEventListener("compositionend", () => {
    soon(120);
    soonSuggest(60);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
    soon(0);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
  // The browser sees to `autofocus` only when it draws the page: what is typed before that would be lost.
  if (welcomed) box.focus();
  if (box.value) box.setSelectionRange(box.value.length, box.value.length);
})();
