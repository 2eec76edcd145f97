// Sessions of one account on several devices, with the unmodified JavaScript client. Prints `done`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, publishable, secret, email, modules] = process.argv.slice(2);
const { createClient } = createRequire(`${modules}/`)("@supabase/supabase-js");
const [PASSWORD, LATER] = ["a quokka with 9 lanterns", "an armadillo with 7 kettles"];
const realtime = { transport: globalThis.WebSocket ?? class {} };

function memory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

function device(key = publishable, storage = memory()) {
  const auth = { autoRefreshToken: false, persistSession: true, detectSessionInUrl: false, storage };
  const client = createClient(url, key, { auth, realtime });
  const heard = [];
  client.auth.onAuthStateChange((event) => void heard.push(event));
  return { auth: client.auth, admin: client.auth.admin, heard, storage };
}

const well = ({ data, error }) => {
  assert.equal(error, null);
  return data;
};
const refused = async (answer, ...codes) => {
  const { error } = await answer;
  assert.ok(error, `accepted, instead of ${codes}`);
  assert.ok(codes.includes(error.code ?? error.name), `${error.code ?? error.name} instead of ${codes}`);
};
// Listeners are told after the call has answered.
const hears = async ({ heard }, event) => {
  for (let waited = 0; !heard.includes(event) && waited < 200; waited++) await new Promise((go) => setTimeout(go, 10));
  assert.ok(heard.includes(event), `${event} is not among ${heard}`);
  heard.length = 0;
};
const logIn = async (one, password = PASSWORD) => well(await one.auth.signInWithPassword({ email, password }));
const lives = async ({ auth }) => (await auth.getUser()).error === null;

const admin = device(secret);
const [here, there, elsewhere] = [device(), device(), device()];
await hears(here, "INITIAL_SESSION");
const signedUp = well(await here.auth.signUp({ email, password: PASSWORD }));
const { id } = signedUp.user;
try {
  if (!signedUp.session) well(await admin.admin.updateUserById(id, { email_confirm: true }));
  await eventsAndStorage();
  await logOuts();
  await passwordChange();
  await recovery();
  await refreshes();
  await ban();
} finally {
  well(await admin.admin.deleteUser(id));
}
await refused(here.auth.signInWithPassword({ email, password: LATER }), "invalid_credentials");
assert.equal(await lives(here), false);
console.log("done");

async function eventsAndStorage() {
  await logIn(here);
  await hears(here, "SIGNED_IN");
  well(await here.auth.refreshSession());
  await hears(here, "TOKEN_REFRESHED");
  well(await here.auth.updateUser({ data: { likes: "tea" } }));
  await hears(here, "USER_UPDATED");
  const reopened = device(publishable, here.storage);
  assert.equal(well(await reopened.auth.getSession()).session.user.id, id);
  well({ data: 0, error: (await here.auth.signOut({ scope: "local" })).error });
  await hears(here, "SIGNED_OUT");
  assert.equal(well(await here.auth.getSession()).session, null);
}

async function logOuts() {
  for (const one of [here, there, elsewhere]) await logIn(one);
  assert.equal((await there.auth.signOut({ scope: "local" })).error, null);
  assert.deepEqual([await lives(here), await lives(elsewhere)], [true, true]);
  await logIn(there);
  assert.equal((await here.auth.signOut({ scope: "others" })).error, null);
  assert.equal(await lives(here), true);
  for (const one of [there, elsewhere]) {
    await refused(one.auth.refreshSession(), "refresh_token_not_found", "session_not_found");
    await logIn(one);
  }
  assert.equal((await here.auth.signOut({ scope: "global" })).error, null);
  for (const one of [there, elsewhere]) assert.equal(await lives(one), false);
}

async function passwordChange() {
  for (const one of [here, there]) await logIn(one);
  await refused(here.auth.updateUser({ password: PASSWORD }), "same_password");
  await refused(here.auth.updateUser({ password: "abc" }), "weak_password");
  well(await here.auth.updateUser({ password: LATER }));
  assert.deepEqual([await lives(here), await lives(there)], [true, false]);
  await refused(there.auth.signInWithPassword({ email, password: PASSWORD }), "invalid_credentials");
  await logIn(there, LATER);
}

async function recovery() {
  well(await device().auth.resetPasswordForEmail(`unknown-${email}`));
  const { properties } = well(await admin.admin.generateLink({ type: "recovery", email }));
  const proof = { type: "recovery", token_hash: properties.hashed_token };
  const opened = well(await elsewhere.auth.verifyOtp(proof));
  assert.equal(opened.user.id, id);
  await hears(elsewhere, "PASSWORD_RECOVERY");
  await refused(elsewhere.auth.verifyOtp(proof), "otp_expired");
  well(await elsewhere.auth.updateUser({ password: PASSWORD }));
  await refused(here.auth.signInWithPassword({ email, password: LATER }), "invalid_credentials");
}

async function refreshes() {
  const { session } = await logIn(here);
  const [first, second] = await Promise.all([here.auth.refreshSession(), here.auth.refreshSession()]).then((all) => all.map(well));
  assert.equal(first.session.refresh_token, second.session.refresh_token);
  well(await there.auth.setSession(first.session));
  assert.equal(well(await there.auth.getUser()).user.id, id);
  // The one before is still good within the interval, for a response that was lost.
  well(await there.auth.refreshSession({ refresh_token: session.refresh_token }));
  await refused(there.auth.refreshSession({ refresh_token: "abcdefghijkl" }), "refresh_token_not_found");
}

async function ban() {
  await logIn(here);
  well(await admin.admin.updateUserById(id, { ban_duration: "24h" }));
  await refused(there.auth.signInWithPassword({ email, password: PASSWORD }), "user_banned");
  assert.equal(await lives(here), false);
  well(await admin.admin.updateUserById(id, { ban_duration: "none" }));
  await logIn(there);
}
