/*
 * The desk that stays up to date. htmx asks every few seconds; this decides when the answer is put
 * on the page, so that nothing moves under a hand, keeps the focus on the record it was on, says
 * aloud what is new and pressing, and tells when the desk is signed out or cut off.
 */
"use strict";
{
  const live = document.getElementById("desk-live");
  const news = document.getElementById("desk-news");
  const asOf = document.getElementById("desk-as-of");
  const offline = document.getElementById("desk-offline");
  const signedOut = document.getElementById("desk-signed-out");
  // While a hand moves over the desk, what is new waits; but not for long.
  const REST = 2500;
  const LONGEST_WAIT = 10000;

  let touchedAt = -Infinity;
  let waitingSince = null;
  let focused = null;
  let anchor = null;
  let known = null;
  let freshAt = Date.now();

  const clock = () =>
    new Intl.DateTimeFormat(document.documentElement.lang || "en-US", {
      hour: "numeric",
      minute: "2-digit",
      timeZone: asOf.dataset.zone,
      timeZoneName: "short",
    });
  const told = (text) => text.replace("%s", clock().format(freshAt));
  const body = () => live.querySelector(".desk-body");
  const rowsOf = (scope) => [...scope.querySelectorAll("[data-row]")];
  const rowOf = (id) => rowsOf(live).find((row) => row.dataset.row === id);

  for (const kind of ["pointermove", "pointerdown", "keydown"]) {
    live.addEventListener(kind, () => {
      touchedAt = Date.now();
    });
  }

  // --- How fresh it is ------------------------------------------------------------------------

  const isFresh = (answer) => {
    freshAt = Date.parse(answer.getResponseHeader("Date")) || Date.now();
    offline.hidden = true;
    asOf.hidden = false;
    asOf.textContent = told(asOf.dataset.fresh);
  };

  const isStale = () => {
    if (!offline.hidden) {
      return;
    }
    asOf.hidden = true;
    offline.querySelector("strong").textContent = told(asOf.dataset.stale);
    offline.hidden = false;
  };

  // Whoever passes by an abandoned desk reads nothing on it.
  const isSignedOut = () => {
    offline.hidden = true;
    asOf.hidden = true;
    document.title = live.dataset.title;
    live.remove();
    signedOut.hidden = false;
    signedOut.setAttribute("role", "status");
  };

  // --- What is new ------------------------------------------------------------------------------

  // Of every list that has news: the records on the page, those lifted to its top among them.
  const pressing = () => {
    const found = new Map();
    for (const queue of live.querySelectorAll("section[data-news-one]")) {
      const own = rowsOf(queue.querySelector(".queue-rows") || document.createElement("ul"));
      const lifted = live.querySelector(`.desk-first[data-queue="${queue.dataset.queue}"]`);
      const ids = [...own, ...(lifted ? [lifted] : [])].map((row) => row.dataset.row);
      found.set(queue.dataset.queue, { ids, one: queue.dataset.newsOne, many: queue.dataset.newsMany });
    }
    return found;
  };

  const sayWhatIsNew = () => {
    const found = pressing();
    const said = [];
    for (const [queue, { ids, one, many }] of found) {
      const before = known.get(queue);
      const fresh = ids.filter((id) => !before || !before.has(id)).length;
      if (fresh) {
        said.push(fresh === 1 ? one : many.replace("%d", fresh));
      }
      known.set(queue, new Set([...(before || []), ...ids]));
    }
    if (said.length) {
      news.textContent = `${said.join(". ")}.`;
    }
  };

  const setTitle = () => {
    const count = body().dataset.pressing;
    document.title = count ? `(${count}) ${live.dataset.title}` : live.dataset.title;
  };

  // --- Putting it on the page -------------------------------------------------------------------

  const remember = () => {
    const active = live.contains(document.activeElement) ? document.activeElement : null;
    const row = active && active.closest("[data-row]");
    const queue = active && active.closest("[data-queue]");
    focused = active && {
      row: row ? row.dataset.row : "",
      part: active.dataset.part || "",
      name: row ? row.querySelector(".ref").textContent : "",
      queue: queue ? queue.dataset.queue : "",
      id: active.id,
      href: active.getAttribute("href"),
    };
    const held = row || live.querySelector("[data-row]:hover");
    anchor = held && { row: held.dataset.row, top: held.getBoundingClientRect().top };
  };

  const giveFocusBack = () => {
    const row = focused.row && rowOf(focused.row);
    const same = row
      ? row.querySelector(`[data-part="${focused.part}"]`) || row.querySelector(".ref")
      : (focused.id && document.getElementById(focused.id)) ||
        (focused.href && !focused.row && live.querySelector(`a[href="${focused.href}"]`));
    if (same) {
      same.focus({ preventScroll: true });
      if (focused.part === "act" && row && row.closest(".queue-asides")) {
        // A colleague was faster.
        news.textContent = row.textContent.replace(/\s+/g, " ").trim();
      }
      return;
    }
    // It is not there any more: stay near, and say so.
    const heading =
      document.getElementById(`queue-${focused.queue}`) || live.querySelector(".queue h2") || news;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    if (focused.name) {
      news.textContent = live.dataset.gone.replace("%s", focused.name);
    }
  };

  const keepInPlace = () => {
    const row = anchor && rowOf(anchor.row);
    if (row) {
      window.scrollBy(0, row.getBoundingClientRect().top - anchor.top);
    }
  };

  const isBusy = () => {
    waitingSince = waitingSince ?? Date.now();
    return Date.now() - touchedAt < REST && Date.now() - waitingSince < LONGEST_WAIT;
  };

  if (live) {
    known = new Map([...pressing()].map(([queue, { ids }]) => [queue, new Set(ids)]));

    live.addEventListener("htmx:configRequest", (event) => {
      event.detail.headers["X-Desk-Seen"] = body().dataset.stamp;
    });

    live.addEventListener("htmx:beforeSwap", (event) => {
      const { status } = event.detail.xhr;
      if (status === 401) {
        event.stopPropagation();
        isSignedOut();
        return;
      }
      if (status !== 200) {
        event.detail.shouldSwap = false;
        event.detail.isError = status !== 204;
        return;
      }
      if (isBusy()) {
        event.detail.shouldSwap = false;
        setTimeout(() => htmx.trigger(live, "desk-look"), 1000);
        return;
      }
      waitingSince = null;
      remember();
    });

    live.addEventListener("htmx:afterSwap", () => {
      keepInPlace();
      if (focused) {
        giveFocusBack();
      }
      setTitle();
      sayWhatIsNew();
    });

    // Signed in again without leaving the page, by the dialog of session.js.
    document.addEventListener("helpline:signed-in", () => {
      if (!live.isConnected) {
        location.reload();
      }
    });

    live.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.successful) {
        isFresh(event.detail.xhr);
      } else if (live.isConnected) {
        isStale();
      }
    });
  }
}
