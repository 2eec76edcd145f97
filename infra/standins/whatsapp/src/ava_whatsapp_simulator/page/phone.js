// The phone page: choose a number, send messages, and see what it receives, by long polling.
"use strict";

const $ = (id) => document.getElementById(id);
const TICKS = { sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };
let number = "";
let attempts = 0;
let shown = [];
let choosing = null;
let listening = null;

const phone = (path, which = number) => "/simulator/phones/" + encodeURIComponent(which) + path;

async function ask(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error || "The simulator returned an error (" + answer.status + ").");
  return body;
}

function chatMessage(entry) {
  const item = document.createElement("li");
  item.className = entry.direction;
  item.dataset.id = entry.id;
  item.append(entry.text);
  const foot = document.createElement("small");
  foot.append(new Date(entry.at * 1000).toLocaleTimeString() + " ");
  if (entry.direction === "out") {
    const tick = document.createElement("span");
    tick.className = entry.state;
    tick.title = entry.state;
    tick.textContent = TICKS[entry.state];
    foot.append(tick);
  }
  item.append(foot);
  return item;
}

function show(conversation) {
  shown = conversation.entries;
  $("chat").replaceChildren(...shown.map(chatMessage));
  window.scrollTo(0, document.body.scrollHeight);
}

async function listen(mine) {
  let version = -1;
  let complaint = null;
  let typing = false;
  while (listening === mine) {
    try {
      const conversation = await ask(phone("/conversation?wait=" + (typing ? 3 : 25) + "&version=" + version));
      if (listening !== mine) return;
      if (conversation.version !== version) show(conversation);
      typing = conversation.typing; // ends by itself, without a new version
      $("typing").hidden = !typing;
      version = conversation.version;
      if ($("problem").textContent === complaint) $("problem").textContent = ""; // never an action's error
    } catch (problem) {
      if (listening !== mine) return;
      complaint = "Cannot reach the simulator: " + problem.message;
      $("problem").textContent = complaint;
      await new Promise((later) => setTimeout(later, 2000));
    }
  }
}

async function listNumbers() {
  const { phones } = await ask("/simulator/phones");
  $("numbers").replaceChildren(...phones.map((known) => new Option(known.name, known.number)));
}

async function use(chosen) {
  const mine = (choosing = Symbol(chosen));
  const known = await ask(phone("", chosen.trim()), { method: "PUT", body: "{}" });
  if (choosing !== mine) return; // another number was chosen meanwhile
  number = known.number;
  $("number").value = number;
  $("who").textContent = "You are sending as " + number + ".";
  history.replaceState(null, "", "#" + number);
  listening = Symbol(number);
  listen(listening);
  await listNumbers();
}

function newMessage() {
  const type = $("type").value;
  const text = $("text").value;
  const mine = shown.filter((entry) => entry.direction === "out" && entry.type === "text").at(-1);
  if (type === "reaction") return { type, emoji: text || "👍", message_id: shown.at(-1)?.id };
  if (type === "edit" || type === "revoke") return { type, text, message_id: mine?.id };
  if (["image", "video", "document"].includes(type)) return { type, caption: text || undefined };
  return { type, text };
}

// Only the newest attempt shows its error: a late failure must not replace a newer one's words.
function attempt(form, action) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++attempts;
    try {
      $("problem").textContent = "";
      await action();
    } catch (problem) {
      if (attempts === mine) $("problem").textContent = problem.message;
    }
  });
}

attempt("choose", () => use($("number").value));
attempt("write", async () => {
  if (!number) throw new Error("Choose a phone number first.");
  if ($("type").value === "text" && !$("text").value) throw new Error("Type a message first.");
  await ask(phone("/messages"), { method: "POST", body: JSON.stringify(newMessage()) });
  $("text").value = "";
  $("text").focus();
});

for (const part of document.querySelectorAll("header, footer")) part.hidden = false;
listNumbers();
if (location.hash.length > 1) use(decodeURIComponent(location.hash.slice(1)));
