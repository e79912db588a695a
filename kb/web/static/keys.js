// Keys of every page.  A [data-list] holds [data-item] elements: ↑ ↓ (also j k) move the focus between them, Enter opens
// the first link of the item.  An element with data-key="c" is clicked by that key while no field has the focus: the one
// inside the focused item, else one outside of any item.  `?` lists the keys of the page.
(function () {
  "use strict";

  const shown = (element) => element.getClientRects().length > 0 && !element.disabled;
  const items = () => [...document.querySelectorAll("[data-list] [data-item]")].filter(shown);
  const current = () => document.activeElement && document.activeElement.closest("[data-item]");

  // Keys that mean something to what has the focus are not ours.
  function typing(element) {
    return element.isContentEditable || (/^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName) && element.type !== "checkbox");
  }

  // One item at a time takes part in the order of Tab: that which was last in focus, else the first.
  function rove(item) {
    for (const each of items()) each.tabIndex = each === item ? 0 : -1;
  }

  function go(item) {
    rove(item);
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }

  // Moves the focus by so many items; false where there is none in that direction.
  function move(by) {
    const all = items();
    const at = all.indexOf(current());
    const next = at < 0 ? (by > 0 ? all[0] : undefined) : all[at + by];
    if (next) go(next);
    return Boolean(next);
  }

  function target(key) {
    const all = [...document.querySelectorAll("[data-key]")].filter((each) => each.dataset.key === key && shown(each));
    const item = current();
    const reach = document.querySelector("dialog[open]") || document;
    return all.find((each) => item && item.contains(each))
      || all.find((each) => !each.closest("[data-item]") && reach.contains(each));
  }

  // What `?` shows: the keys of lists, and of whatever stands on the page with a data-key.
  function keys() {
    const found = new Map();
    if (items().length) found.set("↑ ↓", "上一条、下一条").set("Enter", "打开这一条");
    if (document.querySelector("form.searchbox")) found.set("/", "回到检索框");
    for (const each of document.querySelectorAll("[data-key]")) {
      const label = each.getAttribute("aria-label") || each.dataset.label || each.textContent.replace(each.dataset.key, "");
      if (!found.has(each.dataset.key) && label.trim()) found.set(each.dataset.key, label.trim().slice(0, 24));
    }
    return found.set("?", "显示这张表").set("Esc", "关闭");
  }

  function help() {
    const dialog = document.createElement("dialog");
    dialog.className = "keys";
    dialog.setAttribute("aria-label", "按键");
    const list = document.createElement("dl");
    list.className = "facts";
    for (const [key, label] of keys()) {
      const term = document.createElement("dt");
      term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      const row = document.createElement("div");
      row.append(term, Object.assign(document.createElement("dd"), { textContent: label }));
      list.append(row);
    }
    const shut = Object.assign(document.createElement("button"), { textContent: "关闭", className: "quiet" });
    shut.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(Object.assign(document.createElement("h2"), { textContent: "按键" }), list, shut);
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("keydown", (event) => {
    const at = document.activeElement || document.body;
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(at) || (at.closest("dialog[open]") && event.key === "Enter")) return;
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (event.repeat && !by) return; // a key held down goes on through a list, but does nothing twice
    const item = current();
    let done = true;
    if (by && !document.querySelector("dialog[open]") && (item || event.key.length === 1 || at === document.body)) done = move(by);
    else if (event.key === "Enter" && item === at) {
      const link = item.querySelector("a[href]");
      if (link) link.click();
    } else if (event.key === "?" && !document.querySelector("dialog[open]")) help();
    else if (target(event.key)) target(event.key).click();
    else done = false;
    if (done) event.preventDefault();
  });
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest("[data-item]");
    if (item) rove(item);
  });
  // A list that comes later (results, a queue) is made ready as well.
  function ready() {
    const all = items();
    if (all.length && !all.some((each) => each.tabIndex === 0 && each.hasAttribute("tabindex"))) rove(all[0]);
  }
  new MutationObserver(ready).observe(document.body, { childList: true, subtree: true });
  ready();
  window.kbKeys = { move, go, items, current };
})();
