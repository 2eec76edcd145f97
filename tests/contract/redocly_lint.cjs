// Prints what Redocly's recommended rules find in a description: `node redocly_lint.cjs NODE_MODULES FILE`.
const { createRequire } = require("node:module");
const [, , folder, file] = process.argv;
const { createConfig, lint } = createRequire(folder + "/")("@redocly/openapi-core");

(async () => {
  const config = await createConfig({ extends: ["recommended"] });
  for (const { ruleId, message, location } of await lint({ ref: file, config })) {
    console.log(`${ruleId}: ${message} (${location[0].pointer})`);
  }
})();
