// The light touch of script: keys for the queue, and cards that are there before they are asked for.
// Everything here also works by forms alone.
"use strict";

const csrf = document.body.dataset.csrf;

// --- small things on every page ---------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const taker = event.target.closest("[data-take]");
  if (taker) {
    taker.form.elements.text.value = document.querySelector(taker.dataset.take).textContent;
    taker.form.elements.text.focus();
  }
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter" && event.target.form) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {  // a double click sends a form once
  if (event.defaultPrevented) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});

// --- the queue --------------------------------------------------------------------------------------------

const desk = document.querySelector("#desk");
if (desk) beginQueue();

function beginQueue() {
  const AHEAD = 5;
  const place = document.querySelector("#card");
  const said = document.querySelector("#said");
  const whole = document.querySelector("#whole");
  const total = Number(desk.dataset.total);
  const cards = new Map();  // number: a promise of the card, with its pictures decoded
  const past = [];          // cards that were answered or skipped, the last at the end
  let number = Number(desk.dataset.number);
  let unsaved = 0;
  let sending = Promise.resolve();

  const ask = (where, options = {}) => fetch(where, {
    ...options, redirect: "error",
    headers: {"X-Requested-With": "ballotscan", "X-CSRF-Token": csrf},
  });

  async function fetchCard(wanted) {
    const answer = await ask(`/queue/${wanted}/card`);
    if (answer.status === 401) return signedOut();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const card = document.adoptNode(page.querySelector("article") ?? page.querySelector("main"));
    await Promise.allSettled([...card.querySelectorAll("img")].map((image) => image.decode()));
    return card;
  }

  function load(wanted) {
    if (!cards.has(wanted)) {
      const promise = fetchCard(wanted);
      promise.catch(() => cards.delete(wanted));
      cards.set(wanted, promise);
    }
    return cards.get(wanted);
  }

  async function lookAhead() {  // one after the other, the next one first
    for (let next = number + 1; next <= Math.min(number + AHEAD, total); next += 1) {
      try { await load(next); } catch { return; }
    }
    for (const known of cards.keys()) if (known < number - AHEAD) cards.delete(known);
  }

  function painted(since) {  // how long the person waited; the bench reads it
    desk.dataset.shownMs = (performance.now() - since).toFixed(1);
  }

  async function show(wanted, asked = 0) {
    number = wanted;
    cards.delete(wanted - 1);  // if one goes back, it is asked for anew
    let card;
    try { card = await load(wanted); } catch { return tell(desk.dataset.unsaved.replace("{count}", unsaved)); }
    if (number !== wanted || !card) return;
    place.replaceChildren(card);
    document.querySelector("#at").textContent = Math.min(wanted + 1, total);
    desk.querySelector("progress").value = wanted;
    desk.dataset.number = wanted;
    if (asked) requestAnimationFrame(() => setTimeout(painted, 0, asked));
    lookAhead();
  }

  function tell(text) { said.textContent = text; }

  function signedOut() {
    tell(desk.dataset.signedOut);
    window.removeEventListener("beforeunload", hold);
    window.location.assign("/sign-in");
  }

  function count(change) {
    unsaved += change;
    desk.dataset.unsent = unsaved;
  }

  // Decisions are sent one after the other, each until it has arrived: what is not stored is said.
  function send(where, values) {
    count(1);
    sending = sending.then(() => deliver(where, values)).finally(() => {
      count(-1);
      if (!unsaved && said.dataset.waiting) { tell(""); delete said.dataset.waiting; }
    });
    return sending;
  }

  async function deliver(where, values) {
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      let answer = null;
      try {
        answer = await ask(where, {method: "POST", body: values, keepalive: true});
      } catch { /* the program is not there at the moment */ }
      if (answer && answer.status !== 503) return heard(answer);
      said.dataset.waiting = "yes";
      tell(desk.dataset.unsaved.replace("{count}", unsaved));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async function heard(answer) {
    if (answer.status === 401) return signedOut();
    const told = await answer.json();
    tell(answer.ok ? "" : told.said);
  }

  function hold(event) { if (unsaved) event.preventDefault(); }
  window.addEventListener("beforeunload", hold);

  function decide(button, asked = 0) {
    const form = place.querySelector("form.answers");
    const why = place.querySelector("[data-why]");
    if (why && !form.elements.note.value.trim()) { tell(why.dataset.why); return note(); }
    const values = new URLSearchParams(new FormData(form, button));
    if (button.name !== "code" && button.dataset.key !== "enter") values.delete("code");
    if (button.dataset.note && !values.get("note")) values.set("note", button.dataset.note);
    past.push(number);
    send(form.getAttribute("action"), values);
    show(number + 1, asked);
  }

  function skip() {
    if (number >= total) return;
    past.push(number);
    show(number + 1);
  }

  async function undo() {
    if (!past.length) return tell(desk.dataset.nothing);
    const last = past.pop();
    await sending;
    const values = new URLSearchParams({csrf});
    const answer = await ask(`/queue/${last}/take-back`, {method: "POST", body: values});
    if (answer.status === 401) return signedOut();
    tell(answer.ok ? desk.dataset.takenBack : "");
    cards.delete(last);
    show(last);
  }

  async function showSheet() {
    if (whole.open) return whole.close();
    const answer = await ask(`/queue/${number}/sheet`);
    if (answer.status === 401) return signedOut();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("#whole-inside").replaceChildren(...document.adoptNode(page.body).childNodes);
    whole.showModal();
  }

  const KEYS = {KeyM: "m", KeyK: "k", Enter: "enter", NumpadEnter: "enter"};
  const OTHERS = {KeyF: showSheet, KeyS: skip, KeyU: undo, Backspace: undo, KeyG: note};

  function note() {
    place.querySelector("input[name=note]")?.focus();
  }

  function keyOf(event) {  // by the key's place, so that an input method for Vietnamese does no harm
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    return digit ? digit[1] : KEYS[event.code];
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target.matches("input[name=note], select, textarea")) {
      if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); event.target.blur(); }
      return;
    }
    if (whole.open && event.code !== "KeyF") return;
    const other = OTHERS[event.code];
    if (other) { event.preventDefault(); other(); return; }
    const key = keyOf(event);
    const chosen = key && place.querySelector(`[data-key="${key}"]`);
    if (!chosen || (key === "enter" && event.target.closest("a, button:not([data-key=enter])"))) return;
    event.preventDefault();
    if (chosen.type === "checkbox") chosen.checked = !chosen.checked;
    else decide(chosen, event.timeStamp);
  });

  desk.addEventListener("click", (event) => {
    const button = event.target.closest("footer.keys button");
    if (button) ({f: showSheet, s: skip, u: undo, g: note})[button.dataset.key]();
  });

  desk.addEventListener("submit", (event) => {
    if (!event.target.matches("form.answers") || !event.submitter) return;
    event.preventDefault();
    decide(event.submitter);
  });

  lookAhead();
}
