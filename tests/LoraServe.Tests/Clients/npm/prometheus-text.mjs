// node prometheus-text.mjs FILE: how many series each family of a text of Prometheus' format has.
import { readFileSync } from "node:fs";
import parser from "parse-prometheus-text-format";

const families = parser(readFileSync(process.argv[2], "utf8"));
process.stdout.write(JSON.stringify(families.map(({ name, type, metrics }) => ({ name, type, series: metrics.length }))));
