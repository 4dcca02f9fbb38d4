// node run.mjs CLIENT BASE_URL: runs every case of one client and prints what each gave as one JSON object.
const [client, baseUrl] = process.argv.slice(2);
const { cases } = await import(`./${client}.mjs`);
const results = {};
for (const [name, run] of Object.entries(cases(baseUrl))) {
  try {
    results[name] = await run();
  } catch (error) {
    results[name] = { unexpected: String(error?.stack ?? error) };
  }
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
