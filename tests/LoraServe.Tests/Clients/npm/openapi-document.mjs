// node openapi-document.mjs FILE: whether an OpenAPI document is valid by the specification's own JSON schema.
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const { valid, errors } = await validator.validate(process.argv[2]);
process.stdout.write(JSON.stringify({ valid, errors, version: validator.version }));
