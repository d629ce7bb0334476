/*
 * Substances on the call sheet. It works without this file; nothing is stored, nothing is sent.
 *
 * The box "What is it?" is a combobox (WAI-ARIA: list autocomplete, manual selection by arrows): it
 * offers names as the server would understand them, one for each substance. Enter takes the marked
 * one and goes on to the dose, Tab takes it too once three letters stand there, Escape closes the
 * list. What nobody knows stays as it was typed. The usual strengths stand beside the dose as
 * buttons, and the arrow keys step through them. A fresh row follows the last one by itself.
 */
"use strict";
{
  const rows = document.getElementById("substance-rows");
  const blank = document.getElementById("substance-row-blank");
  const announcement = document.getElementById("use-announcement");
  const total = document.querySelector('[name="substances-TOTAL_FORMS"]');
  const MOST_OFFERED = 8;
  const SHORTEST_BEGINNING = 3;

  // As rules.substance_names._key: what nobody types twice the same way does not matter.
  const keyOf = (text) => text.replace(/[\s_\-'\u2019.]+/g, "").toLowerCase();

  const listed = new Map(
    [...document.querySelectorAll("#substance-strengths > li")].map((item) => [
      item.dataset.code,
      { label: item.textContent, strengths: item.dataset.strengths.split(" ").filter(Boolean) },
    ]),
  );
  const names = [...document.getElementById("substance-names").options].map((option) => ({
    text: option.value,
    code: option.dataset.code,
    key: keyOf(option.value),
    words: option.value.split(/[\s,]+/).slice(1).map(keyOf),
  }));

  const rankOf = (name, wanted) => {
    if (name.key === wanted) {
      return 0;
    }
    if (name.key.startsWith(wanted)) {
      return 1;
    }
    return name.words.some((word) => word.startsWith(wanted)) ? 2 : 3;
  };

  const search = (text) => {
    const wanted = keyOf(text);
    if (!wanted) {
      return [];
    }
    const best = new Map();
    for (const rank of [0, 1, 2]) {
      for (const name of names) {
        if (rankOf(name, wanted) === rank && !best.has(name.code)) {
          best.set(name.code, name);
        }
      }
    }
    return [...best.values()].slice(0, MOST_OFFERED);
  };

  const rowOf = (element) => element.closest(".substance-row");
  const boxOf = (row) => row.querySelector('[name$="-substance"]');
  const fieldOf = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const say = (text) => {
    announcement.textContent = text;
  };

  const fill = (input, value) => {
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  // --- Strengths and other quick values ----------------------------------------------------------

  const strengthsOf = (row) => {
    const typed = keyOf(boxOf(row).value.split(":")[0]);
    const name = names.find((each) => each.key === typed);
    return name ? listed.get(name.code).strengths : [];
  };

  const showQuick = (place, values) => {
    place.replaceChildren(
      ...values.map((value) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "quick-value";
        // The box itself takes the same by keyboard: one stop for Tab, not six.
        button.tabIndex = -1;
        button.textContent = value;
        button.dataset.value = value;
        return button;
      }),
    );
  };

  const showStrengths = (row) => {
    const place = row.querySelector('[data-quick="dose_mg"]');
    showQuick(place, strengthsOf(row));
  };

  const stepThrough = (row, input, by) => {
    const strengths = strengthsOf(row);
    if (!strengths.length) {
      return false;
    }
    const at = strengths.indexOf(input.value.trim());
    const next = at < 0 ? (by > 0 ? 0 : strengths.length - 1) : at + by;
    fill(input, strengths[Math.min(Math.max(next, 0), strengths.length - 1)]);
    return true;
  };

  // --- The list of names ------------------------------------------------------------------------

  const lists = new WeakMap();
  const listOf = (box) => lists.get(box);

  const prepare = (row) => {
    const box = boxOf(row);
    const list = document.createElement("ul");
    list.className = "combo-list";
    list.id = `${box.id}_list`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", row.querySelector(`label[for="${box.id}"]`).textContent);
    list.hidden = true;
    box.parentElement.classList.add("combo");
    box.after(list);
    lists.set(box, list);
    box.removeAttribute("list");
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", list.id);
    for (const place of row.querySelectorAll("[data-values]")) {
      showQuick(place, place.dataset.values.split(" "));
    }
    showStrengths(row);
  };

  const close = (box) => {
    listOf(box).hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };

  const mark = (box, option) => {
    for (const each of listOf(box).children) {
      each.setAttribute("aria-selected", String(each === option));
    }
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const marked = (box) => listOf(box).querySelector('[aria-selected="true"]');

  const offer = (box) => {
    const found = search(box.value);
    const list = listOf(box);
    list.replaceChildren(
      ...found.map((name, number) => {
        const option = document.createElement("li");
        option.id = `${list.id}_${number}`;
        option.setAttribute("role", "option");
        option.dataset.name = name.text;
        const strong = document.createElement("strong");
        strong.textContent = name.text;
        const small = document.createElement("span");
        const { label, strengths } = listed.get(name.code);
        const usual = strengths.length ? ` · ${strengths.join(", ")} ${rows.dataset.strength}` : "";
        small.textContent = label + usual;
        option.append(strong, small);
        return option;
      }),
    );
    list.hidden = found.length === 0;
    box.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) {
      mark(box, list.firstElementChild);
      say(`${found.length} ${rows.dataset.offered}`);
    } else {
      box.removeAttribute("aria-activedescendant");
      say(box.value.trim() ? rows.dataset.none : "");
    }
  };

  const take = (box, option, { goOn }) => {
    const row = rowOf(box);
    box.value = option.dataset.name;
    close(box);
    fill(box, box.value);
    close(box);
    if (goOn) {
      fieldOf(row, "dose_mg").focus();
    }
  };

  const move = (box, by) => {
    if (listOf(box).hidden) {
      offer(box);
      return;
    }
    const options = [...listOf(box).children];
    const at = options.indexOf(marked(box));
    mark(box, options[(at + by + options.length) % options.length]);
  };

  // --- A fresh row ------------------------------------------------------------------------------

  const addRow = () => {
    const number = rows.children.length;
    if (number >= Number(rows.dataset.most)) {
      return;
    }
    const made = blank.content.cloneNode(true);
    for (const element of made.querySelectorAll("*")) {
      for (const attribute of element.attributes) {
        attribute.value = attribute.value.replaceAll("__prefix__", String(number));
      }
    }
    const legend = made.querySelector("legend");
    legend.textContent = legend.textContent.replace("__number__", String(number + 1));
    rows.append(made);
    total.value = String(rows.children.length);
    prepare(rows.lastElementChild);
  };

  const keepOneFresh = () => {
    if (boxOf(rows.lastElementChild)?.value.trim()) {
      addRow();
    }
  };

  // --- Listening --------------------------------------------------------------------------------

  const isBox = (element) => listOf(element) !== undefined;

  rows.addEventListener("input", (event) => {
    if (isBox(event.target)) {
      if (event.isTrusted) {
        offer(event.target);
      }
      showStrengths(rowOf(event.target));
      keepOneFresh();
    }
  });

  rows.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    const { target, key } = event;
    const by = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (by && target.name?.endsWith("-dose_mg")) {
      if (stepThrough(rowOf(target), target, by)) {
        event.preventDefault();
      }
      return;
    }
    if (!isBox(target)) {
      return;
    }
    const isOpen = !listOf(target).hidden;
    if (by) {
      event.preventDefault();
      move(target, by);
    } else if (key === "Enter" && isOpen) {
      event.preventDefault();
      take(target, marked(target), { goOn: true });
    } else if (key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close(target);
    } else if (key === "Tab" && isOpen && !event.shiftKey) {
      // As the server reads it: a whole name, or a beginning that leaves one substance.
      const typed = keyOf(target.value);
      const option = marked(target);
      const isPlain = typed.length >= SHORTEST_BEGINNING && listOf(target).children.length === 1;
      const isChosen = option !== option.parentElement.firstElementChild;
      if (isPlain || isChosen || keyOf(option.dataset.name) === typed) {
        take(target, option, { goOn: false });
      }
    }
  });

  rows.addEventListener("focusout", (event) => {
    if (isBox(event.target)) {
      close(event.target);
    }
  });

  rows.addEventListener("pointerdown", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) {
      // The box keeps the focus, so that its list is not closed under the finger.
      event.preventDefault();
    }
  });

  rows.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) {
      take(boxOf(rowOf(option)), option, { goOn: true });
      return;
    }
    const value = event.target.closest(".quick-value");
    if (value) {
      const input = fieldOf(rowOf(value), value.parentElement.dataset.quick);
      fill(input, value.dataset.value);
      input.focus();
    }
  });

  document.getElementById("add-substance").addEventListener("click", (event) => {
    event.preventDefault();
    keepOneFresh();
    boxOf(rows.lastElementChild).focus();
  });

  // What was understood is said to who cannot see it, while they are in that row.
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const note = event.detail.target;
    if (note?.classList?.contains("use-note") && rowOf(note)?.contains(document.activeElement)) {
      say(note.textContent.replace(/\s+/g, " ").trim());
    }
  });

  for (const row of rows.children) {
    prepare(row);
  }
  keepOneFresh();
}
