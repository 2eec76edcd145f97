"use strict";
// The whole page, over the paths that programs use too. The tokens are in cookies that no script can read.

const $ = (id) => document.getElementById(id);
const AWAY = { detail: "Can't reach Ava. Check your connection and try again." };
const GONE = ["avatar-state", "whatsapp-state", "whatsapp-code"];
// What an answer says to programs, in words for people.
const PLAIN = {
  "urn:ava:problem:invalid-request": "Please check what you typed:",
  "urn:ava:problem:country-missing": "This number has no country code. Start it with +, like +49 151 12345678.",
  "urn:ava:problem:avatar-changed": "Your avatar was changed or deleted elsewhere meanwhile. Look at it and save again.",
  "urn:ava:problem:second-avatar": "Your avatar was created elsewhere meanwhile. Look at it and save again.",
};
const OTHERS = "All other devices are logged out. One that is open now may read and write messages until its access expires.";
let older; // where what is behind the list begins: null when nothing is, undefined before it is known
let filter = ""; // of the messages, as part of a query
let avatar = null;
let version = null; // of the avatar that the form was filled with
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
    const version = answer.headers.get("ETag");
    return { status: answer.status, ok: answer.ok, version, body: text ? JSON.parse(text) : null };
  } catch {
    return { status: 0, ok: false, body: AWAY };
  }
}

// Ask as the person: an expired session is renewed once, and by one tab at a time.
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

// Words stand in the form that they are about; where that is hidden by now, at the top of the page.
function place(form) {
  if (form) form.append($("words"), $("trouble"));
  if ($("words").offsetParent === null) $("page").before($("words"), $("trouble"));
}

function say(text) {
  $("words").textContent = text;
  $("trouble").replaceChildren();
  if (text) $("words").scrollIntoView({ block: "nearest" });
}

function complain(problem, form) {
  const { type, title, detail, errors = [] } = problem || AWAY;
  const words = Object.assign(document.createElement("p"), { id: "trouble-words" });
  words.textContent = PLAIN[type] || detail || title;
  const repeated = errors.length === 1 && words.textContent.includes(errors[0].detail);
  const list = document.createElement("ul");
  for (const [index, { pointer, detail: why }] of errors.entries()) {
    const name = pointer.split("/").pop();
    const field = form && form.elements.namedItem(name);
    const item = Object.assign(document.createElement("li"), { id: `trouble-${index}` });
    item.textContent = `${field ? field.labels[0].firstChild.textContent.trim() : name}: ${why}`;
    if (!repeated) list.append(item);
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", repeated ? words.id : item.id);
  }
  $("words").textContent = "";
  $("trouble").replaceChildren(words, ...(list.children.length ? [list] : []));
  $("trouble").focus();
}

// Everything that is said goes through a speaker. It falls silent when the next action begins, so that a
// late response never overwrites the words of a newer one.
function currentSpeaker() {
  const action = actions;
  const unlessOvertaken = (speak) => (...what) => action === actions && speak(...what);
  return { say: unlessOvertaken(say), complain: unlessOvertaken(complain) };
}

// A new action begins in this form: the words of the one before are gone at once.
function newSpeaker(form) {
  actions++;
  say("");
  place(form);
  for (const field of document.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  return currentSpeaker();
}

function report(speaker, answer, form, words) {
  if (answer.ok) speaker.say(words || answer.body.message);
  else speaker.complain(answer.body, form);
  return answer.ok;
}

// What a button does: a new action. It cannot be pressed again until that ends. A button that is disabled
// loses the focus, so it gets it back, unless something else has it by then.
async function act(button, action, form = button.form || button.parentElement) {
  const wasFocused = document.activeElement === button;
  button.disabled = true;
  try {
    await action(newSpeaker(form));
  } finally {
    button.disabled = false;
    if (wasFocused && document.activeElement === document.body) button.focus({ preventScroll: true });
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
  const first = $("inside").hidden && $("outside").hidden;
  const changes = $("inside").hidden === Boolean(person);
  if ($("who").textContent !== (person?.email ?? "")) forget();
  $("inside").hidden = !person;
  $("outside").hidden = Boolean(person);
  $("who").textContent = person ? person.email : "";
  document.title = person ? "Your account - Ava" : "Log in or sign up - Ava";
  place();
  // What had the focus is gone: a screen reader goes on at the new heading.
  if (changes && !first) $(person ? "inside-title" : "outside-title").focus();
  // Password managers read whose password it is; as an attribute it outlives a form's reset.
  for (const field of document.querySelectorAll("[data-mine]")) field.setAttribute("value", $("who").textContent);
  if (person) return Promise.all([showAvatar(), showNumber(), showMessages()]);
}

// What the person before has read, typed and searched for is not for the next.
function forget() {
  for (const id of GONE) $(id).replaceChildren();
  for (const form of $("inside").querySelectorAll("form")) form.reset();
  avatar = version = null;
  lookFor("");
}

// The form is filled when its avatar is shown first or was saved here, never while it may be typed in. A look
// that is answered first says what there is, and does not keep the form from being filled.
async function showAvatar(filling = true) {
  const mayShow = inOrder("avatar");
  const mayFill = filling ? inOrder("form") : () => false;
  const choices = filling && (await ask("GET", "/profile/personalities"));
  if (choices.ok) $("personality").replaceChildren(...choices.body.map((name) => new Option(name)));
  const { ok, body } = await mine("GET", "/profile/avatars");
  const read = ok && filling && body.length ? await mine("GET", "/profile/avatar") : null; // with its version
  if (!ok || (read && !read.ok)) return;
  const found = read ? read.body : body[0];
  if (mayFill()) {
    version = read ? read.version : null;
    if (read) fill($("avatar"), found);
  }
  if (!mayShow()) return;
  avatar = found ? found.id : null;
  $("avatar-state").textContent = found
    ? `This is ${found.name}, ${found.age}, ${found.personality}.`
    : "You have no avatar yet.";
  $("avatar-delete").hidden = !found;
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
  item.dataset.id = message.id;
  item.dataset.changed = changed(message);
  const when = document.createElement("time");
  when.dateTime = message.created_at;
  when.textContent = new Date(message.created_at).toLocaleString();
  const words = document.createElement("span");
  words.style.whiteSpace = "pre-wrap";
  words.textContent = message.deleted_at ? "(deleted on the phone)" : message.content;
  item.append(deletion(message.id), " ", when, ` ${message.role === "user" ? "You" : "Ava"} (${message.channel}): `, words);
  if (message.edited_at && !message.deleted_at) item.append(" (edited)");
  return item;
}

// What was edited or deleted on the phone, and when: a line that was made before that is made anew.
const changed = ({ edited_at, deleted_at }) => `${edited_at} ${deleted_at}`;
const lineAsNow = (message) => {
  const shown = lineOf(message);
  return shown?.dataset.changed === changed(message) ? shown : line(message);
};
// Before the words, so that a long message does not hide it.
function deletion(id) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Delete" });
  button.setAttribute("aria-label", "Delete this message");
  button.addEventListener("click", () => {
    if (!confirm("Delete this message?")) return;
    act(button, async ({ say, complain }) => {
      const { ok, status, body } = await mine("DELETE", `/messages/${id}`);
      if (!ok && status !== 404) return complain(body);
      button.closest("li").remove();
      $("messages-title").focus({ preventScroll: true });
      say("The message is deleted.");
      return showMessages();
    }, $("search"));
  });
  return button;
}

const lineOf = (message) => $("messages").querySelector(`[data-id="${message.id}"]`);

// Messages behind this place, page by page until `enough`: a page of a search may have none and still be followed.
async function messagesAfter(place, wanted, enough, complain) {
  const messages = [];
  let next = place;
  do {
    const after = next ? `&cursor=${encodeURIComponent(next)}` : "";
    const { ok, body } = await mine("GET", `/messages?order=newest&limit=50${wanted}${after}`);
    if (wanted !== filter) return null;
    if (!ok) return complain?.(body);
    messages.push(...body.messages);
    next = body.next;
  } while (next && !enough(messages));
  return { messages, next };
}

// The list begins anew, and an answer for the one before does not belong to it.
function lookFor(wanted) {
  filter = wanted;
  older = undefined;
  $("older").hidden = true;
  $("messages").replaceChildren();
  $("messages-state").replaceChildren();
}

// Back to one that is shown already, so that the list has no gap.
const isEnough = (messages) =>
  $("messages").children.length ? messages.some(lineOf) : messages.length > 0 || older === null;

async function showMessages(complain) {
  const mayShow = inOrder("messages");
  const found = await messagesAfter(null, filter, isEnough, complain);
  if (!found || !mayShow()) return;
  const { messages, next } = found;
  const lines = [...$("messages").children];
  const ids = new Set(messages.map(({ id }) => id));
  const read = next ? lines.slice(lines.findLastIndex((item) => ids.has(item.dataset.id)) + 1) : [];
  // What is behind the last line stays there while that is the last one.
  if (!next || (!read.length && messages.at(-1)?.id !== lines.at(-1)?.dataset.id)) older = next;
  arrange($("messages"), [...messages.map(lineAsNow), ...read]);
  $("messages-state").textContent = filter ? "No message matches." : "No messages yet.";
  $("messages-state").hidden = messages.length > 0;
  $("older").hidden = !older;
}

// Only what is new is added and only what is gone removed: what stays keeps its place, and is not read out again.
function arrange(list, wanted) {
  for (const item of [...list.children]) if (!wanted.includes(item)) item.remove();
  wanted.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] || null);
  });
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
  if (answer.ok) $("outside-title").focus();
  return report(speaker, answer, form);
});

on("logout", async (speaker, _, form, scope) => {
  const answer = await mine("DELETE", `/auth/session?scope=${scope}`);
  if (answer.ok && scope !== "others") localStorage.setItem("left", Date.now());
  if (answer.ok && scope !== "others") show(null);
  report(speaker, answer, form, scope === "others" ? OTHERS : "You are logged out.");
});

on("avatar", async (speaker, fields, form, method) => {
  if (method === "DELETE") return deleteAvatar(speaker, form);
  const unchanged = version ? { "If-Match": version } : { "If-None-Match": "*" };
  const answer = await mine("PUT", "/profile/avatar", { ...fields, age: Number(fields.age) }, unchanged);
  report(speaker, answer, form, "The avatar is saved.");
  if (answer.ok || answer.status === 412) await showAvatar();
});

async function deleteAvatar(speaker, form) {
  if (!confirm("Delete your avatar? Your messages stay.")) return false;
  const answer = await mine("DELETE", "/profile/avatar", undefined, version ? { "If-Match": version } : {});
  report(speaker, answer, form, "The avatar is deleted.");
  if (answer.ok || answer.status === 412) await showAvatar();
  if (answer.ok) $("avatar-title").focus({ preventScroll: true }); // its button is hidden now
  return answer.ok;
}

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
  const message = avatar ? { ...fields, avatar_id: avatar } : fields;
  const answer = await mine("POST", "/messages", message, { "Idempotency-Key": key });
  if (answer.status && answer.status < 500) key = crypto.randomUUID(); // otherwise the same one may be sent again
  if (report(speaker, answer, form, "Sent.")) await showMessages();
  return answer.ok;
});

on("search", async (speaker, fields, _, which) => {
  const wanted = Object.entries(which === "all" ? {} : fields).filter(([, value]) => value);
  lookFor(wanted.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join(""));
  await showMessages(speaker.complain);
  const count = $("messages").children.length;
  if (filter && count) speaker.say(`Found: ${count}${older ? " and more" : ""}.`);
  return which === "all";
});

on("password", async (speaker, fields, form) => {
  const answer = await mine("PUT", "/auth/password", fields);
  return report(speaker, answer, form, `The password is changed. ${OTHERS}`);
});

on("leave", async (speaker, { password }, form) => {
  const answer = await mine("DELETE", "/auth/account", { password });
  if (answer.ok) localStorage.setItem("left", Date.now());
  if (answer.ok) show(null);
  return report(speaker, answer, form, "Your account and everything in it is deleted.");
});

$("older").addEventListener("click", ({ target }) => act(target, async ({ complain }) => {
  const cursor = older;
  const found = await messagesAfter(cursor, filter, ({ length }) => length, complain);
  if (!found || cursor !== older) return; // the list was replaced meanwhile, and these would not follow it
  older = found.next;
  $("messages").append(...found.messages.map(line));
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
  if (!$("mail").hidden) document.title = "Choose a password - Ava";
  if (!$("mail").hidden) return;
  const resume = () => ask("POST", "/auth/session/resume"); // by one tab at a time, as it may renew the session
  const answer = await navigator.locks.request("ava-session", resume);
  if (answer.ok) return mayShow() && show(answer.body.user);
  complain(answer.body);
  setTimeout(begin, 5000);
}

// The browser's own check stopped an action: what the one before said is old.
addEventListener("invalid", ({ target }) => newSpeaker(target.form), true);
document.body.style.overflowWrap = "anywhere"; // no word is wider than a phone
addEventListener("hashchange", () => {
  newSpeaker();
  begin();
});
addEventListener("storage", ({ key: what }) => {
  if (what === "left" || what === "entered") begin(); // another tab has logged in or out
});
// Three seconds after the last look has ended: a search through a long log is never begun twice by itself.
async function lookAgain() {
  try {
    if (!document.hidden && !$("inside").hidden) await Promise.all([showMessages(), showNumber(), showAvatar(false)]);
  } finally {
    setTimeout(lookAgain, 3000);
  }
}
setTimeout(lookAgain, 3000);
begin();
