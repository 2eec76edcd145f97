// One account from sign-up to deletion, with the unmodified JavaScript client. Prints `done`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, publishable, secret, email, modules] = process.argv.slice(2);
const { createClient } = createRequire(`${modules}/`)("@supabase/supabase-js");
const [PASSWORD, LATER] = ["a quokka with 9 lanterns", "an armadillo with 7 kettles"];
// Node.js below 22 has no WebSocket; nothing here opens one, but the client insists on a class for it.
const realtime = { transport: globalThis.WebSocket ?? class {} };
const quiet = { auth: { autoRefreshToken: false, persistSession: false }, realtime };
const client = createClient(url, publishable, quiet);
const admin = createClient(url, secret, quiet);

const well = ({ data, error }) => {
  assert.equal(error, null);
  return data;
};

const signedUp = well(await client.auth.signUp({ email, password: PASSWORD, options: { data: { a: 1 } } }));
try {
  if (!signedUp.session) well(await admin.auth.admin.updateUserById(signedUp.user.id, { email_confirm: true }));
  const first = well(await client.auth.signInWithPassword({ email, password: PASSWORD }));
  const second = well(await client.auth.refreshSession());
  assert.notEqual(second.session.refresh_token, first.session.refresh_token);
  const changed = well(await client.auth.updateUser({ password: LATER, data: { b: 2 } }));
  assert.equal(changed.user.user_metadata.b, 2);
  assert.equal(well(await client.auth.getUser()).user.email, email);
  assert.equal(well(await client.auth.getClaims()).claims.email, email);
  well(await client.auth.signOut({ scope: "local" }).then(({ error }) => ({ data: null, error })));
  assert.equal(well(await client.auth.getSession()).session, null);

  const { error } = await client.auth.signInWithPassword({ email, password: PASSWORD });
  assert.deepEqual([error.code, error.status], ["invalid_credentials", 400]);
  const weak = await client.auth.signUp({ email: `weak-${email}`, password: "abc" });
  assert.deepEqual([weak.error.code, weak.error.reasons], ["weak_password", ["length"]]);

  const link = well(await admin.auth.admin.generateLink({ type: "recovery", email }));
  const proof = { type: "recovery", token_hash: link.properties.hashed_token };
  assert.equal(well(await client.auth.verifyOtp(proof)).user.email, email);
  well(await client.auth.resetPasswordForEmail(`unknown-${email}`));
  const { error: left } = await client.auth.signOut();
  assert.equal(left, null);
} finally {
  well(await admin.auth.admin.deleteUser(signedUp.user.id));
}
console.log("done");
