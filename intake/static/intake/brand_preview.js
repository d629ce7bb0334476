/*
 * Small views of the public pages on the page of a draft: each is fetched and put into a shadow root
 * of its own, with a sheet that fits it. Scripts of those pages are left out, and nothing in a view
 * can be pressed. Without this script the links beside the views open the pages themselves.
 */
"use strict";

for (const view of document.querySelectorAll("[data-view]")) show(view);

async function show(view) {
  const answer = await fetch(view.dataset.view, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The note that this is a draft is left out as well: the page around says so.
  const others = "script, link, style, meta, title, .messagelist";
  for (const part of page.querySelectorAll(others)) part.remove();
  const body = document.createElement("div");
  body.className = `page ${page.body.className}`;
  body.append(...page.body.childNodes);
  body.inert = true;
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = view.dataset.viewStyle;
  sheet.addEventListener("load", () => view.classList.add("is-shown"));
  view.attachShadow({ mode: "open" }).append(sheet, body);
  view.lang = page.documentElement.lang;
}
