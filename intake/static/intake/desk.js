/*
 * Small comforts for the staff desk. Every page works without this file; it keeps nothing in
 * storage and talks to nobody.
 */
"use strict";
{
  const openMenus = () => document.querySelectorAll("details.menu[open], details.filter[open]");

  // A menu closes when the click lands elsewhere, and on Escape, which gives the focus back.
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") {
      return;
    }
    for (const menu of openMenus()) {
      const hadFocus = menu.contains(document.activeElement);
      menu.open = false;
      if (hadFocus) {
        menu.querySelector("summary").focus();
      }
    }
  });

  // "12 min late" grows old on a screen left open through the night: keep it true.
  const words = (minutes) => {
    const size = Math.abs(minutes);
    const days = Math.floor(size / 1440);
    const hours = Math.floor((size % 1440) / 60);
    if (days > 0) {
      return hours ? `${days} d ${hours} h` : `${days} d`;
    }
    return hours ? `${hours} h ${size % 60} min` : `${size} min`;
  };

  // The clock of this machine may be wrong; how late a promise is must not be.
  let ahead = 0;
  const setClock = () => {
    const told = document.querySelector("[data-now]");
    ahead = told ? new Date(told.dataset.now) - Date.now() : 0;
  };

  const tick = () => {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const minutes = Math.trunc((new Date(time.dateTime) - now) / 60000);
      const isPast = new Date(time.dateTime) < now;
      if (Number.isNaN(minutes)) {
        continue;
      }
      const isDue = time.dataset.relative === "due";
      const past = isDue ? "late" : "ago";
      const text = isPast ? `${words(minutes)} ${past}` : `in ${words(minutes)}`;
      time.classList.toggle("when-late", isDue && isPast);
      // Unchanged words are left alone: a screen reader may be on them.
      if (time.textContent !== text) {
        time.textContent = text;
      }
    }
  };

  setClock();
  tick();
  setInterval(tick, 15000);
  // What the desk looks up while it is open counts as well.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.querySelector("[data-now]")) {
      setClock();
    }
    tick();
  });
}
