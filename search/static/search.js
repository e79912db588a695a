// Results refresh and suggestions come while someone types. Without this file the page works by its button.
(function () {
  "use strict";
  const form = document.querySelector("form.searchbox");
  const results = document.getElementById("results");
  const said = document.getElementById("said");
  const box = form.elements.q;
  const welcome = results.innerHTML;
  const welcomed = box.value.trim() === "";
  // Milliseconds. A fast hand writes a letter of pinyin every 100 to 150: an answer is asked for when it rests this
  // long, and mostly comes before the next. Suggestions come after the results, whose server they share.
  const PAUSE = 40;
  const PAUSE_SUGGESTING = 90;
  const SETTLED = 3000; // after which a text that stands is a question
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
      dress();
      said.textContent = results.querySelector(".grade p").textContent;
      keep(asked);
      settling = setTimeout(settle, SETTLED);
    } catch (error) {
      if (error.name !== "AbortError") shown = "";
    }
  }

  // What stays in the address and the history: the question as the answer gives it back, without personal data.
  function keep(asked) {
    const kept = new URLSearchParams(asked);
    kept.set("q", results.querySelector(".grade").dataset.asked);
    history.replaceState(null, "", "?" + kept);
    document.title = kept.get("q") || "检索";
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
    if (event.key === "Escape") {
      event.preventDefault(); // browsers would empty the box
      close();
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      take(chosen());
    } else if (event.key === "ArrowDown" && event.altKey && list.children.length) {
      event.preventDefault();
      open(true);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "ArrowDown" && window.kbKeys.items().length) {
      event.preventDefault();
      window.kbKeys.go(window.kbKeys.items()[0]);
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
    soon(PAUSE);
    soonSuggest(PAUSE_SUGGESTING);
  });
  box.addEventListener("compositionend", () => {
    soon(0);
    soonSuggest(PAUSE_SUGGESTING);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
    soon(0);
  });
  // The keys of lists are those of keys.js, which comes first: what is left over is the way back to the box.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const item = window.kbKeys.current();
    const first = event.key === "ArrowUp" && item && item === document.activeElement;
    if (first || (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName))) {
      event.preventDefault();
      box.focus();
      if (event.key === "/") box.select();
      window.scrollTo(0, 0);
    }
  });

  // Citations: copied with the address of this site; where the browser allows no script to copy (plain http), the old
  // way, and at last the text to copy by hand.
  function dress() {
    for (const button of results.querySelectorAll("[data-copy]")) button.hidden = false;
  }

  async function copy(text) {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch (error) {
        // Not allowed here: try the old way.
      }
    }
    const at = document.activeElement;
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "unseen" });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (at) at.focus({ preventScroll: true });
    return done;
  }

  let telling = 0;
  function tell(words, text) {
    const old = document.querySelector(".copied");
    if (old) old.remove();
    const place = Object.assign(document.createElement("div"), { className: "copied" });
    place.append(words);
    if (text) {
      const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
      field.setAttribute("aria-label", "引用");
      place.append(field);
      document.body.append(place);
      field.select();
    } else document.body.append(place);
    said.textContent = words;
    clearTimeout(telling);
    telling = setTimeout(() => place.remove(), text ? 20000 : 4000);
  }

  results.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy + "。" + location.origin + button.dataset.path;
    if (await copy(text)) tell("已复制引用：" + button.closest("[data-item]").querySelector("h2").textContent);
    else tell("浏览器不让复制，请按 Ctrl+C：", text);
  });
  dress();

  const graded = results.querySelector(".grade");
  if (graded && graded.dataset.asked !== box.value.trim()) keep(new URLSearchParams(location.search));

  // The browser sees to `autofocus` only when it draws the page: what is typed before that would be lost.
  if (welcomed) box.focus();
  if (box.value) box.setSelectionRange(box.value.length, box.value.length);
})();
