"use strict";
// The whole page, over the paths that programs use too. The tokens are in cookies that no script can read.

const $ = (id) => document.getElementById(id);
const AWAY = { detail: "Can't reach Ava. Check your connection and try again." };
const GONE = ["messages", "avatar-state", "whatsapp-state", "whatsapp-code"];
let older = null;
let newest = "";
let key = crypto.randomUUID();
let actions = 0;
let questions = 0;
const shown = {};

async function ask(method, path, body, headers = {}) {
  const json = body === undefined ? {} : { "Content-Type": "application/json" };
  const sent = { method, headers: { ...json, ...headers }, body: JSON.stringify(body), cache: "no-store" };
  try {
    const answer = await fetch(path, sent);
    const text = await answer.text();
    return { status: answer.status, ok: answer.ok, body: text ? JSON.parse(text) : null };
  } catch {
    return { status: 0, ok: false, body: AWAY };
  }
}

// Ask as the person: an expired session is renewed once, and by one tab only.
async function mine(method, path, body, headers) {
  const started = Date.now();
  const answer = await ask(method, path, body, headers);
  if (answer.status !== 401) return answer;
  const renewed = await navigator.locks.request("ava-session", () => renew(started));
  if (renewed.ok) return ask(method, path, body, headers);
  if (renewed.status === 401) show(null);
  return renewed;
}

// Responses can overtake each other. Call this before a request; afterwards the result tells whether the
// response may be shown: not once a newer one of its kind has been, nor after another user has logged in.
function inOrder(kind) {
  const number = ++questions;
  return () => {
    if (number < Math.max(shown[kind] ?? 0, shown.person ?? 0)) return false;
    shown[kind] = number;
    return true;
  };
}

async function renew(since) {
  if (Number(localStorage.getItem("renewed")) >= since) return { ok: true };
  const answer = await ask("POST", "/auth/session/refresh");
  if (answer.ok) localStorage.setItem("renewed", Date.now());
  return answer;
}

function say(text) {
  $("words").textContent = text;
  $("trouble").replaceChildren();
}

function complain(problem, form) {
  const { title, detail, errors = [] } = problem || AWAY;
  const words = document.createElement("p");
  words.textContent = detail || title;
  const list = document.createElement("ul");
  for (const { pointer, detail: why } of errors) {
    const name = pointer.split("/").pop();
    const field = form && form.elements.namedItem(name);
    const item = document.createElement("li");
    item.textContent = `${field ? field.labels[0].firstChild.textContent.trim() : name}: ${why}`;
    list.append(item);
    if (field) field.setAttribute("aria-invalid", "true");
  }
  $("words").textContent = "";
  $("trouble").replaceChildren(words, ...(errors.length ? [list] : []));
  $("trouble").focus();
}

// Everything that is said goes through a speaker. It falls silent when the next action begins, so that a
// late response never overwrites the words of a newer one.
function currentSpeaker() {
  const action = actions;
  const unlessOvertaken = (speak) => (...what) => action === actions && speak(...what);
  return { say: unlessOvertaken(say), complain: unlessOvertaken(complain) };
}

// A new action begins: the words of the one before are gone at once.
function newSpeaker() {
  actions++;
  say("");
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  return currentSpeaker();
}

function report(speaker, answer, form, words) {
  if (answer.ok) speaker.say(words || answer.body.message);
  else speaker.complain(answer.body, form);
  return answer.ok;
}

// What a button does: a new action. It cannot be pressed again until that ends.
async function act(button, action) {
  button.disabled = true;
  try {
    await action(newSpeaker());
  } finally {
    button.disabled = false;
  }
}

// What a form does: a speaker, its fields as an object and the pressed button's value in; true empties the form.
function on(id, action) {
  const form = $(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter || form.querySelector("button");
    const fields = Object.fromEntries(new FormData(form));
    act(button, async (speaker) => {
      if (await action(speaker, fields, form, button.value)) form.reset();
    });
  });
}

function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value ?? "";
  }
}

function show(person) {
  shown.person = ++questions;
  $("inside").hidden = !person;
  $("outside").hidden = Boolean(person);
  $("who").textContent = person ? person.email : "";
  // Password managers read whose password it is; as an attribute it outlives a form's reset.
  for (const field of document.querySelectorAll("[data-mine]")) field.setAttribute("value", $("who").textContent);
  if (person) return Promise.all([showAvatar(), showNumber(), showMessages()]);
  for (const id of GONE) $(id).replaceChildren();
  for (const form of $("inside").querySelectorAll("form")) form.reset();
  newest = "";
}

async function showAvatar() {
  const mayShow = inOrder("avatar");
  const choices = await ask("GET", "/profile/personalities");
  if (choices.ok) $("personality").replaceChildren(...choices.body.map((name) => new Option(name)));
  const { ok, body, status } = await mine("GET", "/profile/avatar");
  if ((!ok && status !== 404) || !mayShow()) return;
  if (ok) fill($("avatar"), body);
  if (ok) $("avatar-state").textContent = `This is ${body.name}, ${body.age}, ${body.personality}.`;
  if (status === 404) $("avatar-state").textContent = "You have no avatar yet.";
}

async function showNumber() {
  const mayShow = inOrder("number");
  const { ok, body } = await mine("GET", "/profile/preferences");
  if (!ok || !mayShow()) return;
  const pending = body.whatsapp_pending_phone;
  const waiting = pending ? ` Waiting for the code from ${pending}.` : "";
  const hidden = body.whatsapp_linked_at ? "Linked, with a hidden number." : "No number is linked.";
  $("whatsapp-state").textContent = (body.whatsapp_phone ? `Linked: ${body.whatsapp_phone}.` : hidden) + waiting;
  $("whatsapp-code").hidden = !pending;
}

function line(message) {
  const item = document.createElement("li");
  const when = document.createElement("time");
  when.dateTime = message.created_at;
  when.textContent = new Date(message.created_at).toLocaleString();
  item.append(when, ` ${message.role === "user" ? "You" : "Ava"} (${message.channel}): ${message.content}`);
  return item;
}

async function showMessages() {
  const mayShow = inOrder("messages");
  const { ok, body } = await mine("GET", "/messages?order=newest&limit=50");
  const top = ok && (body.messages.length ? body.messages[0].id : "none");
  if (!ok || !mayShow() || top === newest) return;
  newest = top;
  older = body.next;
  $("messages").replaceChildren(...body.messages.map(line));
  $("messages-state").hidden = body.messages.length > 0;
  $("older").hidden = !older;
}

on("login", async (speaker, fields, form) => {
  const answer = await ask("POST", "/auth/session", fields);
  if (!report(speaker, answer, form, "You are logged in.")) return false;
  localStorage.setItem("entered", Date.now());
  await show(answer.body);
  return true;
});

on("signup", async (speaker, fields, form) => {
  const answer = await ask("POST", "/auth/signup", fields);
  if (answer.ok) fill($("login"), { email: fields.email });
  return report(speaker, answer, form);
});

on("mailbox", async (speaker, fields, form, path) => report(speaker, await ask("POST", path, fields), form));

on("verify", async (speaker, fields, form) => {
  const link = Object.fromEntries(new URLSearchParams(location.hash.replace(/^#(verify\?)?/, "")));
  const answer = await ask("POST", "/auth/verify", { type: link.type, token_hash: link.token_hash, ...fields });
  if (answer.ok || answer.status === 410) history.replaceState(null, "", "/");
  if (answer.ok || answer.status === 410) await begin();
  return report(speaker, answer, form);
});

on("logout", async (speaker, _, form, scope) => {
  const answer = await mine("DELETE", `/auth/session?scope=${scope}`);
  if (answer.ok && scope !== "others") localStorage.setItem("left", Date.now());
  if (answer.ok && scope !== "others") show(null);
  report(speaker, answer, form, scope === "others" ? "All other devices are logged out." : "You are logged out.");
});

on("avatar", async (speaker, fields, form) => {
  const answer = await mine("PUT", "/profile/avatar", { ...fields, age: Number(fields.age) });
  if (report(speaker, answer, form, "The avatar is saved.")) await showAvatar();
});

on("whatsapp", async (speaker, fields, form, method) => {
  const linking = method === "PUT";
  const answer = await mine(method, "/profile/preferences/whatsapp", linking ? fields : undefined);
  const words = linking ? "The number is linked." : "The number is unlinked.";
  report(speaker, answer, form, answer.status === 202 ? "Almost done: send us the code." : words);
  if (answer.ok) await showNumber();
  if (answer.status === 202) {
    const link = Object.assign(document.createElement("a"), { href: answer.body.whatsapp_url });
    link.textContent = "Open WhatsApp with the code";
    $("whatsapp-code").replaceChildren(`Send the code ${answer.body.code} from that phone. `, link);
  }
  return answer.ok;
});

on("message", async (speaker, fields, form) => {
  const answer = await mine("POST", "/messages", fields, { "Idempotency-Key": key });
  if (answer.status && answer.status < 500) key = crypto.randomUUID(); // otherwise the same one may be sent again
  if (report(speaker, answer, form, "Sent.")) await showMessages();
  return answer.ok;
});

on("password", async (speaker, fields, form) => {
  const answer = await mine("PUT", "/auth/password", fields);
  return report(speaker, answer, form, "The password is changed. All other devices are logged out.");
});

on("leave", async (speaker, { password }, form) => {
  const answer = await mine("DELETE", "/auth/account", { password });
  if (answer.ok) localStorage.setItem("left", Date.now());
  if (answer.ok) show(null);
  return report(speaker, answer, form, "Your account and everything in it is deleted.");
});

$("older").addEventListener("click", ({ target }) => act(target, async ({ complain }) => {
  const top = newest;
  const { ok, body } = await mine("GET", `/messages?order=newest&limit=50&cursor=${encodeURIComponent(older)}`);
  if (!ok) return complain(body);
  if (top !== newest) return; // the list was reloaded meanwhile, and these would not follow it
  older = body.next;
  $("messages").append(...body.messages.map(line));
  $("older").hidden = !older;
}));

$("export").addEventListener("click", ({ target }) => act(target, async ({ complain }) => {
  const answer = await mine("GET", "/auth/me"); // renews an expired session before the download begins
  if (answer.ok) location.assign("/auth/export");
  else complain(answer.body);
}));

// Also happens in the background, so it silences no action.
async function begin() {
  const { complain } = currentSpeaker();
  const mayShow = inOrder("person");
  $("page").hidden = false;
  $("mail").hidden = !location.hash.includes("token_hash=");
  if (!$("mail").hidden) return;
  const answer = await mine("GET", "/auth/me");
  if (answer.ok || answer.status === 401) return mayShow() && show(answer.ok ? answer.body : null);
  complain(answer.body);
  setTimeout(begin, 5000);
}

addEventListener("hashchange", () => {
  newSpeaker();
  begin();
});
addEventListener("storage", ({ key: what }) => {
  if (what === "left" || what === "entered") begin(); // another tab has logged in or out
});
setInterval(() => {
  if (!document.hidden && !$("inside").hidden) Promise.all([showMessages(), showNumber()]);
}, 3000);
begin();
